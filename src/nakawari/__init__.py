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
    "list_models": "nakawari.models",
    "load": "nakawari.models",
    "Report": "nakawari.pipeline.report",
    "evaluate": "nakawari.evaluation.run",
    "inbetween": "nakawari.pipeline.inbetween",
    "plan": "nakawari.pipeline.analyse",
    "smooth": "nakawari.pipeline.smooth",
}

if TYPE_CHECKING:
    from nakawari.errors import NakawariError
    from nakawari.evaluation.run import evaluate
    from nakawari.models import list_models, load
    from nakawari.pipeline.analyse import plan
    from nakawari.pipeline.inbetween import inbetween
    from nakawari.pipeline.report import Report
    from nakawari.pipeline.smooth import smooth
    from nakawari.timeline.plan import Plan, Slot

__all__ = [
    "NakawariError",
    "Plan",
    "Report",
    "Slot",
    "__version__",
    "evaluate",
    "inbetween",
    "list_models",
    "load",
    "plan",
    "smooth",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nakawari' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
