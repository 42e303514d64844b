"""Files of cels: straight alpha comes in and goes out, light comes back, layers of a PSD are drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nakawari as nk
from nakawari.cels.files import find_cels, read_cel
from nakawari.errors import InputError, MediaError
from nakawari.optional import available, need
from nakawari.video.exr import decode_light, encode_light
from nakawari.video.images import encode_image, read_image
from tests.pipeline.cels import drawing, place

exr = pytest.mark.skipif(not available("OpenEXR"), reason="the extra cel is not installed (OpenEXR)")
psd = pytest.mark.skipif(not available("psd_tools"), reason="the extra cel is not installed (psd-tools)")


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tga", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_straight_alpha_comes_back_as_it_went(tmp_path, suffix, dtype):
    if dtype == np.uint16 and suffix in (".tga", ".webp"):
        pytest.skip("holds 8 bits")
    image = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (5, 7, 4), dtype, endpoint=True)
    place = tmp_path / f"a{suffix}"
    place.write_bytes(encode_image(image, suffix))
    read = read_image(place)
    clear = image[..., 3] == 0 if suffix == ".webp" else np.zeros(image.shape[:2], bool)
    assert read.dtype == dtype
    assert (read[~clear] == image[~clear]).all()
    assert encode_image(image, suffix) == encode_image(image, suffix)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_tiff_of_either_alpha_is_read_straight(tmp_path, dtype, kind):
    top = np.iinfo(dtype).max
    image = np.empty((3, 4, 4), dtype)
    image[:] = np.round(np.array([0.8, 0.4, 0.2, 0.5]) * top)
    stored = image.copy()
    if kind == "assocalpha":
        stored[..., :3] = np.round(image[..., :3] * (image[..., 3:] / top))
    need("tifffile").imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=[kind])
    read = read_image(tmp_path / "a.tif").astype(int)
    assert np.abs(read - image).max() <= (2 if dtype == np.uint8 else 4)


def test_broken_tga_is_refused(tmp_path):
    (tmp_path / "a.tga").write_bytes(b"nothing of the kind")
    with pytest.raises(MediaError):
        read_image(tmp_path / "a.tga")


@given(st.floats(0, 65536, width=32), st.floats(0, 65536, width=32))
def test_light_comes_back_and_keeps_its_order(one, other):
    light = np.array([one, other], np.float32)
    coded = encode_light(light)
    assert (coded >= 0).all()
    assert (coded <= 1).all()
    assert decode_light(coded) == pytest.approx(light, rel=2e-4, abs=1e-6)
    assert (coded[0] < coded[1]) == (one < other) or abs(one - other) <= 1e-5 * max(one, other)


@exr
@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_exr_is_drawn_in_light(tmp_path, kind):
    openexr = need("OpenEXR")
    for number, column in ((1, 16), (3, 24)):
        picture = drawing(column, np.uint16, alpha=True) / 65535
        planes = {name: picture[..., n] * picture[..., 3] * 4 for n, name in enumerate("RGB")} | {
            "A": picture[..., 3]
        }
        header = {
            "type": openexr.scanlineimage,
            "compression": openexr.PIZ_COMPRESSION,
            "framesPerSecond": (24, 1),
        }
        header.pop("framesPerSecond")
        with openexr.File(
            header, {n: np.ascontiguousarray(p.astype(kind)) for n, p in planes.items()}
        ) as file:
            file.write(str(tmp_path / f"A{number}.exr"))
    nk.inbetween([tmp_path / "A1.exr", tmp_path / "A3.exr"], tmp_path / "out")
    made = read_cel(tmp_path / "out/A2.exr")
    assert made.exr is not None
    assert made.exr.half == (kind == np.float16)
    assert made.exr.header["compression"] == openexr.PIZ_COMPRESSION
    assert abs(place((made.image * 255).astype(np.uint8)) - 20) < 0.7
    assert set(np.unique(made.image[..., 3])) <= {0.0, 1.0}
    light = decode_light(made.image[..., :3])
    assert light.max() == pytest.approx(3.6, rel=0.01)  # above 1, as in the keys
    assert (tmp_path / "out/A1.exr").read_bytes() == (tmp_path / "A1.exr").read_bytes()


@exr
def test_exr_that_cannot_be_held_is_refused(tmp_path, capfd):
    openexr = need("OpenEXR")

    def write(**planes):
        with openexr.File({"type": openexr.scanlineimage}, planes) as file:
            file.write(str(tmp_path / "a.exr"))

    flat = np.ones((4, 5), np.float32)
    for bad, error in (
        ({"R": flat, "G": flat, "B": flat * np.inf}, "finite"),
        ({"R": flat, "G": flat, "B": flat * 1e6}, "above"),
        ({"R": flat, "G": flat, "B": flat, "A": flat * 0}, "alpha is 0"),
        ({"Z": flat}, "wanted R, G, B"),
    ):
        write(**bad)
        with pytest.raises(MediaError, match=error):
            read_cel(tmp_path / "a.exr")
    write(R=flat, G=flat, B=flat)
    whole = (tmp_path / "a.exr").read_bytes()
    for length in (100, len(whole) - 20):
        (tmp_path / "a.exr").write_bytes(whole[:length])
        with pytest.raises(MediaError, match="no OpenEXR picture"):
            read_cel(tmp_path / "a.exr")
    assert capfd.readouterr() == ("", "")


def write_psd(path: Path, groups: dict[str, dict[str, np.ndarray]]) -> Path:
    from PIL import Image

    made = need("psd_tools").PSDImage.new("RGB", (64, 40))
    for group, layers in groups.items():
        folder = made.create_group(name=group) if group else made
        for name, image in layers.items():
            layer = made.create_pixel_layer(Image.fromarray(image), name=name)
            if group:
                folder.append(layer)
    made.save(path)
    return path


@psd
def test_groups_of_a_psd_are_layers_and_what_is_in_them_are_keys(tmp_path):
    groups = {
        "B": {"2": drawing(24, alpha=True), "1": drawing(16, alpha=True)},
        "A": {"low": drawing(30, alpha=True), "high": drawing(40, alpha=True)},
    }
    cut = write_psd(tmp_path / "cut.psd", groups)
    report = nk.inbetween(cut, tmp_path / "out", chart={"B": "thirds"}, sheet="cut.csv")
    files = [d.file for d in report.drawings]
    assert files == ["B/1.png", "B/1_1.png", "B/1_2.png", "B/2.png", "A/low.png", "A/low_1.png", "A/high.png"]
    assert (read_image(tmp_path / "out/B/1.png") == drawing(16, alpha=True)).all()
    assert abs(place(read_image(tmp_path / "out/A/low_1.png")) - 35) < 0.7
    nk.inbetween(layers={"A": cut}, output=tmp_path / "one")
    with pytest.raises(InputError, match="no group 'C'"):
        nk.inbetween(layers={"C": cut}, output=tmp_path / "two")


@psd
def test_psd_keys_stay_and_their_in_betweens_are_png(tmp_path):
    given = [
        write_psd(tmp_path / f"A{n}.psd", {"": {"colour": drawing(x, alpha=True)}})
        for n, x in ((1, 16), (3, 24))
    ]
    nk.inbetween(given, tmp_path / "out")
    assert (tmp_path / "out/A1.psd").read_bytes() == given[0].read_bytes()
    assert abs(place(read_image(tmp_path / "out/A2.png")) - 20) < 0.7
    given[1].write_bytes(given[1].read_bytes()[:60])
    with pytest.raises(MediaError):
        nk.inbetween(given, tmp_path / "again")


def test_folders_and_patterns_are_found_in_natural_order(tmp_path):
    for name in ("A2.png", "A10.tga", "A1.exr", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    assert [p.name for p in find_cels(tmp_path)] == ["A1.exr", "A2.png", "A10.tga"]
    assert [p.name for p in find_cels(tmp_path / "*.png")] == ["A2.png"]
    for bad in ("none", "*.gif", "none/*.png"):
        with pytest.raises(MediaError):
            find_cels(tmp_path / bad)
