"""nakawari (中割り): draws the frames between the drawings of 2D animation.

Everything that users call is here; each name is imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "NakawariError": "nakawari.errors",
    "Plan": "nakawari.timeline.plan",
    "Slot": "nakawari.timeline.plan",
    "load": "nakawari.models",
}

if TYPE_CHECKING:
    from nakawari.errors import NakawariError
    from nakawari.models import load
    from nakawari.timeline.plan import Plan, Slot

__all__ = ["NakawariError", "Plan", "Slot", "__version__", "load"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nakawari' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
