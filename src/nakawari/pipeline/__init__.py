"""Where models, video and timeline meet."""
