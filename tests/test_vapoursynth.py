"""The VapourSynth filter, in the real VapourSynth where that is installed."""

import json
import os
import random
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import nakawari as nk
from nakawari.errors import InputError, MissingExtraError, PlanError
from nakawari.optional import available

HERE = available("vapoursynth")
real = pytest.mark.skipif(not HERE, reason="VapourSynth is not installed (extra vapoursynth)")


@pytest.mark.skipif(HERE, reason="VapourSynth is installed")
def test_without_vapoursynth_it_says_what_to_install() -> None:
    from nakawari.vapoursynth import interpolate

    with pytest.raises(MissingExtraError, match=r"nakawari\[vapoursynth\]"):
        interpolate(None)


def picture(n: int, dtype: type = np.uint8) -> np.ndarray:
    made = np.full((40, 64, 3), 60, np.uint8)
    made[10:24, 4 + 5 * n : 18 + 5 * n] = (220, 180, 30 + 10 * n)
    if dtype is np.uint16:
        return made.astype(np.uint16) * 257
    return made / np.float32(255) if dtype is np.float32 else made


def clip_of(
    count: int, dtype: type = np.uint8, rate: Fraction = Fraction(24000, 1001), cut: int | None = None
):
    import vapoursynth as vs

    format_of = {np.uint8: vs.RGB24, np.uint16: vs.RGB48, np.float32: vs.RGBS}[dtype]
    blank = vs.core.std.BlankClip(width=64, height=40, format=format_of, length=count,
                                  fpsnum=rate.numerator, fpsden=rate.denominator)  # fmt: skip

    def fill(n: int, f):
        frame = f.copy()
        for plane in range(3):
            np.asarray(frame[plane])[:] = picture(n, dtype)[..., plane]
        if n == cut:
            frame.props["_SceneChangeNext"] = 1
        return frame

    return blank.std.ModifyFrame(blank, fill)


def shown(clip, n: int) -> np.ndarray:
    with clip.get_frame(n) as frame:
        return np.stack([np.asarray(frame[plane]) for plane in range(3)], 2).copy()


@real
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_frames_in_any_order_are_those_of_the_model(dtype: type) -> None:
    from nakawari.vapoursynth import interpolate

    made = interpolate(clip_of(6, dtype), model="classic", factor_num=5, factor_den=2)
    assert made.num_frames == 15
    assert made.fps == Fraction(60000, 1001)
    model = nk.load("classic")
    order = list(range(15))
    random.Random(3).shuffle(order)
    for n in order:
        place = Fraction(2 * n, 5)
        number = min(int(place), 5)
        wanted = picture(number, dtype)
        if place > number and number < 5:
            wanted = model(wanted, picture(number + 1, dtype), t=place - number)
        np.testing.assert_allclose(shown(made, n), wanted, atol=1e-6 if dtype is np.float32 else 0)


@real
def test_a_rate_and_a_scene_change() -> None:
    from nakawari.vapoursynth import interpolate

    made = interpolate(clip_of(8, cut=3), model="blend", fps_num=60)
    assert made.fps == 60
    assert made.num_frames == round(8 * 60 / Fraction(24000, 1001))
    for n in range(made.num_frames):
        place = n / (60 / Fraction(24000, 1001))
        if 3 <= place < 4:
            np.testing.assert_array_equal(shown(made, n), picture(3))
    free = interpolate(clip_of(8, cut=3), model="blend", fps_num=60, sc=False)
    assert not np.array_equal(shown(free, 9), picture(3))


@real
def test_a_plan_says_how_each_frame_is_made(tmp_path: Path) -> None:
    import cv2

    from nakawari.vapoursynth import interpolate

    for n in range(8):
        cv2.imwrite(str(tmp_path / f"{n}.png"), picture(n // 2)[..., ::-1])
    plan = nk.plan(tmp_path, factor=2)
    nk.smooth(tmp_path, tmp_path / "out", factor=2, model="blend")
    import vapoursynth as vs

    clip = clip_of(4, rate=Fraction(12))
    held = vs.core.std.Interleave([clip, clip])
    made = interpolate(held, model="blend", plan=plan)
    assert (made.num_frames, made.fps) == (16, 48)
    for n, path in enumerate(sorted((tmp_path / "out").iterdir())):
        np.testing.assert_array_equal(shown(made, n), cv2.imread(str(path))[..., ::-1])
    with pytest.raises(PlanError, match="made of 8 frames; the clip has 3"):
        interpolate(held[:3], plan=plan)


@real
def test_what_cannot_be_used_is_refused() -> None:
    import vapoursynth as vs

    from nakawari.vapoursynth import interpolate

    clip = clip_of(3)
    for words, message in (
        ({"factor_num": 0}, "factor_num is 0"),
        ({"factor_num": 1, "factor_den": 2}, "wanted 1 to"),
        ({"fps_den": 1001}, "without fps_num"),
        ({"fps_num": 10}, "wanted 1 to"),
    ):
        with pytest.raises(InputError, match=message):
            interpolate(clip, **words)
    with pytest.raises(InputError, match="YUV420P8; wanted RGB24"):
        interpolate(vs.core.std.BlankClip(format=vs.YUV420P8))
    with pytest.raises(InputError, match="video clip"):
        interpolate("clip")


@real
def test_through_vspipe(tmp_path: Path) -> None:
    import vapoursynth

    beside = Path(vapoursynth.__file__).with_name("vspipe")
    vspipe = str(beside) if beside.exists() else shutil.which("vspipe")
    if vspipe is None:
        pytest.skip("vspipe is not installed")
    script = tmp_path / "clip.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        "from nakawari.vapoursynth import interpolate\n"
        "clip = vs.core.std.BlankClip(width=64, height=48, format=vs.RGB24, length=8, fpsnum=24)\n"
        "out = interpolate(clip, model='blend', fps_num=60)\n"
        "out.resize.Bicubic(format=vs.YUV444P8, matrix_s='709').set_output()\n"
    )
    told = subprocess.run([vspipe, "-c", "y4m", str(script), "-"], capture_output=True, check=False,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    if b"configur" in told.stderr:
        pytest.skip("VapourSynth has not been configured (vapoursynth config)")
    assert told.returncode == 0, told.stderr
    (tmp_path / "out.y4m").write_bytes(told.stdout)
    result = nk.plan(tmp_path / "out.y4m", factor=1)
    assert result.rate == 60
    assert len(result.slots) == 20
    assert json.loads(result.to_json())["slots"][0]["source"] == 0
