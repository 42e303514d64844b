"""Colour: the conversion both ways, tags, and stillness."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nakawari.errors import MediaError, ShapeError
from nakawari.video.colour import TAGS, from_rgb, layout, resolve, to_rgb
from nakawari.video.encoders import EncodeOptions
from nakawari.video.frames import Colour
from nakawari.video.open import open_reader, open_writer

from .media import pictures, planes, write_video

YUV = ["yuv420p", "yuv422p", "yuv444p", "yuv440p", "nv12", "yuyv422", "yuva420p"]
DEEP = ["yuv420p10le", "yuv422p10le", "yuv444p12le", "p010le", "yuva444p10le"]
RGB = ["rgb24", "bgr0", "gbrp", "rgba", "gbrap"]
MATRICES = ["bt709", "smpte170m", "bt2020nc", "smpte240m"]
UNSAID = {**dict.fromkeys(TAGS, 2), "color_range": 0}


def flat(colour: tuple[int, int, int], pix_fmt: str) -> np.ndarray:
    scale = 1 if layout(pix_fmt).dtype is np.uint8 else 257
    return np.full((17, 19, 3), np.array(colour) * scale, layout(pix_fmt).dtype)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("pix_fmt", YUV + DEEP + RGB)
def test_grey_3a_stays(pix_fmt, matrix, full):
    colour = Colour("rgb" if layout(pix_fmt).rgb else matrix, full)
    rgb = to_rgb(from_rgb(flat((0x3A,) * 3, pix_fmt), pix_fmt, colour), colour)
    assert rgb.shape[:2] == (17, 19)
    eight = rgb[:, :, :3] if rgb.dtype == np.uint8 else np.rint(rgb[:, :, :3] / 257)
    assert (eight == 0x3A).all()
    assert (rgb[:, :, 0] == rgb[:, :, 1]).all()
    assert (rgb[:, :, 0] == rgb[:, :, 2]).all()


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(*[st.integers(0, 255)] * 3),
    st.sampled_from(YUV + DEEP),
    st.sampled_from(MATRICES),
    st.booleans(),
)
def test_flat_colours_come_back_within_one(colour, pix_fmt, matrix, full):
    rgb = flat(colour, pix_fmt)
    meant = Colour(matrix, full)
    back = to_rgb(from_rgb(rgb, pix_fmt, meant), meant)[:, :, :3]
    unit = 1 if rgb.dtype == np.uint8 else 257
    assert np.abs(back.astype(int) - rgb).max() <= unit


@pytest.mark.parametrize("matrix", MATRICES)
def test_hardly_any_of_all_colours_is_off_by_more_than_one(matrix):
    colours = np.random.default_rng(0).integers(0, 256, (700, 700, 3)).astype(np.uint8)
    meant = Colour(matrix, False)
    back = to_rgb(from_rgb(colours, "yuv444p", meant), meant)
    assert (np.abs(back.astype(int) - colours).max(2) > 1).mean() < 1e-5


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p10le", "yuv420p10le"])
@pytest.mark.parametrize("full", [False, True])
def test_samples_in_gamut_pass_through_rgb(pix_fmt, full):
    """The chroma filters are each other's inverse: what only passes through does not blur."""
    bits = layout(pix_fmt).bits
    rng = np.random.default_rng(1)
    native = av.VideoFrame(34 if full else 35, 26, pix_fmt)  # the filters are not exact at odd edges
    for number, plane in enumerate(native.planes):
        view = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16).reshape(plane.height, -1)
        middle, spread = (110, 40) if number == 0 else (128, 18)
        view[:] = (rng.integers(middle - spread, middle + spread, view.shape) << (bits - 8)).astype(
            view.dtype
        )
    colour = Colour("bt709", full)
    again = from_rgb(to_rgb(native, colour), pix_fmt, colour)
    for before, after in zip(planes(native), planes(again), strict=True):
        assert np.abs(before.astype(int) - after).max() <= (1 if bits == 8 else 2)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
def test_samples_mean_what_the_standard_says(matrix, full):
    red, blue = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114), "bt2020nc": (0.2627, 0.0593),
                 "smpte240m": (0.212, 0.087)}[matrix]  # fmt: skip
    rgb = np.array([200, 40, 90])
    native = from_rgb(np.full((4, 4, 3), rgb, np.uint8), "yuv444p", Colour(matrix, full))
    luma = (red * rgb[0] + (1 - red - blue) * rgb[1] + blue * rgb[2]) / 255
    cb, cr = (rgb[2] / 255 - luma) / (2 - 2 * blue), (rgb[0] / 255 - luma) / (2 - 2 * red)
    wanted = (255 * luma, 128 + 255 * cb, 128 + 255 * cr) if full else (
        16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr)  # fmt: skip
    got = [int(plane[0, 0]) for plane in planes(native)]
    assert np.abs(np.array(got) - wanted).max() <= 0.75


@pytest.mark.parametrize("pix_fmt", RGB)
def test_rgb_is_exact(pix_fmt):
    rgb = np.random.default_rng(2).integers(0, 256, (9, 11, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        to_rgb(from_rgb(rgb, pix_fmt, Colour("rgb", True)), Colour("rgb", True))[:, :, :3], rgb
    )


@pytest.mark.parametrize(
    "pix_fmt", ["rgba", "gbrap", "yuva444p", "yuva420p", "bgra", "rgba64le", "gbrap12le"]
)
def test_alpha_is_exact(pix_fmt):
    form = layout(pix_fmt)
    top = np.iinfo(form.dtype).max
    step = top // 255 if form.bits in (8, 16) else 4369 * 3
    alpha = (np.arange(36).reshape(6, 6) % 6 * step).astype(form.dtype)
    rgba = np.dstack([np.full((6, 6, 3), top // 2, form.dtype), alpha])
    colour = Colour("rgb", True) if form.rgb else Colour("bt709", False)
    np.testing.assert_array_equal(to_rgb(from_rgb(rgba, pix_fmt, colour), colour)[:, :, 3], alpha)


def test_what_is_not_said_follows_the_convention():
    assert resolve(UNSAID, "yuv420p", 1280, 720) == Colour("bt709", False)
    assert resolve(UNSAID, "yuv420p", 720, 480) == Colour("smpte170m", False)
    assert resolve(UNSAID, "yuvj420p", 720, 480) == Colour("smpte170m", True)
    assert resolve(UNSAID, "gbrp", 720, 480) == Colour("rgb", True)
    assert resolve({**UNSAID, "colorspace": 9}, "yuv420p", 64, 64).matrix == "bt2020nc"
    with pytest.raises(MediaError, match="nonsense"):
        layout("nonsense")


@pytest.mark.parametrize(
    ("name", "codec"), [("out.mp4", "libx264"), ("out.mkv", "libx264"), ("out.mkv", "ffv1")]
)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("space", "primaries", "transfer"), [(6, 6, 6), (1, 1, 1), (9, 9, 16), (2, 2, 2)])
def test_tags_are_written_back(tmp_path, name, codec, full, space, primaries, transfer):
    tags = {
        "colorspace": space,
        "color_primaries": primaries,
        "color_trc": transfer,
        "color_range": 2 if full else 1,
    }
    source = write_video(tmp_path / "in.mp4", pictures(2, 32, 32), tags=tags)
    reader = open_reader(source)
    writer = open_writer(tmp_path / name, reader.info, Fraction(25), EncodeOptions(codec=codec), source)
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    result = open_reader(tmp_path / name)
    if space != 2:
        assert dict(reader.info.colour.tags) == tags
    assert reader.info.colour.full_range == full
    assert result.info.colour == reader.info.colour


def test_rgb_images_become_tagged_bt709(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "1.png"), np.full((32, 32, 3), 0x3A, np.uint8))
    reader = open_reader(tmp_path / "1.png")
    writer = open_writer(tmp_path / "out.mp4", reader.info, Fraction(25), EncodeOptions(crf=0))
    for frame in reader:
        writer.copy(frame, frame.pts)
    writer.finish()
    result = open_reader(tmp_path / "out.mp4")
    assert result.info.pix_fmt == "yuv420p"
    assert dict(result.info.colour.tags) == dict.fromkeys(TAGS, 1)
    assert (next(iter(result)).rgb() == 0x3A).all()


# -- stillness -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuva420p"])
@pytest.mark.parametrize("size", [(34, 26), (35, 27)])
def test_what_equals_a_key_keeps_its_samples(tmp_path, pix_fmt, size):
    noise = [_noise(*size, pix_fmt, seed) for seed in (1, 2)]
    source = write_video(tmp_path / "in.mkv", noise, codec="ffv1", pix_fmt=pix_fmt)
    reader = open_reader(source)
    keys = tuple(reader)
    made = keys[0].rgb().copy()
    made[4:8, 4:8, :3] = made.max() // 3
    writer = open_writer(tmp_path / "out.mkv", reader.info, Fraction(25), EncodeOptions(codec="ffv1"))
    writer.draw(made, Fraction(0), keys)
    writer.finish()
    (result,) = open_reader(tmp_path / "out.mkv")
    form = layout(pix_fmt)
    was, drawn = planes(keys[0].native), planes(result.native)
    for number in range(len(drawn)):
        sx, sy = (2 if n else 1 for n in (form.halved_x, form.halved_y)) if number in (1, 2) else (1, 1)
        was[number][4 // sy : 8 // sy, 4 // sx : 8 // sx] = 0
        drawn[number][4 // sy : 8 // sy, 4 // sx : 8 // sx] = 0
        np.testing.assert_array_equal(drawn[number], was[number])
    changed = to_rgb(result.native, result.colour)[4:8, 4:8]
    assert not np.array_equal(changed, keys[0].rgb()[4:8, 4:8])


def _noise(width: int, height: int, pix_fmt: str, seed: int) -> av.VideoFrame:
    """Samples of which many stand for colours outside of RGB, so that no conversion could bring them back."""
    rng = np.random.default_rng(seed)
    native = av.VideoFrame(width, height, pix_fmt)
    bits = layout(pix_fmt).bits
    for plane in native.planes:
        view = np.frombuffer(plane, np.uint8 if bits == 8 else np.uint16).reshape(plane.height, -1)
        view[:] = rng.integers(0, 1 << bits, view.shape).astype(view.dtype)
    return native


def test_a_made_picture_that_equals_nothing_is_converted(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(2, 32, 32), codec="ffv1")
    reader = open_reader(source)
    keys = tuple(reader)
    made = np.full((32, 32, 3), (12, 99, 180), np.uint8)
    writer = open_writer(tmp_path / "out.mkv", reader.info, Fraction(25), EncodeOptions(codec="ffv1"))
    writer.draw(made, Fraction(0), keys)
    writer.finish()
    (result,) = open_reader(tmp_path / "out.mkv")
    assert np.abs(result.rgb().astype(int) - made).max() <= 1


def test_a_made_picture_must_be_like_its_keys(tmp_path):
    source = write_video(tmp_path / "in.mkv", pictures(2, 32, 32), codec="ffv1")
    reader = open_reader(source)
    keys = tuple(reader)
    writer = open_writer(tmp_path / "out.mkv", reader.info, Fraction(25), EncodeOptions(codec="ffv1"))
    with pytest.raises(ShapeError, match="32"):
        writer.draw(np.zeros((16, 32, 3), np.uint8), Fraction(0), keys)
    with pytest.raises(ShapeError, match="uint16"):
        writer.draw(np.zeros((32, 32, 3), np.uint16), Fraction(0), keys)
    writer.abort()
