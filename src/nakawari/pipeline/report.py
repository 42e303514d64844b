"""What a run did, as data: for `--report`, for the last lines on screen, for benchmarks."""

from __future__ import annotations

import json
import platform
import resource
import sys
from dataclasses import dataclass, field
from typing import Any

from nakawari import __version__
from nakawari.timeline.plan import Plan, Reason
from nakawari.video.frames import Info


@dataclass(slots=True)
class Timing:
    """Seconds by what was done; what was prepared and drawn side by side is counted together."""

    read: float = 0.0
    """waiting for decoded frames"""
    prepare: float = 0.0
    draw: float = 0.0
    write: float = 0.0
    """handing frames to the encoder, or waiting for it"""


@dataclass(slots=True)
class Work:
    """What was drawn: pairs of drawings, frames, and pixels inside the boxes that change."""

    pairs: int = 0
    drawn: int = 0
    copied: int = 0
    changed_px: int = 0
    """Sum over drawn frames of the pixels that a model had to look at."""
    unsure: list[tuple[int, int]] = field(default_factory=list)
    """Frames between which nothing was drawn, as the model was not sure."""
    at_once: int = 1
    """Pairs that were drawn side by side at most."""
    timing: Timing = field(default_factory=Timing)

    def add(self, other: Work) -> None:
        """Count what another did as well."""
        for name in ("pairs", "drawn", "copied", "changed_px"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.unsure += other.unsure
        self.at_once = max(self.at_once, other.at_once)
        for name in self.timing.__slots__:
            setattr(self.timing, name, getattr(self.timing, name) + getattr(other.timing, name))


@dataclass(slots=True)
class Report:
    """What `smooth` did."""

    input: str
    output: str
    model: str
    device: str
    plan: Plan
    work: Work
    analyse_s: float
    render_s: float
    notes: list[str] = field(default_factory=list)
    """Choices that were made for the user, and anything that they should know."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values. Times in seconds, memory in MiB, rates as `"n/d"`."""
        plan, work = self.plan, self.work
        reasons = {str(r): sum(slot.reason is r for slot in plan.slots) for r in Reason}
        drawing_s = (work.timing.prepare + work.timing.draw) / work.at_once  # on the clock, about
        return {
            "input": self.input,
            "output": self.output,
            "model": self.model,
            "device": self.device,
            "rate": f"{plan.rate.numerator}/{plan.rate.denominator}",
            "frames": {
                "in": plan.drawings[-1].last + 1 if plan.drawings else 0,
                "out": len(plan.slots),
                **reasons,
            },
            "shots": [{"first": s.first, "last": s.last, "cadence": s.cadence} for s in plan.shots],
            "drawings": len(plan.drawings),
            "pairs": work.pairs,
            "pairs_at_once": work.at_once,
            "unsure": [list(pair) for pair in work.unsure],
            "seconds": {
                "analyse": round(self.analyse_s, 3),
                "render": round(self.render_s, 3),
                "read": round(work.timing.read, 3),
                "prepare": round(work.timing.prepare, 3),
                "draw": round(work.timing.draw, 3),
                "write": round(work.timing.write, 3),
                "per_drawing": round(drawing_s / max(1, len(plan.drawings)), 5),
                "per_drawn_frame": round(drawing_s / max(1, work.drawn), 5),
            },
            "nanoseconds_per_changed_pixel": round(drawing_s / max(1, work.changed_px) * 1e9, 2),
            "peak_memory_mib": round(peak_memory_mib(), 1),
            "notes": self.notes,
            "versions": versions(),
        }

    def stages(self) -> str:
        """The time of each stage, in words."""
        spent = self.work.timing
        parts = {
            "waiting for frames": spent.read,
            f"preparing {self.work.pairs} pairs": spent.prepare,
            f"drawing {self.work.drawn} frames": spent.draw,
            "writing": spent.write,
        }
        told = ", ".join(f"{what} {seconds:.1f} s" for what, seconds in parts.items())
        if self.work.at_once > 1:
            told += f" ({self.work.at_once} pairs at once)"
        return f"looking {self.analyse_s:.1f} s, then {told}; at most {peak_memory_mib():.0f} MiB of memory"

    def to_json(self) -> str:
        """`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"


def described(info: Info) -> str:
    """A clip, in words."""
    colour = info.colour
    rate = str(info.rate) if info.rate.denominator == 1 else f"{float(info.rate):.6g}"
    beside = [
        f"{count} {what}{'s' * (count != 1)}"
        for count, what in ((info.audio, "sound track"), (info.subtitles, "subtitle track"))
        if count
    ]
    parts = [
        f"{info.width}x{info.height} {info.pix_fmt}",
        f"{rate} a second",
        f"{colour.matrix}, {'full' if colour.full_range else 'limited'} range",
        *beside,
    ]
    return ", ".join(parts)


def peak_memory_mib() -> float:
    """The most memory that this process has held, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def versions() -> dict[str, str]:
    """Versions of nakawari and of what decides its results."""
    from importlib.metadata import version

    names = ("av", "numba", "numpy", "opencv-python-headless", "torch")
    return {"nakawari": __version__, "python": platform.python_version()} | {n: version(n) for n in names}
