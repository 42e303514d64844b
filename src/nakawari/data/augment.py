"""Augmentation that keeps frames, flows, masks, labels and t in agreement.

The geometric ones are exact: crops, flips, quarter turns, time reversal. Scaling resamples frames and flows;
free rotation is for samples of which nothing but the frames is known. Colours change alike in all three
frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.data.sample import FLOWS, FRAMES, VALID, VISIBLE, Sample
from nakawari.errors import InputError

_REVERSED = str.maketrans("01", "10")
_SCALED, _ROTATED = 0.8, 0.5
"""How many samples are: those of RAFT and of FILM."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What `augment` does; chances are 0..1.

    Attributes:
        scale: powers of two, least and most, by which four samples of five are enlarged before they are cut
            (never so little that the crop would not fit); None: none are.
        stretch: how far, in powers of two, the axes of such a sample may go apart, each way.
        rotate: degrees by which half of the samples are turned at most, either way, before they are cut; what
            comes in at corners is black. Only where nothing but frames is known.
        crop: (height, width); None: the whole canvas.
        moving: of a few places for the crop, how often the one with the most motion is taken.
        flip: chance of each mirror.
        over: chance of being turned over (the mirror along y); None: as `flip` says.
        turn: chance of a quarter turn (crops must then be square).
        reverse: chance of time reversal.
        channels: chance of another order of R, G, B.
        colour: strength of changes of brightness, contrast, saturation and gamma.
        erase: chance that a box or two of frame 1 get its mean colour, so that what moves there is covered;
            for learning flow.
    """

    scale: tuple[float, float] | None = None
    stretch: float = 0.0
    rotate: float = 0.0
    crop: tuple[int, int] | None = None
    moving: float = 0.5
    flip: float = 0.5
    over: float | None = None
    turn: float = 0.25
    reverse: float = 0.5
    channels: float = 0.2
    colour: float = 0.1
    erase: float = 0.0


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
    return _seen_inside({name: x if name == "t" else x[box] for name, x in sample.tensors().items()})


def _seen_inside(made: dict[str, Tensor]) -> Sample:
    """What leads out of the picture is not visible."""
    for name in VISIBLE:
        flow = made.get(name.replace("visible", "flow"))
        if name in made and flow is not None:
            made[name] = made[name] & inside(flow)
    return Sample(**made)


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


def enlarge(sample: Sample, tall: float, wide: float) -> Sample:
    """Another size, bilinearly; flows become longer or shorter with it. Masks and labels take the nearest.

    Where flow is known in part, only pixels that it was made of known ones for stay known.
    """
    height, width = (round(n * by) for n, by in zip(sample.frame0.shape[-2:], (tall, wide), strict=True))
    made = {"t": sample.t}
    for name, x in sample.tensors().items():
        if name == "t":
            continue
        smooth = name in (*FRAMES, *FLOWS, *VALID)
        planes = x.float().reshape(1, -1, *x.shape[-2:])
        how = {"mode": "bilinear", "align_corners": False} if smooth else {"mode": "nearest-exact"}
        y = F.interpolate(planes, (height, width), **how).reshape(*x.shape[:-2], height, width)
        if name in FLOWS:
            y = y * torch.tensor((width / x.shape[-1], height / x.shape[-2]), device=y.device)[:, None, None]
        made[name] = (
            y.round().to(x.dtype) if name in FRAMES else y > 0.999 if name in VALID else y.to(x.dtype)
        )
    return _seen_inside(made)


def rotate(sample: Sample, degrees: float) -> Sample:
    """Turn three frames about their middle, counter-clockwise, bilinearly; what comes in is black.

    Raises:
        InputError: more is known of the sample than its frames.
    """
    known = [name for name in sample.tensors() if name not in FRAMES and name != "t"]
    if known:
        raise InputError(f"samples with {known[0]} are not turned freely; set data.augment.rotate = 0.")
    height, width = sample.frame0.shape[-2:]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    made = {"t": sample.t}
    for name in FRAMES:
        frame = getattr(sample, name)
        pixels = cv2.warpAffine(frame.permute(1, 2, 0).contiguous().numpy(), turn, (width, height))
        made[name] = torch.from_numpy(pixels).permute(2, 0, 1)
    return Sample(**made)


def erase(sample: Sample, rng: np.random.Generator) -> Sample:
    """Paint one or two boxes of 50 to 100 pixels in frame 1 with its mean colour; flow from there is unknown.

    Source: Teed & Deng 2020 (RAFT), its code.
    """
    made = sample.tensors()
    frame = made["frame1"] = sample.frame1.clone()
    mean = frame.float().mean((-2, -1), keepdim=True).round().to(frame.dtype)
    left = torch.ones(frame.shape[-2:], dtype=torch.bool, device=frame.device)
    for _ in range(rng.integers(1, 3)):
        y, x = (int(rng.integers(side)) for side in left.shape)
        tall, wide = rng.integers(50, 100, 2)
        left[y : y + tall, x : x + wide] = False
    frame.copy_(torch.where(left, frame, mean))
    if sample.flow10 is not None:
        made["valid10"] = left if sample.valid10 is None else left & sample.valid10
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


def _reshaped(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """What is done before a crop; recipes without it draw no chance for it."""
    if recipe.scale is not None:
        by = 2 ** (rng.uniform(*recipe.scale) + rng.uniform(-recipe.stretch, recipe.stretch, 2))
        if rng.random() < _SCALED:
            crop = recipe.crop or (1, 1)
            least = [(side + 1) / n for side, n in zip(crop, sample.frame0.shape[-2:], strict=True)]
            sample = enlarge(sample, max(by[0], least[0]), max(by[1], least[1]))
    if recipe.rotate:
        degrees = rng.uniform(-recipe.rotate, recipe.rotate)
        if rng.random() < _ROTATED:
            sample = rotate(sample, degrees)
    return sample


def augment(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> Sample:
    """Apply a recipe to one sample.

    Raises:
        InputError: the crop does not fit, or quarter turns of a crop that is not square.
    """
    sample = _reshaped(sample, recipe, rng)
    if recipe.crop is not None:
        top, left = _place(sample, recipe.crop, recipe.moving, rng)
        sample = crop(sample, top, left, recipe.crop)
    for axis, chance in enumerate((recipe.flip, recipe.flip if recipe.over is None else recipe.over)):
        if rng.random() < chance:
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
    if recipe.erase and rng.random() < recipe.erase:
        sample = erase(sample, rng)
    return Sample(**{name: x.contiguous() for name, x in sample.tensors().items()})
