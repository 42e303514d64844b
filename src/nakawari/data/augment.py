"""Augmentation that keeps frames, flows, masks, labels and t in agreement.

The geometric ones are exact: crops, flips, quarter turns, time reversal. Colours change alike in all three
frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nakawari.data.sample import FLOWS, FRAMES, VISIBLE, Sample
from nakawari.errors import InputError

_REVERSED = str.maketrans("01", "10")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `augment` does; chances are 0..1.

    Attributes:
        crop: (height, width); None: the whole canvas.
        moving: of a few places for the crop, how often the one with the most motion is taken.
        flip: chance of each mirror.
        turn: chance of a quarter turn (crops must then be square).
        reverse: chance of time reversal.
        channels: chance of another order of R, G, B.
        colour: strength of changes of brightness, contrast, saturation and gamma.
    """

    crop: tuple[int, int] | None = None
    moving: float = 0.5
    flip: float = 0.5
    turn: float = 0.25
    reverse: float = 0.5
    channels: float = 0.2
    colour: float = 0.1


def crop(sample: Sample, top: int, left: int, size: tuple[int, int]) -> Sample:
    """Cut a box out. What leaves the box is no longer visible.

    Raises:
        InputError: the box is not inside the frames.
    """
    height, width = sample.frame0.shape[-2:]
    if top < 0 or left < 0 or top + size[0] > height or left + size[1] > width:
        raise InputError(
            f"a crop of {size} at {(top, left)} is not inside {height}×{width}; choose a smaller one."
        )
    box = (..., slice(top, top + size[0]), slice(left, left + size[1]))
    cut = {name: x if name == "t" else x[box] for name, x in sample.tensors().items()}
    for name in VISIBLE:
        flow = cut.get(name.replace("visible", "flow"))
        if name in cut and flow is not None:
            cut[name] = cut[name] & inside(flow)
    return Sample(**cut)


def inside(flow: Tensor) -> Tensor:
    """Whether p + flow(p) is in the frame: [..., 2, H, W] → [..., H, W]."""
    height, width = flow.shape[-2:]
    x = torch.arange(width, device=flow.device) + flow[..., 0, :, :].float()
    y = torch.arange(height, device=flow.device)[:, None] + flow[..., 1, :, :].float()
    return (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)


def flip(sample: Sample, axis: int) -> Sample:
    """Mirror along x (axis 0) or y (axis 1)."""
    made = {name: x if name == "t" else x.flip(-1 - axis) for name, x in sample.tensors().items()}
    for name in FLOWS:
        if name in made:
            made[name].select(-3, axis).neg_()
    return Sample(**made)


def transpose(sample: Sample) -> Sample:
    """Swap x and y; with a flip it is a quarter turn."""
    made = {name: x if name == "t" else x.transpose(-1, -2) for name, x in sample.tensors().items()}
    for name in FLOWS:
        if name in made:
            made[name] = made[name].flip(-3)
    return Sample(**made)


def reverse(sample: Sample) -> Sample:
    """Play backwards: 0 and 1 change places, t becomes 1 − t."""
    made = {name.translate(_REVERSED): x for name, x in sample.tensors().items()}
    made["t"] = 1 - sample.t
    return Sample(**made)


def permute_channels(sample: Sample, order: tuple[int, int, int]) -> Sample:
    """Another order of R, G, B; alpha stays the last."""
    made = sample.tensors()
    for name in FRAMES:
        index = torch.tensor((*order, 3)[: made[name].shape[-3]], device=made[name].device)
        made[name] = made[name].index_select(-3, index)
    return Sample(**made)


def jitter_colour(sample: Sample, gain: float, bias: float, saturation: float, gamma: float) -> Sample:
    """Change the colours of all three frames alike; alpha stays.

    Args:
        sample: of uint8 frames.
        gain, bias: value · gain + bias, in 0..1.
        saturation: 0 is grey, 1 leaves colours.
        gamma: exponent.
    """
    made = sample.tensors()
    ramp = torch.linspace(0, 1, 256).mul(gain).add(bias).clamp(0, 1).pow(gamma).mul(255).round()
    table = ramp.to(torch.uint8).to(sample.frame0.device)
    for name in FRAMES:
        frame = made[name]
        colour = table[frame[..., :3, :, :].int()]
        if saturation != 1:
            grey = colour.float().mean(-3, keepdim=True)
            colour = (grey + saturation * (colour - grey)).round().clamp(0, 255).to(torch.uint8)
        made[name] = torch.cat((colour, frame[..., 3:, :, :]), -3)
    return Sample(**made)


def _place(sample: Sample, size: tuple[int, int], moving: float, rng: np.random.Generator) -> tuple[int, int]:
    """Where to crop: anywhere, or of five places where most moves."""
    height, width = sample.frame0.shape[-2:]
    if size[0] > height or size[1] > width:
        raise InputError(f"a crop of {size} is not inside {height}×{width}; choose a smaller one.")
    places = np.stack((rng.integers(0, height - size[0] + 1, 5), rng.integers(0, width - size[1] + 1, 5)), -1)
    choose = rng.random() < moving
    if not choose:
        return int(places[0, 0]), int(places[0, 1])
    change = (sample.frame0[..., ::4, ::4].int() - sample.frame1[..., ::4, ::4].int()).abs().amax(-3) > 8
    totals = [
        int(change[..., y // 4 : (y + size[0]) // 4, x // 4 : (x + size[1]) // 4].sum())
        for y, x in places.tolist()
    ]
    best = int(np.argmax(totals))
    return int(places[best, 0]), int(places[best, 1])


def augment(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """Apply a recipe to one sample.

    Raises:
        InputError: the crop does not fit, or quarter turns of a crop that is not square.
    """
    if recipe.crop is not None:
        top, left = _place(sample, recipe.crop, recipe.moving, rng)
        sample = crop(sample, top, left, recipe.crop)
    for axis in (0, 1):
        if rng.random() < recipe.flip:
            sample = flip(sample, axis)
    if rng.random() < recipe.turn:
        if sample.frame0.shape[-1] != sample.frame0.shape[-2]:
            raise InputError("a quarter turn wants a square; set turn = 0, or a square crop.")
        sample = transpose(sample)
    if rng.random() < recipe.reverse:
        sample = reverse(sample)
    order = rng.permutation(3)
    if rng.random() < recipe.channels:
        sample = permute_channels(sample, (int(order[0]), int(order[1]), int(order[2])))
    gain, bias, saturation, gamma = rng.uniform(-1, 1, 4) * recipe.colour
    if recipe.colour:
        sample = jitter_colour(sample, 1 + gain, bias / 2, 1 + 2 * saturation, float(np.exp(2 * gamma)))
    return Sample(**{name: x.contiguous() for name, x in sample.tensors().items()})
