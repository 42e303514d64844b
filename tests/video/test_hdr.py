"""HDR: tags, depth and mastering data come out as they went in."""

from __future__ import annotations

from fractions import Fraction

import pytest

import nakawari as nk
from nakawari.video.hdr import Mastering, mastering
from nakawari.video.open import open_reader

from .media import pictures, write_video

BT2020, PQ, HLG = 9, 16, 18
SCREEN = Mastering(
    tuple((Fraction(x), Fraction(y)) for x, y in (("0.68", "0.32"), ("0.265", "0.69"), ("0.15", "0.06"),
                                                  ("0.3127", "0.329"))),
    (Fraction("0.005"), Fraction(1000)),
    (1000, 400),
)  # fmt: skip
PARAMS = (
    "mastering-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):cll=1000,400"
)


def close(a: Mastering | None, b: Mastering) -> bool:
    assert a is not None
    assert a.primaries is not None
    assert a.luminance is not None
    assert b.primaries is not None
    assert b.luminance is not None
    pairs = [*zip(sum(a.primaries, ()), sum(b.primaries, ()), strict=True),
             *zip(a.luminance, b.luminance, strict=True)]  # fmt: skip
    return a.light == b.light and all(abs(x - y) < Fraction(1, 10000) for x, y in pairs)


@pytest.mark.parametrize(
    ("codec", "name"), [("libx264", "out.mkv"), ("libx265", "out.mp4"), ("libsvtav1", "out.mkv")]
)
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_is_kept(tmp_path, capfd, codec, name, transfer):
    tags = {"color_primaries": BT2020, "color_trc": transfer, "colorspace": BT2020, "color_range": 1}
    source = write_video(tmp_path / "in.mkv", pictures(4, 64, 64), pix_fmt="yuv420p10le", tags=tags,
                         options={"x264-params": PARAMS})  # fmt: skip
    info = open_reader(source).info
    assert close(info.mastering, SCREEN)
    preset = "12" if codec == "libsvtav1" else "ultrafast"
    nk.smooth(source, tmp_path / name, model="blend", encode={"codec": codec, "preset": preset})
    result = open_reader(tmp_path / name)
    assert (result.info.bits, result.info.pix_fmt) == (10, "yuv420p10le")
    assert dict(result.info.colour.tags) == tags
    assert close(result.info.mastering, SCREEN)
    first = next(iter(result))
    assert close(mastering(first.native), SCREEN)


def test_mastering_that_is_lost_is_said(tmp_path, caplog):
    source = write_video(tmp_path / "in.mkv", pictures(2, 32, 32), pix_fmt="yuv420p10le",
                         options={"x264-params": PARAMS})  # fmt: skip
    nk.smooth(source, tmp_path / "out.mkv", model="blend", encode={"codec": "ffv1"})
    assert "ffv1 does not hold what the film was mastered on" in caplog.text
