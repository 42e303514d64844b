"""ATD-12K as it was published: triplets of animation, and what its authors noted about the 2,000 of the test.

    DIR/train_10k/NAME/frame1.jpg, frame2.jpg, frame3.jpg            1920×1080 or 1280×720
    DIR/test_2k_540p/NAME/frame1.png, frame2.png, frame3.png         960×540
    DIR/test_2k_original/NAME/frame1.jpg, frame2.jpg, frame3.jpg     as they were before
    DIR/test_2k_annotations/NAME/NAME.json
    DIR/test_2k_pre_calc_sgm_flows/NAME/guide_flo13.npy, guide_flo31.npy

Frame 2 is the truth between frames 1 and 3. NAME is Disney_… or Japan_…, and ends in _s1, _s2 or _s3: so many
frames of the film lie between two of a triplet.

Source: Li et al. 2021, "Deep Animation Video Interpolation in the Wild", section 3; the test script of its
project (lisiyao21/AnimeInterp).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nakawari.data.guides import FILE, PUBLISHED, StoredGuide, find_guide
from nakawari.errors import InputError
from nakawari.optional import need
from nakawari.tensors import Array
from nakawari.video.images import natural, read_image

Part = Literal["train", "test"]
FRAMES: Mapping[Part, tuple[str, ...]] = {
    "train": ("train_10k",),
    "test": ("test_2k_540p", "test_2k_original"),
}
"""Folders of frames; the first that is there is read."""
GUIDES: Mapping[Part, str] = {
    "train": "train_10k_pre_calc_sgm_flows",  # never published; where those who made them keep them
    "test": "test_2k_pre_calc_sgm_flows",
}
ANNOTATIONS = "test_2k_annotations"
SIZE = (540, 960)
"""Height and width at which everything is measured."""
LEVELS = ("easy", "medium", "hard")
_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is noted about a triplet.

    Attributes:
        level: "easy", "medium" or "hard".
        image_size: (W, H) of the picture that `roi` was drawn on.
        roi: x, y, width, height of the box around what moves in frame 2, pixels of that picture.
        motion: translation, rotation, scaling, deformation, whichever apply.
        behaviour: speaking, walking, eating, sporting, fetching, others.
    """

    level: str
    image_size: tuple[int, int]
    roi: tuple[float, float, float, float]
    motion: tuple[str, ...]
    behaviour: tuple[str, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """Motion and behaviour."""
        return (*self.motion, *self.behaviour)

    def box(self, size: tuple[int, int] = SIZE) -> tuple[slice, slice]:
        """Rows and columns of `roi` in a picture of `size` (H, W), rounded down as its authors do."""
        across, down = self.image_size[0] / size[1], self.image_size[1] / size[0]
        x, y, width, height = self.roi
        left, top = int(x // across), int(y // down)
        return slice(top, top + int(height // down)), slice(left, left + int(width // across))


@dataclass(frozen=True, slots=True)
class Triplet:
    """One triplet, nothing of it read yet.

    Attributes:
        name: of its folder.
        frames: files of frame 1, 2 and 3.
        guide: the folder that holds its coarse flow, from 1 to 3 and back; None: there is none.
        annotation: its file; None: there is none.
    """

    name: str
    frames: tuple[Path, Path, Path]
    guide: Path | None
    annotation: Path | None

    def read_frames(self, size: tuple[int, int] | None = SIZE) -> tuple[Array, Array, Array]:
        """Frames 1, 2 and 3, H×W×3 uint8.

        Args:
            size: (H, W) to which they are brought, by Lanczos' filter as its authors do; None: as they are.

        Raises:
            MediaError: a file cannot be read.
            InputError: the frames differ in size, or are not of 8 bits and three channels.
        """
        one, two, three = (_read(path, size) for path in self.frames)
        if not one.shape == two.shape == three.shape:
            sizes = ", ".join(f"{frame.shape[1]}x{frame.shape[0]}" for frame in (one, two, three))
            raise InputError(f"the frames of {self.frames[0].parent} are {sizes}; wanted one size.")
        return one, two, three

    def read_guide(self, crop: tuple[slice, slice] | None = None) -> StoredGuide | None:
        """Coarse flow (flow01 is that from frame 1 to frame 3), or what of it lies in a crop; None: none.

        Raises:
            InputError: it is broken.
        """
        return None if self.guide is None else find_guide(self.guide, crop)

    def read_annotation(self) -> Annotation | None:
        """What is noted about it; None: nothing.

        Raises:
            InputError: the file is broken.
        """
        return None if self.annotation is None else read_annotation(self.annotation)


def find_triplets(
    folder: str | Path, part: Part, guides: str | Path | None = None, *, early: bool = True
) -> tuple[Triplet, ...]:
    """The triplets of one part, in natural order of their names.

    Args:
        folder: holds the folders above.
        part: "train" or "test".
        guides: a folder of coarse flows, GUIDES/NAME; None: the published place, or beside the frames.
        early: whether a missing frame is refused here; False: when it is read.

    Raises:
        InputError: the folder, or a frame of a triplet, is missing.
    """
    root = Path(folder)
    frames = next((root / name for name in FRAMES[part] if (root / name).is_dir()), None)
    if frames is None:
        wanted = " or ".join(f"{name}/NAME/frame1, frame2, frame3" for name in FRAMES[part])
        raise InputError(f"{folder} is not ATD-12K as published; wanted {wanted} in it.")
    if guides is not None and not Path(guides).is_dir():
        raise InputError(f"there is no folder {guides} of guides.")
    places = sorted(
        (place for place in frames.iterdir() if place.is_dir() and not place.name.startswith(".")),
        key=lambda place: natural(place.name),
    )
    if not places:
        raise InputError(f"{frames} holds no triplets; wanted NAME/frame1, frame2, frame3 in it.")
    given = Path(guides) if guides is not None else root / GUIDES[part]
    return tuple(
        Triplet(
            place.name,
            (_frame(place, 1, early), _frame(place, 2, early), _frame(place, 3, early)),
            next((at for at in (given / place.name, place) if _holds_guide(at)), None),
            note if (note := root / ANNOTATIONS / place.name / f"{place.name}.json").is_file() else None,
        )
        for place in places
    )


def read_annotation(path: Path) -> Annotation:
    """Read one annotation.

    Raises:
        InputError: the file is missing or broken.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not an annotation that can be read: {error}.") from error
    try:
        level, size, box = values["level"], values["image_size"], values["motion_RoI"]
        found = Annotation(
            dict(enumerate(LEVELS))[level],
            (int(size[0]), int(size[1])),
            (float(box["x"]), float(box["y"]), float(box["width"]), float(box["height"])),
            _words(values.get("general_motion_type")),
            _words(values.get("behavior")),
        )
        rows, columns = found.box()
    except (KeyError, IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise InputError(
            f"{path} is no annotation of ATD-12K ({type(error).__name__}: {error}); wanted level 0 to 2, "
            "image_size, and motion_RoI with x, y, width and height."
        ) from error
    inside = 0 <= rows.start < min(rows.stop, SIZE[0]) and 0 <= columns.start < min(columns.stop, SIZE[1])
    if not inside:
        raise InputError(f"{path} has a motion_RoI with no pixels of the picture in it.")
    return found


def _words(value: Any) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else list(value or ())
    return tuple(str(word).strip().lower() for word in words)


def _read(path: Path, size: tuple[int, int] | None) -> Array:
    frame = read_image(path)
    if frame.dtype != np.uint8 or frame.shape[2] != 3:
        raise InputError(f"{path} is {frame.dtype} with {frame.shape[2]} channels; wanted 8 bits and three.")
    if size is None or frame.shape[:2] == size:
        return frame
    pillow: Any = need("PIL.Image")
    resized: Array = np.asarray(
        pillow.fromarray(frame).resize(size[::-1], pillow.Resampling.LANCZOS), np.uint8
    )
    return resized


def _frame(place: Path, number: int, early: bool) -> Path:
    for suffix in _SUFFIXES:
        for name in (f"frame{number}{suffix}", f"frame{number}{suffix.upper()}"):
            if (place / name).is_file():
                return place / name
    if not early:
        return place / f"frame{number}.png"
    raise InputError(f"{place} lacks frame{number}; wanted frame{number}.png or frame{number}.jpg.")


def _holds_guide(place: Path) -> bool:
    return (place / FILE).is_file() or all((place / name).is_file() for name in PUBLISHED)
