"""What is shown where motion cannot be followed: of a whole pair, and of parts of a picture."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

from nakawari.errors import InputError

Unsure = Literal["draw", "hold", "nearest"]
"""All the same what a model draws, or the key before stands, or the nearer one does."""


def check_unsure(unsure: str) -> None:
    """Raise InputError where it is no `Unsure`."""
    if unsure not in get_args(Unsure):
        raise InputError(f"unsure is {unsure!r}; wanted {', '.join(get_args(Unsure))}.")


def takes_second(unsure: Unsure, t: Fraction | float) -> bool:
    """Whether the second key stands at t, where one stands."""
    return unsure == "nearest" and 2 * t > 1


def share_of_second(unsure: Unsure, t: float) -> float:
    """How much of key 1 is shown at t in a part that stands; "draw" lets one key fade into the other."""
    return t if unsure == "draw" else float(takes_second(unsure, t))
