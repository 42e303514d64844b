"""Every error that nakawari raises on purpose.

    NakawariError
    ├── InputError        what the caller gave cannot be used (also a ValueError)
    │   ├── MediaError    a video, image or sound file is missing, broken or unsupported
    │   ├── PlanError     a plan, chart or cut list does not describe the input
    │   ├── UsageError    arguments contradict each other, or name what is not there
    │   └── ShapeError    an array or tensor has the wrong shape, type or range
    ├── OutputError       the result cannot be written where it was asked to go
    ├── ModelError        an unknown model, or weights that are absent or do not fit
    ├── TrainingError     training cannot go on: a loss or gradient is not a finite number
    ├── BackendError      a backend that was asked for by name cannot run here
    └── MissingExtraError an optional dependency is not installed (also an ImportError)

A message says what was found, what was wanted, and what to do about it, in one line.
"""


class NakawariError(Exception):
    """Base of all errors that nakawari raises on purpose."""


class InputError(NakawariError, ValueError):
    """What the caller gave cannot be used."""


class MediaError(InputError):
    """A video, image or sound file is missing, broken or unsupported."""


class PlanError(InputError):
    """A plan, chart or cut list does not describe the input."""


class UsageError(InputError):
    """Arguments contradict each other, or name what is not among the others."""


class ShapeError(InputError):
    """An array or tensor has the wrong shape, type or range."""


class OutputError(NakawariError):
    """The result cannot be written where it was asked to go."""


class ModelError(NakawariError):
    """An unknown model, or weights that are absent or do not fit."""


class TrainingError(NakawariError):
    """Training cannot go on: a loss or gradient is not a finite number."""


class BackendError(NakawariError):
    """A backend that was asked for by name cannot run here."""


class MissingExtraError(NakawariError, ImportError):
    """An optional dependency is not installed."""
