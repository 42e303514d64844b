"""Global motion aggregation: what a pixel cannot see for itself, it learns from pixels that look alike.

Where a limb is hidden or has no texture its motion cannot be matched. But it belongs to something, and
pixels of the same thing have similar context. So each pixel takes the mean of all motion features, weighted
by how alike the contexts are, and the network learns when to believe it.

Source: Jiang et al. 2021, "Learning to Estimate Hidden Motions with Global Motion Aggregation"; content-only
attention with one head, which is what AnimeInterp + GMA uses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROWS = 1024
"""So many rows of the attention are worked out at a time, in place: nothing but the result takes memory."""


class GlobalMotionAggregation(nn.Module):
    """Attention of a frame to itself, and motion features gathered by it."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.to_query_key = nn.Conv2d(width, 2 * width, 1, bias=False)
        self.to_value = nn.Conv2d(width, width, 1, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def attend(self, context: Tensor) -> Tensor:
        """How much each pixel listens to each other.

        Args:
            context: [B, width, h, w].

        Returns:
            [B, h w, h w], rows sum to 1.
        """
        query, key = self.to_query_key(context).flatten(2).chunk(2, 1)
        query = (query * query.shape[1] ** -0.5).transpose(1, 2)
        if torch.is_grad_enabled():
            weights: Tensor = torch.matmul(query, key).softmax(-1)
            return weights
        query, key = query.contiguous(), key.contiguous()
        batch, count = query.shape[:2]
        attention: Tensor = query.new_empty(batch, count, count)
        for b in range(batch):
            for start in range(0, count, ROWS):
                rows = attention[b, start : start + ROWS]
                torch.mm(query[b, start : start + ROWS], key[b], out=rows)
                torch.softmax(rows, -1, out=rows)
        return attention

    def forward(self, attention: Tensor, motion: Tensor) -> Tensor:
        """Motion features and, added, what the pixel hears from others: both [B, width, h, w]."""
        value = self.to_value(motion).flatten(2).transpose(1, 2).contiguous()
        heard = torch.matmul(attention, value).transpose(1, 2).reshape(motion.shape)
        return torch.addcmul(motion, self.gamma, heard)
