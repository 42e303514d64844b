"""How sure a model is of a pair: as it tells itself, else as its motion does."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, get_args

from nakawari.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nakawari.models.base import Interpolator, Pair
    from nakawari.video.frames import Array

Flows = tuple["Tensor", "Tensor"]
Unsure = Literal["draw", "hold", "nearest"]
"""Where a model is not sure of a pair: it draws, the key before stands, or the nearer one does."""


def check_unsure(unsure: str) -> None:
    """Raise InputError where it is no `Unsure`."""
    if unsure not in get_args(Unsure):
        raise InputError(f"unsure is {unsure!r}; wanted {', '.join(get_args(Unsure))}.")


def takes_second(unsure: Unsure, t: Fraction | float) -> bool:
    """Whether the second key stands in at t of a pair of which the model is not sure."""
    return unsure == "nearest" and 2 * t > 1


def premultiplied(keys: tuple[Array, Array], device: torch.device) -> tuple[Tensor, Tensor]:
    """Two keys, H×W×3 or H×W×4, as [1, C, H, W] in [0, 1], colour premultiplied."""
    from nakawari.tensors import to_tensor

    frame0, frame1 = (to_tensor(key, device) for key in keys)
    for frame in (frame0, frame1):
        frame[:, :3] *= frame[:, 3:] if frame.shape[1] == 4 else 1
    return frame0, frame1


def doubt_of(artist: Interpolator, pair: Pair, keys: tuple[Array, Array]) -> float:
    """Doubt about all in-betweens of a prepared pair, in [0, 1]; 0 where nothing changes.

    Args:
        artist: that prepared the pair.
        pair: of the keys.
        keys: H×W×3 or H×W×4 frames.
    """
    told = artist.confidence(pair)
    if told is not None:
        return 1 - told
    from nakawari.metrics.doubt import doubt
    from nakawari.models.arcs import Curved
    from nakawari.ops.search import search_both
    from nakawari.tensors import to_frame

    frames = premultiplied(keys, artist.device)
    flows = artist.flows(pair) if isinstance(artist, Curved) else None
    if flows is None:
        found = search_both(to_frame(frames[0][:, :3]), to_frame(frames[1][:, :3]))
        flows = (found[0][None].to(frames[0]), found[1][None].to(frames[0]))
    return doubt(*frames, *flows)
