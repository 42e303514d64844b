"""Models that know their motion, so that it can be looked at and bent along arcs (`ops/arcs.py`)."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from nakawari.models.base import Interpolator, Pair
from nakawari.tensors import pad_to_multiple, unpad


class Curved(Interpolator):
    """An interpolator whose motion can be seen, and can follow arcs."""

    @abstractmethod
    def _flows(self, state: Any) -> tuple[Tensor, Tensor]:
        """Flow 0→1 and 1→0 of what was prepared, [B, 2, H, W]."""

    @abstractmethod
    def _bend(self, state: Any, turn0: Tensor, turn1: Tensor) -> None:
        """Let what was prepared move along arcs from now on."""

    def flows(self, pair: Pair) -> tuple[Tensor, Tensor] | None:
        """The motion that a pair is drawn by: flow 0→1 and 1→0, [B, 2, H, W], pixels of the frame.

        None where it is not known any more, after memory was short.
        """
        if pair.box is None:
            still = torch.zeros(1, 2, *pair.size, device=self.device)
            return still, still
        if pair.state is None:
            return None
        flow01, flow10 = self._flows(pair.state)
        return _whole(pair, flow01.float()), _whole(pair, flow10.float())

    def bend(self, pair: Pair, turn0: Tensor, turn1: Tensor) -> None:
        """Let a pair be drawn along arcs instead of chords.

        Args:
            pair: what `prepare` gave.
            turn0, turn1: [B, 1, H, W], radians, by how much pixels of each key turn on the way from key 0 to
                key 1; see `ops.arcs.arc_angles`.
        """
        if pair.box is None:
            return
        boxed = [pad_to_multiple(pair.box.crop(turn), self.multiple)[0] for turn in (turn0, turn1)]
        pair.turns = boxed[0], boxed[1]
        if pair.state is not None:
            self._bend(pair.state, *pair.turns)

    def _state(self, pair: Pair) -> Any:
        state = super()._state(pair)
        if pair.turns is not None:
            self._bend(state, *pair.turns)
        return state


def _whole(pair: Pair, part: Tensor) -> Tensor:
    """What is known of the (padded) box, [B, C, H, W], on the grid of the frame, 0 around it."""
    assert pair.box is not None
    box, (height, width) = pair.box, pair.size
    out = part.new_zeros(*part.shape[:2], height, width)
    size = (box.bottom - box.top, box.right - box.left)
    out[..., box.top : box.bottom, box.left : box.right] = unpad(part, size)
    return out
