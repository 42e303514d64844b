"""Scene → frames, flow, labels and visibility, in torch, on any device.

Cels are laid from back to front. For each pixel, the inverse map says which point of the painting it shows;
the forward map of the other times says where that point goes. Frames are [N = 3B] items (times 0, t, 1 of
each scene), and one tensor operation serves all items of a slot.

This is the definition, and what a GPU runs: a batch at once, slot by slot over whole frames, for there
launches cost more than pixels. On a CPU its compiled twin in `cpu` draws scenes one by one, each cel only
inside its box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from nakawari.data.cartoon.grade import apply_grade
from nakawari.data.cartoon.pose import Pose, pose
from nakawari.data.cartoon.scene import ADD, Scene
from nakawari.data.sample import Sample, collate
from nakawari.errors import InputError

_OTHERS = torch.tensor(((1, 2), (0, 2), (0, 1)))
"""Of the items (0, t, 1), which two the flow of each points to."""
_SOLID = 0.5
"""A cel that covers more than this owns the pixel: its motion and label."""
_SLOT, _GOAL = 4, 5
"""Channels of the canvas: premultiplied RGB, alpha, slot on top, two goals (x, y)."""


class _Slot:
    """The tables of one drawing slot over the scenes of a batch."""

    def __init__(
        self, scenes: Sequence[Scene], poses: Sequence[Pose], slot: int, device: torch.device
    ) -> None:
        cels = [
            scene.cels[int(where.order[slot])] if slot < len(where.order) else None
            for scene, where in zip(scenes, poses, strict=True)
        ]
        height = max(cel.image.shape[0] for cel in cels if cel is not None)
        width = max(cel.image.shape[1] for cel in cels if cel is not None)
        images = np.zeros((len(cels), height, width, 4), np.uint8)
        times = poses[0].affine.shape[0]
        affine = np.tile(np.array(((1e-3, 0, -9e3), (0, 1e-3, -9e3))), (len(cels), times, 1, 1))
        bend = np.zeros((len(cels), times, 6))
        opacity = np.zeros((len(cels), times))
        texture = np.zeros((len(cels), 4))
        add = np.zeros(len(cels))
        for index, (cel, where) in enumerate(zip(cels, poses, strict=True)):
            if cel is None:
                continue
            h, w = cel.image.shape[:2]
            images[index, :h, :w] = cel.image
            images[index, h:, :w], images[index, :h, w:] = cel.image[-1:], cel.image[:, -1:]
            images[index, h:, w:] = cel.image[-1, -1]
            affine[index], bend[index] = where.affine[:, slot], where.bend[:, slot]
            opacity[index], add[index] = where.opacity[:, slot], cel.blend == ADD
            texture[index] = (
                2 * cel.length / width,
                2 * cel.length / height,
                (2 * cel.pivot[0] + 1) / width - 1,
                (2 * cel.pivot[1] + 1) / height - 1,
            )
        inverse = np.linalg.inv(affine[..., :2])
        offset = -np.einsum("btij,btj->bti", inverse, affine[..., 2])

        def table(array: object, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.as_tensor(array, device=device).to(dtype)

        self.bends = bool(np.any(bend[..., :3]) or np.any(bend[..., 4]))
        self.image = table(images.transpose(0, 3, 1, 2)).mul_(1 / 255)
        self.inverse = table(np.concatenate((inverse, offset[..., None]), -1)).flatten(0, 1)
        self.affine, self.bend = table(affine), table(bend)
        self.bend_flat = self.bend.flatten(0, 1)
        self.opacity = table(opacity).flatten()[:, None, None, None]
        self.dim = bool(np.any(opacity < 1))
        self.texture = table(np.repeat(texture, times, 0))
        self.add = table(np.repeat(add, times))[:, None, None, None]
        self.glows = bool(add.any())


def _lines(table: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Affine maps of a pixel grid: table [N, ..., 3], x [N, w], y [N, h] → [N, ..., h, w]."""
    extra = (1,) * (table.ndim - 2)
    xs = x.reshape(x.shape[0], *extra, 1, x.shape[1])
    ys = y.reshape(y.shape[0], *extra, y.shape[1], 1)
    a, b, c = (table[..., i, None, None] for i in range(3))
    return (a * xs + c) + b * ys


def _along(bend: Tensor, v: Tensor) -> Tensor:
    """`pose.along` on tensors: bend [..., 6] with v [..., h, w]."""
    s = v.clamp_min(0)
    b, sway, wave, phase, _, turns = (bend[..., i, None, None] for i in range(6))
    smooth = (sway * s + b) * s
    if bool((bend[..., 2] != 0).any()):
        smooth = smooth + wave * torch.sin(turns * s - phase)
    return smooth * s


def _goals(slot: _Slot, x: Tensor, y: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """Where the points that the pixels show are at the two other times: [N, 2, 2, h, w]."""
    others = _OTHERS.to(slot.affine.device)
    target = slot.affine[:, others].flatten(0, 1)  # [N, 2, 2, 3]
    if not slot.bends:
        inverse = slot.inverse[:, None]
        joined = target[..., :2] @ inverse[..., :2]
        shift = (target[..., :2] @ inverse[..., 2:])[..., 0] + target[..., 2]
        return _lines(torch.cat((joined, shift[..., None]), -1), x, y)
    bend = slot.bend[:, others].flatten(0, 1)  # [N, 2, 6]
    across = u[:, None] + _along(bend, v[:, None])
    down = v[:, None] + bend[..., 4, None, None] * across**2
    a, b, c = (target[..., i, None, None] for i in range(3))  # [N, 2, 2, 1, 1]
    return torch.addcmul(torch.addcmul(c, a, across[:, :, None]), b, down[:, :, None])


def lay(slot: _Slot, number: int, canvas: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Lay a slot over a canvas [N, 9, h, w] whose pixels are at columns x [N, w] and rows y [N, h]."""
    where = _lines(slot.inverse, x, y)  # [N, 2, h, w]
    u, v = where[:, 0], where[:, 1]
    if slot.bends:
        v = v - slot.bend_flat[:, 4, None, None] * u**2
        u = u - _along(slot.bend_flat, v)
    texture = slot.texture[:, :, None, None]
    grid = torch.stack((u * texture[:, 0] + texture[:, 2], v * texture[:, 1] + texture[:, 3]), -1)
    image = slot.image.repeat_interleave(3, 0) if slot.image.shape[0] > 1 else slot.image
    cel = F.grid_sample(image.expand(len(grid), -1, -1, -1), grid, padding_mode="border", align_corners=False)
    if slot.dim:
        cel = cel * slot.opacity
    alpha = cel[:, 3:]
    if slot.glows:
        alpha = alpha * (1 - slot.add)
        cel = torch.cat((cel[:, :3], alpha), 1)
    made = torch.empty_like(canvas)
    torch.addcmul(cel + canvas[:, :_SLOT], canvas[:, :_SLOT], alpha, value=-1, out=made[:, :_SLOT])
    solid = alpha > _SOLID
    made[:, _SLOT:_GOAL] = canvas[:, _SLOT:_GOAL].masked_fill(solid, number)
    torch.where(solid, _goals(slot, x, y, u, v).flatten(1, 2), canvas[:, _GOAL:], out=made[:, _GOAL:])
    return made


def _blank(size: tuple[int, int], items: int, device: torch.device) -> Tensor:
    """[N, 9, H, W]: nothing, owned by slot -1, which stays where it is."""
    height, width = size
    canvas = torch.zeros(items, 9, height, width, device=device)
    canvas[:, _SLOT] = -1
    canvas[:, _GOAL::2] = torch.arange(width, dtype=torch.float32, device=device)
    canvas[:, _GOAL + 1 :: 2] = torch.arange(height, dtype=torch.float32, device=device)[:, None]
    return canvas


def _draw_whole(scenes: Sequence[Scene], poses: Sequence[Pose], canvas: Tensor) -> Tensor:
    """A batch of scenes, slot by slot over whole frames."""
    height, width = canvas.shape[-2:]
    x = torch.arange(width, dtype=torch.float32, device=canvas.device).expand(len(canvas), -1)
    y = torch.arange(height, dtype=torch.float32, device=canvas.device).expand(len(canvas), -1)
    for slot in range(max(len(where.order) for where in poses)):
        canvas = lay(_Slot(scenes, poses, slot, canvas.device), slot, canvas, x, y)
    return canvas


def _visible(slots: Tensor, goals: Tensor) -> Tensor:
    """Whether each pixel's goal lies in the other frame and shows the same slot: [B, 3, 2, H, W] bool."""
    batch, _, _, height, width = slots.shape[0], 3, 2, *slots.shape[-2:]
    x, y = goals[:, :, :, 0].round(), goals[:, :, :, 1].round()
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).long()
    others = slots[:, _OTHERS.to(slots.device)].expand(batch, 3, 2, height, width)
    there = others.flatten(3).gather(3, index.flatten(3)).view_as(index)
    return inside & (there == slots[:, :, None])


def _labels(scenes: Sequence[Scene], poses: Sequence[Pose], slots: Tensor) -> Tensor:
    """Slots [B, 3, H, W] → part numbers, uint8."""
    longest = max(len(where.order) for where in poses)
    table = np.zeros((len(scenes), longest + 1), np.uint8)
    for row, scene, where in zip(table, scenes, poses, strict=True):
        row[1 : len(where.order) + 1] = [scene.cels[int(i)].part for i in where.order]
    parts = torch.from_numpy(table).to(slots.device)
    index = (slots + 1).long().flatten(1)
    return parts.gather(1, index).view(slots.shape)


def _definition(
    scenes: Sequence[Scene], poses: Sequence[Pose], device: torch.device, alpha: bool
) -> tuple[Tensor, ...]:
    """Colour [B, 3, 4, H, W], slots [B, 3, H, W], flows [B, 3, 2, 2, H, W] and visibility, all in torch."""
    canvas = _blank(scenes[0].size, 3 * len(scenes), device)
    if not alpha:
        papers = torch.tensor([scene.paper for scene in scenes], dtype=torch.float32, device=device) / 255
        canvas[:, :3] = papers.repeat_interleave(3, 0)[..., None, None]
    canvas = _draw_whole(scenes, poses, canvas)
    items = canvas.reshape(len(scenes), 3, *canvas.shape[1:])
    slots, goals = items[:, :, _SLOT], items[:, :, _GOAL:]
    goals = goals.reshape(*goals.shape[:2], 2, 2, *goals.shape[3:])
    flows = goals - _blank(scenes[0].size, 1, device)[0, _GOAL : _GOAL + 2]
    return items[:, :, :_SLOT], slots, flows, _visible(slots, goals)


def _twin(scene: Scene, where: Pose, alpha: bool) -> tuple[Tensor, ...]:
    """The same by the compiled twin, for one scene."""
    from nakawari.data.cartoon import cpu

    return tuple(torch.from_numpy(array)[None] for array in cpu.draw(scene, where, alpha))


def _finish(
    scenes: Sequence[Scene], poses: Sequence[Pose], t: Sequence[float], drawn: tuple[Tensor, ...], alpha: bool
) -> Sample:
    canvas, slots, flows, visible = drawn
    frames = apply_grade([scene.grade for scene in scenes], t, canvas, alpha)
    labels = _labels(scenes, poses, slots)
    times = torch.tensor(list(t), dtype=torch.float32, device=canvas.device)
    pictures = {"frame": frames, "labels": labels}
    named = {f"{kind}{name}": each[:, i] for kind, each in pictures.items() for i, name in enumerate("0t1")}
    for kind, each in {"flow": flows, "visible": visible}.items():
        for item, name in enumerate("0t1"):
            for side, other in enumerate("0t1".replace(name, "")):
                named[f"{kind}{name}{other}"] = each[:, item, side]
    return Sample(t=times, **named)


def _render(
    scenes: Sequence[Scene], t: Sequence[float], device: torch.device, alpha: bool, fast: bool
) -> Sample:
    poses = [pose(scene, np.array((0.0, time, 1.0))) for scene, time in zip(scenes, t, strict=True)]
    drawn = _twin(scenes[0], poses[0], alpha) if fast else _definition(scenes, poses, device, alpha)
    return _finish(scenes, poses, t, drawn, alpha)


@torch.no_grad()
def render(
    scenes: Sequence[Scene],
    t: Sequence[float],
    device: torch.device | str = "cpu",
    *,
    alpha: bool = False,
    reference: bool = False,
) -> Sample:
    """Draw triplets.

    Args:
        scenes: B scenes of one canvas size.
        t: B times, each in [0, 1].
        device: where to draw.
        alpha: RGBA frames over nothing, instead of RGB frames over paper.
        reference: draw in torch even on a CPU.

    Returns:
        a batch of B samples on `device`.

    Raises:
        InputError: no scenes, several sizes, or a t outside [0, 1].
    """
    if not scenes or len({scene.size for scene in scenes}) > 1 or len(scenes) != len(t):
        raise InputError(f"{len(scenes)} scenes and {len(t)} times; wanted as many, of one canvas size.")
    if not all(0 <= time <= 1 for time in t):
        raise InputError(f"t is {list(t)}; wanted 0 <= t <= 1.")
    place = torch.device(device)
    if reference or place.type != "cpu":
        return _render(scenes, t, place, alpha, fast=False)
    drawn = [_render([scene], [time], place, alpha, fast=True) for scene, time in zip(scenes, t, strict=True)]
    return drawn[0] if len(drawn) == 1 else collate(sample[0] for sample in drawn)
