"""Cels: the drawing is sacred. See `docs/cel.md`."""
