"""What all tests go by."""

from hypothesis import settings

# A machine that is busy fails no test, and the same examples are tried everywhere.
settings.register_profile("nakawari", deadline=None, derandomize=True)
settings.load_profile("nakawari")
