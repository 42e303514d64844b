"""Colour classification: a made pixel is to be of the colour class that the true one is of.

A drawing has few colours, and the frames beside it have the same. So the classes of a sample are the colours
of its two keys (k-means); a pixel belongs to each of them softly, by how near it is; and the loss is the
cross-entropy of the made picture's classes against the truth's:

    L_CL = - mean_p  v(p) · Σ_q Z_q(p) · log Ẑ_q(p)            L = L_RIFE + β · L_CL

v makes rare classes count more (Zhang et al. 2016), where that is wanted. The document wants three things of
the classes of a made picture, which `wishes` measures.

The code that was released with the document takes another road: it rounds both pictures down to tenths and
calls `cross_entropy` on the three colour channels as if they were classes. Rounding has no gradient, so
that term trained nothing (`tests/losses/test_colour_class.py` shows it), and it is not here.

One more class is "none of them", or a colour that lies beyond all classes would do as well as a class's own.

What it cannot do: cross-entropy is a proper score. Where the truth is undecided between two colours, the best
answer is the one whose class shares are the odds, and that is a colour between the two. It sharpens an edge
whose place is known, not one whose place is open.

Source: C. Rhoades, "Frame Interpolation for Animation", section IV; Zhang et al. 2016, "Colorful Image
Colorization", section 2.
Differs: classes are in RGB and from the sample's own frames, as the document asks, and not bins of ab.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from nakawari.ops.warp import backward_warp

ROUNDS = 8
SEEN_PX = 2048
"""Pixels of each key that the classes are found from."""
NEAR = 0.02
"""Distances in RGB are smooth below this."""
NONE = 2.0
"""Softnesses from a colour at which a pixel is as likely to be of no class."""
LEAST = 1e-12
"""Shares below are nothing, in the entropy of the true classes."""


@dataclass(frozen=True, slots=True)
class ColourClasses:
    """The classes of a batch, from its keys.

    Attributes:
        colours: [B, Q, 3] in [0, 1].
        softness: how much nearer in RGB a class must be to be more likely by a factor of e.
        weights: [B, Q], v of each class; their mean over the keys' pixels is 1.
    """

    colours: Tensor
    softness: float
    weights: Tensor

    def shares(self, image: Tensor) -> Tensor:
        """How much each pixel is of each class: [B, 3, H, W] → [B, Q, H, W], sums to 1."""
        return self._logits(image).softmax(1)

    def loss(self, made: Tensor, truth: Tensor) -> Tensor:
        """L_CL, a scalar; the entropy of the true classes is taken off, so that the truth costs nothing.

        Args:
            made, truth: [B, 3, H, W] in [0, 1].
        """
        with torch.no_grad():
            wanted = self._with_none(truth).softmax(1)
            weights = torch.cat([self.weights, torch.ones_like(self.weights[:, :1])], 1)
            weight = (wanted * weights[:, :, None, None]).sum(1)
            entropy = (wanted * wanted.clamp_min(LEAST).log()).sum(1)
        told = self._with_none(made).log_softmax(1)
        return (weight * (entropy - (wanted * told).sum(1))).mean()

    def _with_none(self, image: Tensor) -> Tensor:
        """Logits of the classes and of "none of them", which is as far from every colour.

        Classes alone say only which colour is nearer: beyond a colour, away from the others, that does not
        change, and pictures drift to colours that nobody painted.
        """
        logits = self._logits(image)
        return torch.cat([logits, torch.full_like(logits[:, :1], -NONE)], 1)

    def _logits(self, image: Tensor) -> Tensor:
        """Minus the distance to each colour, in softnesses.

        Not its square: between two colours that are far apart all but the very middle would be decided then,
        and a blurred edge would hardly cost anything.
        """
        away = self.colours[..., None, None] - image.float()[:, None]
        return -(away.square().sum(2) + NEAR**2).sqrt() / self.softness


@torch.no_grad()
def classes_of(
    frame0: Tensor, frame1: Tensor, count: int = 16, softness: float = 0.08, rarity: float = 0.0
) -> ColourClasses:
    """The colour classes of pairs of keys.

    Args:
        frame0, frame1: [B, 3, H, W] in [0, 1].
        count: of classes, Q.
        softness: see `ColourClasses`.
        rarity: 0 weighs all classes alike; 1 by the inverse of how frequent they are; between, by the
            inverse of a mixture with the uniform distribution (λ = 1 − rarity of Zhang et al.).
    """
    pixels = torch.cat([_thinned(frame0), _thinned(frame1)], 1)
    colours = _k_means(pixels, count)
    classes = ColourClasses(colours, softness, torch.ones_like(colours[..., 0]))
    if not rarity:
        return classes
    frequency = classes.shares(pixels.transpose(1, 2)[..., None]).mean((2, 3))
    inverse = 1 / (rarity * frequency + (1 - rarity) / count).clamp_min(1e-3)
    weights = inverse / (frequency * inverse).sum(1, keepdim=True)
    return ColourClasses(colours, softness, weights)


def _thinned(image: Tensor) -> Tensor:
    """[B, 3, H, W] → [B, N, 3], evenly, N at most about SEEN_PX."""
    flat = image.float().flatten(2).transpose(1, 2)
    return flat[:, :: -(-flat.shape[1] // SEEN_PX)]


def _k_means(pixels: Tensor, count: int) -> Tensor:
    """[B, N, 3] → [B, count, 3]; begins with colours that are far from each other, so chance has no part."""
    chosen: list[Tensor] = []
    nearest = torch.cdist(pixels, pixels.mean(1, keepdim=True))[..., 0]
    for number in range(count):
        new = pixels.gather(1, nearest.argmax(1)[:, None, None].expand(-1, 1, 3))
        chosen.append(new)
        away = torch.cdist(pixels, new)[..., 0]
        nearest = torch.minimum(nearest, away) if number else away
    centres = torch.cat(chosen, 1)
    for _ in range(ROUNDS):
        own = torch.nn.functional.one_hot(torch.cdist(pixels, centres).argmin(2), count).to(pixels.dtype)
        size = own.sum(1)[..., None]
        centres = torch.where(size > 0, own.transpose(1, 2) @ pixels / size.clamp_min(1), centres)
    return centres


@torch.no_grad()
def wishes(
    classes: ColourClasses,
    made: Tensor,
    frame0: Tensor,
    frame1: Tensor,
    flowt0: Tensor | None = None,
    visiblet0: Tensor | None = None,
) -> dict[str, Tensor]:
    """The three wishes of the document, each [B].

    Args:
        classes: of the keys.
        made: [B, 3, H, W], the picture between them.
        frame0, frame1: the keys.
        flowt0: [B, 2, H, W], where each pixel of `made` truly is in frame 0; None: not known.
        visiblet0: [B, H, W] bool, whether it is to be seen there; None: all are.

    Returns:
        "distribution": how far the class shares of the picture are from the mean of the keys' (total
        variation, 0…1, less is better); "motion": share of visible pixels that have kept their class on the
        way from frame 0 (only with `flowt0`); "clustered": mean agreement of neighbouring pixels in class.
    """
    own, first, second = (classes.shares(x) for x in (made, frame0, frame1))
    mean = (first.mean((2, 3)) + second.mean((2, 3))) / 2
    beside = _agree(own[..., 1:], own[..., :-1]).mean((1, 2))
    below = _agree(own[..., 1:, :], own[..., :-1, :]).mean((1, 2))
    found = {
        "distribution": 0.5 * (own.mean((2, 3)) - mean).abs().sum(1),
        "clustered": (beside + below) / 2,
    }
    if flowt0 is not None:
        same = _agree(own, backward_warp(first, flowt0))
        seen = torch.ones_like(same) if visiblet0 is None else visiblet0.to(same.dtype)
        found["motion"] = (same * seen).sum((1, 2)) / seen.sum((1, 2)).clamp_min(1)
    return found


def _agree(one: Tensor, other: Tensor) -> Tensor:
    """Overlap of class shares: [B, Q, h, w] twice → [B, h, w], 1 where they are the same."""
    return torch.minimum(one, other).sum(1)
