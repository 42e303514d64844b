"""Models and folders of predictions against truth: rows and tables."""
