"""How near a made frame is to the truth."""
