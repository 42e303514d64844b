"""Sequences of linear light (.exr): drawn through a curve that comes back, landed images as their files."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import nakawari as nk
from nakawari.errors import InputError, MediaError, OutputError
from nakawari.optional import available, need
from nakawari.video.exr import decode_light, read_exr
from nakawari.video.open import open_reader

pytestmark = pytest.mark.skipif(not available("OpenEXR"), reason="the extra cel is not installed (OpenEXR)")


def write(folder, count=3, kind=np.float16, size=(48, 64), alpha=False):
    """A lamp (light 8) that goes by, 6 pixels an image, before a dim ground."""
    openexr = need("OpenEXR")
    folder.mkdir(exist_ok=True)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for number in range(count):
        lamp = (np.hypot(rows - size[0] // 2, columns - 20 - 6 * number) < 8).astype(float)
        planes = {name: 8 * share * lamp for name, share in (("R", 1.0), ("G", 0.9), ("B", 0.5))}
        if alpha:
            planes["A"] = lamp
        else:
            planes = {name: plane + 0.1 * columns / size[1] for name, plane in planes.items()}
        header = {"type": openexr.scanlineimage, "compression": openexr.PIZ_COMPRESSION}
        with openexr.File(header, {n: plane.astype(kind) for n, plane in planes.items()}) as file:
            file.write(str(folder / f"{number + 1:03d}.exr"))
    return folder


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("alpha", [False, True])
def test_light_in_gives_light_out(tmp_path, kind, alpha):
    source = write(tmp_path / "in", kind=kind, alpha=alpha)
    report = nk.smooth(source, tmp_path / "out", factor=2, model="classic")
    assert report.work.drawn == 2
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{number:06d}.exr" for number in range(1, 7)]
    for number, landed in ((1, "001"), (3, "002"), (5, "003"), (6, "003")):
        written = tmp_path / f"out/{number:06d}.exr"
        assert written.read_bytes() == (source / f"{landed}.exr").read_bytes()
    made = read_exr(tmp_path / "out/000002.exr")
    assert made.half == (kind == np.float16)
    assert made.header["compression"] == need("OpenEXR").PIZ_COMPRESSION
    assert made.image.shape[2] == (4 if alpha else 3)
    light = decode_light(made.image[..., :3])
    assert light.max() == pytest.approx(8, rel=0.02)  # as bright as in the keys
    where = np.nonzero(light[..., 0] > 4)[1]
    assert abs(where.mean() - 23) < 0.7


def test_a_part_and_a_run_that_goes_on_are_light_too(tmp_path):
    source = write(tmp_path / "in", 5)
    nk.smooth(source, tmp_path / "%03d.exr", factor=2, model="blend", start=Fraction(1, 24), resume=True)
    assert len(list(tmp_path.glob("*.exr"))) == 8
    assert (tmp_path / "001.exr").read_bytes() == (source / "002.exr").read_bytes()


def test_what_does_not_hold_light_is_refused(tmp_path):
    source = write(tmp_path / "in")
    for name, error in (
        ("out.mkv", OutputError),
        ("out.gif", OutputError),
        ("out.y4m", OutputError),
        ("out/%d.png", InputError),
    ):
        with pytest.raises(error, match=r"linear light|\.exr"):
            nk.smooth(source, tmp_path / name, factor=2)
    with pytest.raises(MediaError, match="floating point"):
        open_reader(source)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_broken_or_other_image_is_one_line(tmp_path, capfd):
    source = write(tmp_path / "in")
    whole = (source / "002.exr").read_bytes()
    write(tmp_path / "other", 1, size=(40, 64))
    for data, error in (
        (whole[:-40], "no OpenEXR picture"), (whole[:60], "no OpenEXR picture"),
        ((tmp_path / "other/001.exr").read_bytes(), "wanted images of one size"),
    ):  # fmt: skip
        (source / "002.exr").write_bytes(data)
        with pytest.raises(MediaError, match=error):
            nk.smooth(source, tmp_path / "out", factor=2, model="blend")
        assert not (tmp_path / "out").exists()
    assert capfd.readouterr() == ("", "")
