"""Learned blocks that two or more model families share."""
