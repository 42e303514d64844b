"""The one shape that all interpolators have: encode a frame, prepare a pair, draw at t.

What does not depend on the other frame is paid once a frame (`encode`), what does not depend on t once
a pair (`prepare`), so a further t is cheap and a video encodes each frame once.

The base class takes care of what no model should have to think about:
    kinds       arrays or tensors in, the same kind out; t = 0 and t = 1 give the keys themselves
    alpha       colour is premultiplied inside; motion is found over grey; colour and alpha move alike
    size        frames are padded by replication to the model's multiple, and cropped, never resized
    box         where the keys are equal outside a box, only the box and some context around it are drawn
    stillness   a pixel that is equal in both keys changes only where `Drawn.cover` says something passes
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, overload

import numpy as np
import torch
from torch import Tensor

from nakawari.errors import InputError, ShapeError
from nakawari.models.boxes import Box, change_box, unequal
from nakawari.models.overlays import Stillness
from nakawari.models.tiles import Tile, draw_tiles, free_bytes, parse_memory, parse_tile, side_for, up
from nakawari.tensors import (
    Array,
    check_frame,
    check_image,
    pad_to_multiple,
    to_frame,
    to_tensor,
    unpad,
)

Picture = Array | Tensor
Time = float | Fraction
Guide = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Two frames [B, 3, H, W] in [0, 1] → coarse flow01, flow10 [B, 2, H, W] in pixels, zero where unknown."""

_LOG = logging.getLogger(__name__)
STILL_TOLERANCE = 6 / 255
"""A still pixel that a model without `cover` changes by less than this is given back its key's value."""


@dataclass(slots=True)
class Encoded:
    """A frame and, once somebody needed them, the model's features of the whole frame."""

    frame: Picture
    features: Any = None


@dataclass(slots=True)
class Drawn:
    """What a model draws.

    Attributes:
        image: [B, C, H, W].
        cover: [B, 1, H, W] bool, where something confidently matched moves over (or away from) a pixel;
            None when the model cannot tell.
    """

    image: Tensor
    cover: Tensor | None = None


@dataclass(slots=True)
class Pair:
    """Two keys made ready; hand it to `at` as often as wanted.

    Attributes:
        frame0, frame1: the keys as they came.
        box: what is drawn; None when the keys are equal.
        state: what the model prepared for the box; None when the keys are equal, or drawn in tiles.
        tile: side of the tiles in pixels; None: the box is drawn whole.
    """

    frame0: Picture
    frame1: Picture
    box: Box | None
    state: Any = None
    images: tuple[Tensor, Tensor] | None = field(default=None, repr=False)
    size: tuple[int, int] = (0, 0)
    still: Stillness | None = field(default=None, repr=False)
    tile: int | None = None


class Interpolator(ABC):
    """Draws pictures between two. Models implement `_prepare` and `_at`, and `_encode` when it pays."""

    multiple: int = 1
    """Height and width are padded to a multiple of this."""
    options: Mapping[str, Any] = {}
    """What can be chosen, and what is; see `adjust`."""
    knows_stillness: ClassVar[bool] = False
    """What stays is kept apart: pinned, and where the rest pans, a layer of its own (`overlays.py`)."""
    bytes_per_px: float = 0
    """Memory that drawing takes, measured; 0: so little that "auto" never makes tiles."""
    overlap_px: int = 128
    """How much tiles overlap: twice what the model looks around, or more."""
    tile: Tile = "auto"
    memory: int | None = None
    context_px: ClassVar[int | None] = None
    """How far beyond a change a model wants to look; None: it always wants the whole frame."""
    keeps_still: bool = True
    """Without `Drawn.cover`: pixels equal in both keys that were hardly changed get the keys' value."""
    shows: ClassVar[bool] = False
    """Whether `pictures` has any."""

    def __init__(self, name: str, device: torch.device | str = "cpu") -> None:
        self.name = name
        self.device = torch.device(device)

    def adjust(self, tile: int | str | None = None, memory: int | str | None = None, **options: Any) -> None:
        """Set what is not None; the rest keeps what it has.

        Args:
            tile: draw in tiles of so many pixels; "auto": where memory is too small for the whole; "off".
            memory: that drawing may take, such as "4G"; "auto" goes by it, else by what is free.
            options: the keys of `options`, which differ from model to model.

        Raises:
            InputError: there is no such option, or it cannot have this value.
        """
        for option in options:
            if option not in self.options:
                raise InputError(f"{self.name} has no option {option!r}; leave it out.")
        self.tile = self.tile if tile is None else parse_tile(tile)
        self.memory = self.memory if memory is None else parse_memory(memory)
        self._adjust(dict(self.options) | options)

    def _adjust(self, options: dict[str, Any]) -> None:
        """Take the options over, or refuse them."""
        self.options = options

    # -- what a model implements ---------------------------------------------------------------

    def _encode(self, image: Tensor) -> Any:
        """Features of a padded [1, 3, H, W] image; None when the model has none."""
        return None

    @abstractmethod
    def _prepare(self, image0: Tensor, image1: Tensor, features0: Any, features1: Any) -> Any:
        """What does not depend on t. Images are padded [B, 3, H, W]; features are what `_encode` gave."""

    @abstractmethod
    def _at(self, state: Any, t: float, image0: Tensor, image1: Tensor) -> Drawn:
        """Draw at 0 < t < 1.

        `image0` and `image1` are [B, 3, H, W]: the prepared images, or other pictures (alpha as three equal
        channels) that move as those do.
        """

    def notes(self) -> list[str]:
        """What was chosen for the user, a line each."""
        return []

    def pictures(self, pair: Pair) -> dict[str, Array]:
        """What was seen in a pair, by name, H×W×3 RGB uint8; for `--debug-dir`."""
        return {}

    # -- the public door -----------------------------------------------------------------------

    def encode(self, frame: Picture) -> Encoded:
        """A handle of `frame` for `prepare`; the work is done when first needed and kept in it."""
        _check(frame, "frame")
        return Encoded(frame)

    def prepare(self, frame0: Picture | Encoded, frame1: Picture | Encoded) -> Pair:
        """Find out all about two keys that does not depend on t.

        Args:
            frame0, frame1: H×W×3 or H×W×4 arrays (uint8, uint16, float) or [B, C, H, W] tensors of
                one kind, type and size; or what `encode` gave for them.

        Raises:
            ShapeError: the frames differ in kind, type or size.
        """
        enc0 = frame0 if isinstance(frame0, Encoded) else self.encode(frame0)
        enc1 = frame1 if isinstance(frame1, Encoded) else self.encode(frame1)
        key0, key1 = enc0.frame, enc1.frame
        _check_alike(key0, key1)
        size = _size(key0)
        box = change_box(key0, key1)
        if box is None:
            return Pair(key0, key1, None, size=size)
        box = self._grow(box, size)
        whole = (box.bottom - box.top, box.right - box.left) == size
        with torch.inference_mode():
            images = self._image(box.crop(key0)), self._image(box.crop(key1))
            guide0, guide1 = _guide(images[0]), _guide(images[1])
            opaque = images[0].shape[1] == 3
            still = Stillness.of(guide0, guide1, layers=opaque) if self.knows_stillness else None
            layered = still is not None and still.layer is not None
            if still is not None and layered:
                guide0, guide1 = images = still.beneath
            tile = self._tile_for(images[0])
            if tile is not None:
                return Pair(key0, key1, box, None, images, size, still, tile)
            kept = whole and not layered
            features0 = self._features(enc0 if kept else None, guide0)
            features1 = self._features(enc1 if kept else None, guide1)
            state = self._prepare(guide0, guide1, features0, features1)
        return Pair(key0, key1, box, state, images, size, still)

    def at(self, pair: Pair, t: Time) -> Picture:
        """Draw the picture at `t` of the way, of the kind and type that the keys have.

        Raises:
            InputError: t is not in [0, 1].
        """
        if not 0 <= t <= 1:
            raise InputError(f"t is {t}; wanted 0 <= t <= 1.")
        if t in (0, 1) or pair.box is None:
            return _copy(pair.frame1 if t == 1 else pair.frame0)
        assert pair.images is not None
        with torch.inference_mode():
            if pair.tile is None:
                drawn = self._draw(pair.state, float(t), pair.images)
            else:
                draw = partial(self._draw_part, float(t))
                overlap = up(self.overlap_px, self.multiple)
                drawn = Drawn(*draw_tiles(draw, pair.images, pair.tile, overlap, self.multiple))
            if pair.still is not None:
                drawn = Drawn(*pair.still.laid_over(drawn.image, drawn.cover, float(t)))
            return _finish(pair, pair.box, drawn, self.keeps_still)

    @overload
    def __call__(self, frame0: Picture | Encoded, frame1: Picture | Encoded, t: Time = ...) -> Picture: ...
    @overload
    def __call__(
        self, frame0: Picture | Encoded, frame1: Picture | Encoded, t: Sequence[Time]
    ) -> list[Picture]: ...
    def __call__(
        self, frame0: Picture | Encoded, frame1: Picture | Encoded, t: Time | Sequence[Time] = 0.5
    ) -> Picture | list[Picture]:
        """Draw at `t`, or at each t of a list (the pair is prepared once)."""
        pair = self.prepare(frame0, frame1)
        if isinstance(t, (int, float, Fraction)):
            return self.at(pair, t)
        return [self.at(pair, one) for one in t]

    # -- inside --------------------------------------------------------------------------------

    def _image(self, picture: Picture) -> Tensor:
        """The picture as padded [B, C, H, W] floats on our device, colour premultiplied when it has alpha."""
        image = picture.to(self.device) if isinstance(picture, Tensor) else to_tensor(picture, self.device)
        if image.shape[1] == 4:
            alpha = image[:, 3:]
            image = torch.cat([image[:, :3] * alpha, alpha], 1)
        return pad_to_multiple(image, self.multiple)[0]

    def _features(self, encoded: Encoded | None, guide: Tensor) -> Any:
        if encoded is None:
            return self._encode(guide)
        if encoded.features is None:
            encoded.features = self._encode(guide)
        return encoded.features

    def _grow(self, box: Box, size: tuple[int, int]) -> Box:
        """Add context to a change box; the whole frame where that is hardly more."""
        height, width = size
        if self.context_px is None:
            return Box(0, 0, height, width)
        pad = self.context_px
        grown = Box(
            max(0, box.top - pad),
            max(0, box.left - pad),
            min(height, box.bottom + pad),
            min(width, box.right + pad),
        )
        if (grown.bottom - grown.top) * (grown.right - grown.left) > 0.7 * height * width:
            return Box(0, 0, height, width)
        return grown

    def _draw(self, state: Any, t: float, images: tuple[Tensor, Tensor]) -> Drawn:
        """Draw between padded images, [B, 3 or 4, H, W]."""
        # A model may know what it prepared by identity, so colours without alpha go in as they are.
        first, second = (image if image.shape[1] == 3 else image[:, :3] for image in images)
        drawn = self._at(state, t, first, second)
        if images[0].shape[1] == 3:
            return drawn
        first, second = (image[:, 3:].expand(-1, 3, -1, -1) for image in images)
        alpha = self._at(state, t, first, second).image.mean(1, keepdim=True)
        return Drawn(torch.cat([drawn.image, alpha], 1), drawn.cover)

    def _tile_for(self, image: Tensor) -> int | None:
        """The side of tiles for a padded image; None: none are needed."""
        batch, _, height, width = image.shape
        least = up(2 * self.overlap_px, self.multiple)
        if self.tile == "off" or (self.tile == "auto" and not self.bytes_per_px):
            return None
        if self.tile == "auto":
            budget = self.memory or free_bytes(self.device)
            if batch * height * width * self.bytes_per_px <= budget:
                return None
            side = side_for(budget, batch * self.bytes_per_px, least, self.multiple)
            _LOG.info("%s: tiles of %d px", self.name, side)
        else:
            side = max(least, up(self.tile, self.multiple))
        return None if side >= max(height, width) else side

    def _draw_part(self, t: float, image0: Tensor, image1: Tensor) -> tuple[Tensor, Tensor | None]:
        """Prepare and draw one tile; nothing is kept, so each t pays for all."""
        guide0, guide1 = _guide(image0), _guide(image1)
        state = self._prepare(guide0, guide1, self._encode(guide0), self._encode(guide1))
        drawn = self._draw(state, t, (image0, image1))
        return drawn.image, drawn.cover


def _guide(image: Tensor) -> Tensor:
    """The picture that motion is found on: premultiplied colour over middle grey."""
    if image.shape[1] == 3:
        return image
    return image[:, :3] + 0.5 * (1 - image[:, 3:])


def _finish(pair: Pair, box: Box, drawn: Drawn, keeps_still: bool) -> Picture:
    """Un-premultiply, give still pixels back, and put the box into the frame."""
    key0, key1 = box.crop(pair.frame0), box.crop(pair.frame1)
    size = (box.bottom - box.top, box.right - box.left)
    image = unpad(drawn.image, size)
    cover = None if drawn.cover is None else unpad(drawn.cover, size)
    tolerance = STILL_TOLERANCE if keeps_still else 0.0
    if image.shape[1] == 4:
        alpha = image[:, 3:].clamp(0, 1)
        image = torch.cat([image[:, :3] / alpha.clamp_min(1e-6), alpha], 1)
        image = torch.where(alpha > 1e-3, image, torch.zeros_like(image))
    if isinstance(key0, Tensor):
        made = image.to(key0.device, key0.dtype)
        still = (key0 == key1).all(1, keepdim=True)
        if cover is None:
            near = (made - key0).abs().amax(1, keepdim=True) < tolerance
        else:
            near = ~cover.to(key0.device)
        made = torch.where(still & near, key0, made)
        out = pair.frame0.clone()  # type: ignore[union-attr]
        out[..., box.top : box.bottom, box.left : box.right] = made
        return out
    made_array = to_frame(image, key0.dtype)
    still_array = ~unequal(key0, key1)
    if cover is None:
        scale = 1.0 if np.issubdtype(key0.dtype, np.floating) else float(np.iinfo(key0.dtype).max)
        change = np.abs(made_array.astype(np.float32) - key0.astype(np.float32)).max(2)
        near_array = change < tolerance * scale
    else:
        near_array = ~cover[0, 0].cpu().numpy()
    keep = still_array & near_array
    made_array[keep] = key0[keep]
    whole: Array = np.array(pair.frame0)
    whole[box.top : box.bottom, box.left : box.right] = made_array
    return whole


def _copy(picture: Picture) -> Picture:
    return picture.clone() if isinstance(picture, Tensor) else np.array(picture)


def _size(picture: Picture) -> tuple[int, int]:
    if isinstance(picture, Tensor):
        return int(picture.shape[-2]), int(picture.shape[-1])
    return int(picture.shape[0]), int(picture.shape[1])


def _check(picture: Picture, name: str) -> None:
    if isinstance(picture, Tensor):
        check_image(picture, name)
        if picture.shape[1] not in (3, 4) or min(picture.shape) < 1:
            raise ShapeError(f"{name} is {list(picture.shape)}; wanted [B, 3, H, W] or [B, 4, H, W].")
    else:
        check_frame(picture, name)


def _check_alike(key0: Picture, key1: Picture) -> None:
    if isinstance(key0, Tensor) != isinstance(key1, Tensor):
        raise ShapeError("frame0 and frame1 are of two kinds; wanted two arrays or two tensors.")
    if key0.shape != key1.shape or key0.dtype != key1.dtype:
        raise ShapeError(
            f"frame0 is {list(key0.shape)} {key0.dtype} and frame1 {list(key1.shape)} {key1.dtype}; "
            "wanted one size and type."
        )
