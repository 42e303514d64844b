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
from numbers import Real
from typing import Any, ClassVar, TypeVar, overload

import torch
from torch import Tensor

from nakawari.errors import BackendError, InputError
from nakawari.models.boxes import Box, change_box
from nakawari.models.costs import Cost
from nakawari.models.keys import Picture, check, check_alike, copy_of, guide_of, size_of
from nakawari.models.light import Light
from nakawari.models.overlays import Stillness
from nakawari.models.putting import put_back
from nakawari.models.tiles import Room
from nakawari.tensors import Array, pad_to_multiple, to_tensor

Time = float | Fraction
Guide = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Two frames [B, 3, H, W] in [0, 1] → coarse flow01, flow10 [B, 2, H, W] in pixels, zero where unknown."""

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


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
        state: what the model prepared for the box; None when the keys are equal.
        tile: side of the windows in which it is drawn, in pixels; None: all at once.
        ready: whether `state` is that.
        encoded: where features of the whole keys are kept.
        turns: by how much pixels of each key turn on their way; None: motion is straight. See `arcs.py`.
    """

    frame0: Picture
    frame1: Picture
    box: Box | None
    state: Any = None
    images: tuple[Tensor, Tensor] | None = field(default=None, repr=False)
    size: tuple[int, int] = (0, 0)
    still: Stillness | None = field(default=None, repr=False)
    light: Light | None = field(default=None, repr=False)
    tile: int | None = None
    ready: bool = False
    encoded: tuple[Encoded | None, Encoded | None] = field(default=(None, None), repr=False)
    turns: tuple[Tensor, Tensor] | None = field(default=None, repr=False)


class Interpolator(ABC):
    """Draws pictures between two. Models implement `_prepare` and `_at`, and `_encode` when it pays."""

    multiple: int = 1
    """Height and width are padded to a multiple of this."""
    options: Mapping[str, Any] = {}
    """What can be chosen, and what is; see `adjust`."""
    knows_stillness: ClassVar[bool] = False
    """What stays is kept apart: pinned, and where the rest pans, a layer of its own (`overlays.py`)."""
    evens_light: ClassVar[bool] = False
    """Keys are brought to one light (`light.py`), except where they have alpha."""
    windowed: ClassVar[bool] = False
    """The model goes by `side`; others hold so little that they draw whole pictures."""
    cost: Cost | None = None
    """Memory that drawing takes, measured; None: nobody knows, and pictures are drawn whole."""
    side: int | None = None
    """Of the windows in which to compute what looks only around itself; None: all at once."""
    context_px: ClassVar[int | None] = None
    """How far beyond a change a model wants to look; None: it always wants the whole frame."""
    keeps_still: bool = True
    """Without `Drawn.cover`: pixels equal in both keys that were hardly changed get the keys' value."""
    shows: ClassVar[bool] = False
    """Whether `pictures` has any."""
    side_by_side: ClassVar[bool] = False
    """Whether threads may prepare and draw several pairs at once."""

    def __init__(self, name: str, device: torch.device | str = "cpu") -> None:
        self.name = name
        self.device = torch.device(device)
        self.remarks: dict[str, str] = {}
        """What a user should know of how it draws, by what it is about."""
        self.room = Room(self.device)

    def adjust(self, tile: int | str | None = None, memory: int | str | None = None, **options: Any) -> None:
        """Set what is not None; the rest keeps what it has.

        Args:
            tile: draw in windows of so many pixels; "auto": where memory is too small for the whole; "off".
            memory: that this process (on a GPU: drawing) may take, such as "4G"; "auto" goes by it, else by
                what is free.
            options: the keys of `options`, which differ from model to model.

        Raises:
            InputError: there is no such option, or it cannot have this value.
        """
        for option in options:
            if option not in self.options:
                raise InputError(f"{self.name} has no option {option!r}; leave it out.")
        self.room.ask(tile, memory)
        if isinstance(self.room.tile, int) and not self.windowed:
            self.remarks["tile"] = f"{self.name} draws whole pictures; a tile size changes nothing."
        self._adjust(dict(self.options) | options)

    def reserve(self, size: tuple[int, int], beside: int) -> None:
        """Leave `beside` bytes of a limited memory to what is not drawing, for pictures of `size` (H, W).

        Raises:
            InputError: the rest is not enough; says what would be.
        """
        if self.cost is not None:
            height, width = (-(-side // self.multiple) * self.multiple for side in size)
            self.room.settle(self.name, self.cost, self.windowed, (height, width), beside)

    def foresee(self, size: tuple[int, int]) -> None:
        """Warn where a picture of `size` (H, W) that changes all over cannot be drawn in what is free."""
        if self.cost is not None:
            self.room.foresee(self.name, self.cost, self.windowed, size)

    def pairs_at_once(self, size: tuple[int, int], most: int) -> int:
        """How many pairs of pictures of `size` (H, W) may be drawn side by side, `most` if possible."""
        if not self.side_by_side or self.cost is None or self.device.type == "mps":
            return 1  # threads that use Apple's GPU together crash (pytorch#197805)
        return self.room.pairs_at_once(self.cost, size, most)

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
        return list(self.remarks.values())

    def pictures(self, pair: Pair) -> dict[str, Array]:
        """What was seen in a pair, by name, H×W×3 RGB uint8; for `--debug-dir`."""
        return {}

    # -- the public door -----------------------------------------------------------------------

    def encode(self, frame: Picture) -> Encoded:
        """A handle of `frame` for `prepare`; the work is done when first needed and kept in it."""
        check(frame, "frame")
        return Encoded(frame)

    def prepare(self, frame0: Picture | Encoded, frame1: Picture | Encoded) -> Pair:
        """Find out all about two keys that does not depend on t.

        Args:
            frame0, frame1: H×W×3 or H×W×4 arrays (uint8, uint16, float) or [B, C, H, W] tensors of
                one kind, type and size; or what `encode` gave for them.

        Raises:
            ShapeError: the frames differ in kind, type or size.
            InputError: floats are far from [0, 1], or no numbers.
        """
        enc0 = frame0 if isinstance(frame0, Encoded) else self.encode(frame0)
        enc1 = frame1 if isinstance(frame1, Encoded) else self.encode(frame1)
        key0, key1 = enc0.frame, enc1.frame
        check_alike(key0, key1)
        size = size_of(key0)
        box = change_box(key0, key1)
        if box is None:
            return Pair(key0, key1, None, size=size)
        box = self._grow(box, size)
        whole = (box.bottom - box.top, box.right - box.left) == size
        with torch.inference_mode():
            images = self._image(box.crop(key0)), self._image(box.crop(key1))
            guide0, guide1 = guide_of(images[0]), guide_of(images[1])
            opaque = images[0].shape[1] == 3
            still = Stillness.of(guide0, guide1, layers=opaque) if self.knows_stillness else None
            layered = still is not None and still.layer is not None
            if still is not None and layered:
                guide0, guide1 = images = still.beneath
            light = Light.of(guide0, guide1) if self.evens_light and opaque else None
            if light is not None:
                images = light.evened(*images)
            kept = whole and not layered and light is None
            encoded = (enc0, enc1) if kept else (None, None)
            pair = Pair(
                key0, key1, box, None, images, size, still, light, self._side_for(images[0]), encoded=encoded
            )
            self._within(pair, lambda: None)
        return pair

    def at(self, pair: Pair, t: Time) -> Picture:
        """Draw the picture at `t` of the way, of the kind and type that the keys have.

        Raises:
            InputError: t is not one number in [0, 1].
        """
        if not isinstance(t, (float, Real)):
            raise InputError(
                f"t is {t!r}; wanted one number. A list is for the call: model(frame0, frame1, t=[...])."
            )
        if not 0 <= t <= 1:
            raise InputError(f"t is {t}; wanted 0 <= t <= 1.")
        if t in (0, 1) or pair.box is None:
            return copy_of(pair.frame1 if t == 1 else pair.frame0)
        images = pair.images
        assert images is not None
        with torch.inference_mode():
            drawn = self._within(pair, lambda: self._draw(pair.state, float(t), images))
            if pair.light is not None:
                drawn = Drawn(pair.light.relit(drawn.image, float(t)), drawn.cover)
            if pair.still is not None:
                drawn = Drawn(*pair.still.laid_over(drawn.image, drawn.cover, float(t)))
            return put_back((pair.frame0, pair.frame1), pair.box, drawn.image, drawn.cover, self.keeps_still)

    def confidence(self, pair: Pair) -> float | None:
        """How sure the model is of a pair's motion, 0 to 1; None: it does not say."""
        return None

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
        if isinstance(t, (float, Real)):  # float for mypy's sake: it knows no number tower
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
        grown = box.grown(self.context_px, height, width)
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

    def _side_for(self, image: Tensor) -> int | None:
        """The side of windows for a padded image; None: none are needed."""
        batch, _, height, width = image.shape
        if not self.windowed:
            self.room.check_whole(self.name, self.cost, batch, (height, width))
            return None
        return self.room.side(self.name, self.cost, batch, (height, width))

    def _within(self, pair: Pair, work: Callable[[], T]) -> T:
        """Prepare the pair where that is not done, and do `work`; in ever smaller windows on a full GPU."""
        while True:
            self.side = pair.tile
            try:
                if not pair.ready:
                    pair.state, pair.ready = self._state(pair), True
                return work()
            except torch.OutOfMemoryError as error:
                said = str(error).split(". ")[0]
            # Outside of the handler, which holds what was being computed.
            pair.state, pair.ready = None, False
            for encoded in pair.encoded:
                if encoded is not None:
                    encoded.features = None
            self._shrink(pair, said)

    def _state(self, pair: Pair) -> Any:
        assert pair.images is not None
        guides = guide_of(pair.images[0]), guide_of(pair.images[1])
        features = [self._features(*each) for each in zip(pair.encoded, guides, strict=True)]
        return self._prepare(*guides, *features)

    def _shrink(self, pair: Pair, said: str) -> None:
        """Take half as large windows from now on, and say so.

        Raises:
            BackendError: they cannot be smaller.
        """
        assert pair.images is not None
        height, width = pair.images[0].shape[2:]
        side = self.room.shrink(pair.tile or max(height, width)) if self.windowed else None
        if side is None:
            raise BackendError(
                f"{self.name}: the memory of {self.device} is too small for pictures of {width}x{height} "
                f"({said}). Give a smaller picture, or --device cpu."
            )
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        pair.tile = side
        said = f"the memory of {self.device} was too small; drawn in tiles of {side} px."
        self.remarks["memory"] = said
        _LOG.warning("%s", said)
