"""Files to frames and back: containers, colour and sound. No torch, no network."""
