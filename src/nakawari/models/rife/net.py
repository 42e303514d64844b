"""The network of all releases of RIFE.

A stack of blocks, coarse to fine. Each is shown the keys as they lie on the picture to be drawn (warped by
the flow so far), and says how flow and mask have to change. The mask weighs the two warped keys against
each other.

    encode    features of a frame (later releases), or context for the refinement (the paper's)
    motion    flow to both keys, [B, 4, H, W] (first two: to frame 0), and the mask's logit
    taught    how the teacher corrects them, while training
    merge     the picture

Pictures and flow are kept at full size, but a block looks at them shrunk by its scale s, and a pixel of a
shrunken picture is the mean of four. So for s ≥ 4 only those four are ever warped (`look`), a sixteenth of
them at s = 8. What one block hands to the next (features, a mask that is replaced) never goes to full size
either: enlarging by s and then shrinking to s' < s, both bilinearly, is enlarging by s / s', because s'
even puts the four pixels between the same two knots, and s' = 1 shrinks nothing.

A block sees some 40 of its own pixels around, and only warping looks further. So where memory is short, all
but the keys, flow and mask is computed in windows of that much more (`tiles.in_windows`), and comes out the
same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from nakawari.errors import ModelError
from nakawari.models.boxes import Box
from nakawari.models.rife.blocks import Block, Residual, encoder
from nakawari.models.rife.look import beside, look, mirror, resize, swap
from nakawari.models.rife.refine import Refinement
from nakawari.models.rife.versions import RifeConfig
from nakawari.models.tiles import in_windows
from nakawari.ops.warp import backward_warp, warp_part
from nakawari.tensors import pad_to_multiple, unpad

GROWS_PX = 32.0
"""A second block that wants more than this makes a network that `grows` begin again."""
BLOCK_SEES, ENCODER_SEES = 48, 16
"""Pixels of its own picture that a block, and the encoder of frames, look around, or more."""
NARROW = 64
"""Channels of a convolution that computes with those of a pixel together."""
ALIGNED = 32
"""Windows begin at multiples of this, so that each scale has the grid that it has on the whole picture."""


@dataclass(slots=True)
class Motion:
    """Where the picture to be drawn comes from.

    Attributes:
        flow: [B, 4, H, W], pixels, to frame 0 and to frame 1, on the grid of the picture to be drawn.
        mask: [B, 1, H, W], logit of taking frame 0.
        steps: flow and mask after each block, coarsest first, where that was asked for.
    """

    flow: Tensor
    mask: Tensor
    steps: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class IFNet(nn.Module):
    """Any release of RIFE; with its teacher where the configuration says so, which drawing does not ask."""

    def __init__(self, config: RifeConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(
            Block(config, config.inputs(number), width) for number, width in enumerate(config.widths)
        )
        # It sees what the last block sees, and the three colours of the truth.
        self.teacher = Block(config, config.inputs(1) + 3, config.teacher) if config.teacher else None
        self.encoder = None if config.encoder is None else encoder(*config.encoder)
        self.refinement = Refinement(config.context, config.stride) if config.context else None

    @property
    def dtype(self) -> torch.dtype:
        """What the convolutions compute in; flow is always float32."""
        return next(self.parameters()).dtype

    def settle(self) -> None:
        """Get ready to draw, for good: shortcuts become part of convolutions, see `Residual.fold`.

        On a CPU the channels of a pixel lie together in narrow convolutions, which saves these a third to a
        half of their time: they compute in that order, and would bring every input into it and back. Wide
        ones add up more roughly then: 0.0002 of a picture beside the reference instead of 0.00007 was seen.
        """
        weight = next(self.parameters())
        if weight.dtype == torch.float32:
            for module in self.modules():
                if isinstance(module, Residual):
                    module.fold()
        if weight.device.type != "cpu":
            return
        narrow = (
            module
            for module in self.modules()
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
            and max(module.in_channels, module.out_channels) <= NARROW
        )
        for module in narrow:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, image: Tensor, side: int | None = None) -> Tensor:
        """A frame [B, 3, H, W] with its features behind its colours, [B, 3 + features, H, W] float32."""
        encoder = self.encoder
        if encoder is None:
            return image

        def draw(box: Box) -> Tensor:
            return encoder(box.crop(image).to(self.dtype)).float().contiguous()  # type: ignore[no-any-return]

        return torch.cat([image, in_windows(draw, image.shape, side, ENCODER_SEES, ALIGNED)], 1)

    def motion(
        self,
        keys: tuple[Tensor, Tensor],
        t: float | Tensor = 0.5,
        scales: tuple[float, ...] | None = None,
        mirrored: bool = False,
        first: Tensor | None = None,
        every: bool = False,
        side: int | None = None,
    ) -> Motion:
        """Flow and mask at t.

        Args:
            keys: what `encode` gave for both frames; H and W divide by 4 times the largest scale.
            t: in (0, 1), or [B, 1, 1, 1]; ignored by networks that are not told it.
            scales: of the blocks; None: those of the release. Halved, they look closer, doubled, further.
            mirrored: ask each block for both directions, and average.
            first: what `shrink` gives for both keys at the first scale: that does not depend on t.
            every: keep what each block said, for training.
            side: of windows, see `tiles.in_windows`.
        """
        scales = scales or tuple(map(float, self.config.scales))
        way = _Way(self.config, keys, t, mirrored or self.config.mirrored, every)
        for number, (block, scale) in enumerate(zip(self.blocks, scales, strict=True)):
            last = number + 1 == len(scales)
            said = way.ask(block, scale, first if number == 0 else None, side, last)
            change = way.take(said, scale)
            is_far = self.config.grows and number == 1 and min(_reach(change)) > GROWS_PX
            if is_far and scales[0] <= self.config.scales[0]:
                del way, said, change
                return self._grown(keys, t, scales, mirrored, side)
        return Motion(way.flow, way.mask, way.steps)

    def _grown(
        self,
        keys: tuple[Tensor, Tensor],
        t: float | Tensor,
        scales: tuple[float, ...],
        mirrored: bool,
        side: int | None,
    ) -> Motion:
        """Begin again, at double scale."""
        scales = tuple(2 * scale for scale in scales)
        size = (keys[0].shape[2], keys[0].shape[3])
        wide0, wide1 = (pad_to_multiple(key, int(4 * scales[0]))[0] for key in keys)
        found = self.motion((wide0, wide1), t, scales, mirrored, side=side)
        return Motion(unpad(found.flow, size), unpad(found.mask, size))

    def taught(self, motion: Motion, keys: tuple[Tensor, Tensor], t: float | Tensor, truth: Tensor) -> Motion:
        """How the teacher, who is shown the picture that is wanted, would correct the last block.

        Args:
            motion: what `motion` gave.
            keys, t: as `motion` takes them.
            truth: [B, 3, H, W].

        Raises:
            ModelError: the network has no teacher.
        """
        if self.teacher is None:
            raise ModelError("this RIFE has no teacher; wanted teacher = 90 (channels) in its configuration.")
        warped = beside(
            backward_warp(keys[0], motion.flow[:, :2]), backward_warp(keys[1], motion.flow[:, 2:])
        )
        parts = [beside(*keys), warped] if self.config.keeps_keys else [warped]
        if self.config.timed:
            step = torch.as_tensor(t, dtype=truth.dtype, device=truth.device).reshape(-1, 1, 1, 1)
            parts.insert(1, step.expand_as(truth[:, :1]))
        said = self.teacher(torch.cat([*parts, motion.mask, truth, motion.flow], 1))
        full = resize(said[:, :5], self.config.spread)
        return Motion(motion.flow + full[:, :4] * self.config.spread, motion.mask + full[:, 4:])

    @staticmethod
    def blend(flow: Tensor, mask: Tensor, image0: Tensor, image1: Tensor) -> Tensor:
        """The picture before any refinement: both keys where flow leads, shared out by the mask's logit."""
        warped0 = backward_warp(image0, flow[:, :2])
        warped1 = backward_warp(image1, flow[:, 2:])
        return torch.lerp(warped1, warped0, torch.sigmoid(mask))

    def merge(
        self,
        motion: Motion,
        image0: Tensor,
        image1: Tensor,
        context: tuple[list[Tensor], list[Tensor]] | None = None,
        side: int | None = None,
    ) -> Tensor:
        """The picture, [B, 3, H, W].

        Args:
            motion: what `motion` gave.
            image0, image1: [B, 3, H, W], the keys or pictures that move as they do.
            context: what `refinement.context` gave for them; None: it is asked.
            side: of windows, see `tiles.in_windows`.
        """
        refinement = self.refinement
        if refinement is not None and context is None:
            context = refinement.context(image0), refinement.context(image1)

        def draw(box: Box) -> Tensor:
            flow, mask = box.crop(motion.flow), box.crop(motion.mask)
            warped0 = warp_part(image0, flow[:, :2], box.top, box.left)
            warped1 = warp_part(image1, flow[:, 2:], box.top, box.left)
            merged = torch.lerp(warped1, warped0, torch.sigmoid(mask))
            if refinement is None or context is None:
                return merged
            seen = torch.cat([box.crop(image0), box.crop(image1), warped0, warped1, mask, flow], 1)
            residual: Tensor = refinement(seen, context, flow, box)
            return (merged + residual).clamp(0, 1)

        around = 0 if refinement is None else refinement.SEES
        return in_windows(draw, image0.shape, side, around, ALIGNED)


class _Way:
    """The way through the blocks: flow and mask so far, and what a block left for the next."""

    def __init__(
        self,
        config: RifeConfig,
        keys: tuple[Tensor, Tensor],
        t: float | Tensor,
        mirrored: bool,
        every: bool,
    ) -> None:
        self.c = config
        self.keys = keys
        like = keys[0][:, :1]
        self.t = torch.as_tensor(t, dtype=like.dtype, device=like.device).reshape(-1, 1, 1, 1)
        self.mirrored = mirrored
        self.every = every
        self.started = config.starts_still
        self.flow = torch.zeros_like(like).expand(-1, 4, -1, -1)
        self.mask = torch.zeros_like(like)
        self.left: tuple[Tensor, float] | None = None
        self.steps: list[tuple[Tensor, Tensor]] = []

    def ask(
        self, block: nn.Module, scale: float, first: Tensor | None, side: int | None, last: bool
    ) -> Tensor:
        """What the block says, averaged over both directions where that is wanted.

        Args:
            block, scale: who is asked, and by how much the keys are shrunk for it.
            first: what it is shown, where that is known.
            side: of windows, see `tiles.in_windows`.
            last: no block comes after it, so what it would hand on is dropped.
        """
        height, width = (int(length / scale) for length in self.flow.shape[2:])

        def draw(box: Box) -> Tensor:
            look = self.look(scale, box) if first is None else box.crop(first)
            said: Tensor = block(self._seen(look, scale, box, False))
            if self.mirrored:
                other = block(self._seen(look, scale, box, True))
                flow = (said[:, :4] + swap(other[:, :4], 2)) / 2
                said = torch.cat([flow, (said[:, 4:5] - other[:, 4:5]) / 2], 1)
            return said[:, :5] if last else said

        said = in_windows(draw, (height, width), side, BLOCK_SEES, ALIGNED, self.c.spread)
        self.started = True
        return said

    def look(self, scale: float, box: Box) -> Tensor:
        """The keys, warped by the flow so far and shrunk by `scale`: a box of the shrunken picture."""
        if self.flow.stride(1) == 0:  # no block has spoken
            return beside(*(box.crop(resize(key, 1 / scale)) for key in self.keys))
        return beside(
            look(self.keys[0], self.flow[:, :2], scale, box), look(self.keys[1], self.flow[:, 2:], scale, box)
        )

    def _seen(self, look: Tensor, scale: float, box: Box, mirrored: bool) -> Tensor:
        c, parts, full = self.c, [], box.scaled(scale)
        sign, t = (-1, 1 - self.t) if mirrored else (1, self.t)
        if c.keeps_keys and self.started:
            parts.append(beside(*(resize(full.crop(key), 1 / scale) for key in self.keys)))
        parts.append(look)
        if mirrored:
            parts = [mirror(part) for part in parts]
        if c.timed:
            parts.insert(1, t.expand(look.shape[0], 1, *look.shape[2:]))
        if self.started:
            flow = resize(full.crop(self.flow), 1 / scale) / scale
            parts += [sign * self._handed(scale, box), swap(flow, 2) if mirrored else flow]
        return torch.cat(parts, 1)

    def _handed(self, scale: float, box: Box) -> Tensor:
        """Mask, and features where they are recycled, as the next block is shown them."""
        if self.left is None:
            return resize(box.scaled(scale).crop(self.mask), 1 / scale)
        said, before = self.left
        return resize(box.scaled(scale / before).crop(said), before / scale)

    def take(self, said: Tensor, scale: float) -> Tensor:
        """Change flow and mask as a block said; gives the change of flow, [B, 4, H, W]."""
        c, enlarge = self.c, scale * self.c.spread
        full = resize(said[:, :5], enlarge)
        change = full[:, :4] * enlarge
        self.flow = self.flow + change
        if c.mask == "replaced":
            self.left = (said[:, 4:] if c.recycles else said[:, 4:5], enlarge)
            self.mask = full[:, 4:]
        else:
            self.mask = self.mask + full[:, 4:]
        if self.every:
            self.steps.append((self.flow, self.mask))
        return change


def _reach(change: Tensor) -> tuple[float, float]:
    """The largest motion to frame 0 and to frame 1."""
    return float(change[:, :2].abs().max()), float(change[:, 2:].abs().max())
