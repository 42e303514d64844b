"""What `inbetween` did: every drawing, where it comes from, and what an animator should look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from nakawari.pipeline.report import versions

REPORT_VERSION = 1


@dataclass(slots=True)
class DrawingReport:
    """One drawing.

    Attributes:
        file: relative to the output.
        layer: its layer; empty where there is only one.
        reason: "key" (the file of a key, byte for byte), "between" (drawn), "hold" or "nearest" (a key stands
            in for a drawing of which the model was not sure).
        key: the key that it is, or comes after.
        next: the key that it comes before; None for keys.
        t: share of the way.
        flags: what to look at: "low confidence", "ghost", "gap", "new colour".
        measures: the numbers behind the flags.
    """

    file: str
    layer: str
    reason: str
    key: str
    next: str | None = None
    t: Fraction | None = None
    flags: list[str] = field(default_factory=list)
    measures: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "file": self.file,
            "layer": self.layer,
            "reason": self.reason,
            "key": self.key,
            "next": self.next,
            "t": None if self.t is None else f"{self.t.numerator}/{self.t.denominator}",
            "flags": self.flags,
            "measures": {name: round(value, 5) for name, value in self.measures.items()},
        }


@dataclass(slots=True)
class InbetweenReport:
    """All drawings of a cut, in order of time, layer by layer."""

    output: str
    model: str
    device: str
    drawings: list[DrawingReport]
    seconds: float
    notes: list[str] = field(default_factory=list)
    """Choices that were made for the user, and anything that they should know."""

    @property
    def drawn(self) -> list[DrawingReport]:
        """The drawings that a model made."""
        return [drawing for drawing in self.drawings if drawing.reason == "between"]

    def flagged(self) -> Iterator[DrawingReport]:
        """The drawings that somebody should look at."""
        return (drawing for drawing in self.drawings if drawing.flags)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values; times in seconds."""
        reasons = ("key", "between", "hold", "nearest")
        return {
            "version": REPORT_VERSION,
            "output": self.output,
            "model": self.model,
            "device": self.device,
            "count": {r: sum(d.reason == r for d in self.drawings) for r in reasons},
            "flagged": sum(1 for _ in self.flagged()),
            "drawings": [drawing.to_dict() for drawing in self.drawings],
            "seconds": round(self.seconds, 3),
            "notes": self.notes,
            "versions": versions(),
        }

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
