"""How far a flow is from the true one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def absolute_error(flow: Tensor, truth: Tensor, valid: Tensor | None = None) -> Tensor:
    """Mean absolute difference of flow, over both components and all pixels, in pixels.

    Args:
        flow, truth: [B, 2, H, W], pixels.
        valid: [B, 1, H, W], bool; where it is false the difference counts as 0; None: true everywhere.

    Source: Teed & Deng 2020 (RAFT), eq. 7, and the mean that its code takes.
    """
    difference = (flow.float() - truth.float()).abs()
    return (difference if valid is None else difference * valid).mean()


def sequence_error(each: Sequence[tuple[Tensor, Tensor, Tensor | None]], decay: float) -> Tensor:
    """`absolute_error` of a flow after each correction, by `decay` to the power of how many follow.

    Args:
        each: (flow, truth, valid), as `absolute_error` takes them; the last correction is the last.
        decay: what a correction counts, against the next one.

    Source: Teed & Deng 2020 (RAFT), eq. 7.
    """
    total = each[0][0].new_zeros(())
    for number, compared in enumerate(each):
        total = total + decay ** (len(each) - 1 - number) * absolute_error(*compared)
    return total
