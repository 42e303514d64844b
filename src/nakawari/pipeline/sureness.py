"""How sure a model is of a pair: as it tells itself, else as its motion does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nakawari.models.unsure import Unsure

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nakawari.models.base import Interpolator, Pair
    from nakawari.video.frames import Array

Flows = tuple["Tensor", "Tensor"]


def tell(model: Interpolator, unsure: Unsure) -> None:
    """Let a model that can show parts which it cannot follow so, too."""
    if "unsure" in model.options:
        model.adjust(unsure=unsure)


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
