"""Data sets, procedural scenes and augmentation."""
