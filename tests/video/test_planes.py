"""Planes for measuring show what the frame shows."""

from fractions import Fraction

import av
import numpy as np
import pytest

from nakawari.video.frames import Colour, Frame
from nakawari.video.planes import planes


def frame_of(native) -> Frame:
    return Frame(0, Fraction(0), Fraction(1, 24), native, Colour("smpte170m", False, ()))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le"])
def test_planar_colour_is_not_converted(pix_fmt: str) -> None:
    grey = np.full((18, 26, 3), 120, np.uint8)
    grey[4:10, 6:14] = (220, 40, 40)
    native = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pix_fmt)
    frame = frame_of(native)
    luma, chroma = planes(frame)
    assert luma.shape == (18, 26)
    assert chroma is not None
    assert frame._rgb is None
    top = 255 if luma.dtype == np.uint8 else 65535
    assert abs(luma[0, 0] / top - (16 + 120 * 219 / 255) / 255) < 0.01
    assert all(abs(plane[0, 0] / top - 0.5) < 0.01 for plane in chroma)
    assert chroma[1].max() / top > 0.6


@pytest.mark.parametrize("pix_fmt", ["rgb24", "gray", "nv12", "yuva420p"])
def test_other_formats_come_as_rgb(pix_fmt: str) -> None:
    native = av.VideoFrame.from_ndarray(np.full((18, 26, 3), 120, np.uint8), format="rgb24")
    picture, chroma = planes(frame_of(native.reformat(format=pix_fmt)))
    assert chroma is None
    assert picture.shape[2] in (3, 4)


def test_arrays_are_given_as_they_are() -> None:
    native = np.zeros((4, 6, 3), np.uint8)
    assert planes(frame_of(native))[0] is native
