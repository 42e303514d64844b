"""Pure decisions about time: no torch, no files; fractions and whole numbers."""
