"""Published layouts: what is written in them is read from them, and what is missing is named."""

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from nakawari.data.sets import FLOW_SETS, SETS, SetStream, faults, open_set
from nakawari.data.sets.fake import FAKES, write_fake
from nakawari.data.sets.files import read_flow, write_flo, write_pfm
from nakawari.data.sets.options import Options
from nakawari.errors import InputError, MediaError, ShapeError
from nakawari.ops.warp import backward_warp

SIZE = (64, 96)
COUNT = 3
SPLITS = ("train", "held-out", "all")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One fake set of each kind, under its name."""
    place = tmp_path_factory.mktemp("sets")
    for kind in FAKES:
        assert list(write_fake(kind, place / kind, COUNT, SIZE, seed=3)) == [0, 1, 2]
    return place


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_all_kinds_can_be_faked() -> None:
    assert list(FAKES) == list(SETS)


@pytest.mark.parametrize("kind", SETS)
def test_the_held_out_part_is_disjoint_and_all_is_both(root: Path, kind: str) -> None:
    sizes = {
        split: len(open_set(kind, str(root / kind), Options(split))) for split in ("train", "held-out", "all")
    }
    assert sizes["train"] == sizes["held-out"] * (COUNT - 1) > 0
    assert sizes["all"] == sizes["train"] + sizes["held-out"]


@pytest.mark.parametrize("kind", SETS)
def test_items_are_whole_samples(root: Path, kind: str) -> None:
    items = open_set(kind, str(root / kind))
    assert list(faults(items)) == [None] * len(items)
    sample = items.read(0, rng())
    for frame in (sample.frame0, sample.framet, sample.frame1):
        assert frame.shape == (3, *SIZE)
        assert frame.dtype == torch.uint8
    assert 0 < float(sample.t) <= 1
    assert (float(sample.t) == 1) == (kind in FLOW_SETS)


@pytest.mark.parametrize("kind", FLOW_SETS)
def test_flow_leads_to_what_the_second_frame_shows(root: Path, kind: str) -> None:
    """Sequence after sequence, warping frame 1 back along the flow is nearer to frame 0 than frame 1 is."""
    items = open_set(kind, str(root / kind))
    still, warped = 0.0, 0.0
    for number in range(len(items)):
        sample = items.read(number, rng())
        assert sample.flow01 is not None
        assert sample.valid01 is not None
        assert sample.valid01.all()
        frames = sample.frame0.float(), sample.frame1.float()
        back = backward_warp(frames[1][None], sample.flow01[None])[0]
        still += float((frames[1] - frames[0]).abs().mean())
        warped += float((back - frames[0]).abs().mean())
    assert warped < 0.7 * still


def test_things_knows_the_way_back_and_sintel_what_is_covered(root: Path) -> None:
    things = open_set("things", str(root / "things")).read(0, rng())
    assert things.flow10 is not None
    assert things.flow01 is not None
    assert not torch.equal(things.flow10, things.flow01)
    sintel = open_set("sintel", str(root / "sintel")).read(0, rng())
    covered = ~sintel.visible01  # type: ignore[operator]
    assert 0 < covered.float().mean() < 0.6


def test_invalid_pixels_of_sintel_are_not_known(tmp_path: Path) -> None:
    list(write_fake("sintel", tmp_path, 2, SIZE))
    from nakawari.data.sets.files import write_picture

    wrong = torch.zeros(SIZE, dtype=torch.bool)
    wrong[10:20, 30:50] = True
    write_picture(tmp_path / "training/invalid/alley_1/frame_0001.png", wrong)
    assert torch.equal(open_set("sintel", str(tmp_path)).read(0, rng()).valid01, ~wrong)  # type: ignore[arg-type]


def test_passes_choose_renderings(root: Path) -> None:
    for kind in ("things", "sintel"):
        both, clean = (len(open_set(kind, str(root / kind), Options(passes=p))) for p in ("both", "clean"))
        assert both == 2 * clean


def test_t_of_clips_is_what_is_asked_for(root: Path) -> None:
    for kind in ("qvi960", "vimeo90k-septuplet"):
        folder = str(root / kind)
        middle = open_set(kind, folder, Options(t=0.5))
        assert {float(middle.read(0, np.random.default_rng(n)).t) for n in range(20)} == {0.5}
        free = open_set(kind, folder)
        times = Counter(round(float(free.read(0, np.random.default_rng(n)).t), 3) for n in range(60))
        assert len(times) >= 6
        with pytest.raises(InputError, match=r"t is 0\.3"):
            open_set(kind, folder, Options(t=0.31))


def test_frames_of_a_clip_stand_in_order(root: Path) -> None:
    """The nearer t is to 1, the nearer the frame is to frame 1."""
    from nakawari.data.sets.files import read_picture

    clip = root / "qvi960" / "clip00000"
    last = read_picture(clip / "frame2.jpg").float()
    gaps = [float((read_picture(clip / f"framet{k}.jpg").float() - last).abs().mean()) for k in (1, 4, 7)]
    assert gaps == sorted(gaps, reverse=True)


def test_resize_and_stream(root: Path) -> None:
    items = open_set("vimeo90k-triplet", str(root / "vimeo90k-triplet"), Options(resize=(32, 48)))
    assert items.read(0, rng()).frame0.shape == (3, 32, 48)
    stream = SetStream(items, seed=7)
    seen = [stream[index].frame0 for index in range(2 * len(items))]
    assert torch.equal(stream[3].frame0, seen[3])
    assert len({bytes(frame.numpy().tobytes()) for frame in seen[: len(items)]}) == len(items)


def test_coarse_flow_of_animation_is_brought_to_the_frame(root: Path, tmp_path: Path) -> None:
    from nakawari.data.guides import write_published

    folder = str(root / "atd12k")
    with pytest.raises(MediaError, match="nakawari data guides"):
        open_set("atd12k", folder, Options(guided=True))
    for place in (root / "atd12k" / "train_10k").iterdir():
        (tmp_path / place.name).mkdir()
        flow = np.zeros((2, 32, 48), np.float32)
        flow[0], flow[1] = 3, -1
        write_published(tmp_path / place.name, (flow, -flow))
    sample = open_set("atd12k", folder, Options(guided=True, guides=str(tmp_path))).read(0, rng())
    assert sample.guide01 is not None
    assert sample.guide01.shape == (2, *SIZE)
    assert sample.guide01[:, 5, 5].tolist() == [6, -2]
    assert torch.equal(sample.guide10, -sample.guide01)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("atd12k", "train_10k/Japan_v0_0_001000_s1/frame2.jpg"),
        ("vimeo90k-triplet", "sequences/00001/0001/im3.png"),
        ("vimeo90k-triplet", "tri_trainlist.txt"),
        ("vimeo90k-septuplet", "sequences/00001/0001/im7.png"),
        ("qvi960", "clip00000/framet3.jpg"),
        ("chairs", "FlyingChairs_train_val.txt"),
        ("chairs", "data/00001_img2.ppm"),
        ("chairs", "data/00001_flow.flo"),
        ("things", "optical_flow/TRAIN/A/0000/into_past/left/OpticalFlowIntoPast_0007_L.pfm"),
        ("sintel", "training/occlusions/alley_1/frame_0001.png"),
        ("sintel", "training/flow/alley_1/frame_0001.flo"),
    ],
)
def test_missing_and_broken_files_are_named(tmp_path: Path, kind: str, file: str) -> None:
    list(write_fake(kind, tmp_path, 2, (32, 48)))
    path = tmp_path / file
    content = path.read_bytes()

    def said() -> str:
        try:
            return " ".join(filter(None, faults(open_set(kind, str(tmp_path)))))
        except InputError as error:
            return str(error)

    path.unlink()
    assert path.stem in said()
    path.write_bytes(content[:9] if path.suffix in (".flo", ".pfm") else b"")
    assert path.name in said()
    path.write_bytes(content)
    assert said() == ""


MIDDLES = {
    "things": "frames_cleanpass/TRAIN/A/0000/left/0007.png",
    "sintel": "training/clean/alley_1/frame_0002.png",
}


@pytest.mark.parametrize("kind", MIDDLES)
def test_frames_about_a_gap_are_no_neighbours(tmp_path: Path, kind: str) -> None:
    """Their flow leads to the frame that is missing."""
    list(write_fake(kind, tmp_path, 2, (32, 48)))
    whole = len(open_set(kind, str(tmp_path)))
    for path in tmp_path.glob(MIDDLES[kind].replace("clean", "*").replace("*pass", "cleanpass")):
        path.unlink()
    items = open_set(kind, str(tmp_path))
    said = [fault for fault in faults(items) if fault]
    assert len(items) == whole
    assert said
    assert all(Path(MIDDLES[kind]).name in fault for fault in said)


def test_the_last_frame_of_sintel_is_missed_by_its_flow(tmp_path: Path) -> None:
    list(write_fake("sintel", tmp_path, 2, (32, 48)))
    last = sorted((tmp_path / "training/clean/alley_1").glob("*.png"))[-1]
    last.unlink()
    assert any(last.name in fault for fault in faults(open_set("sintel", str(tmp_path))) if fault)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("atd12k", "train_10k/*/frame2.jpg"),
        ("qvi960", "*/framet1.jpg"),
        ("vimeo90k-triplet", "sequences/*/*/im3.png"),
    ],
)
def test_all_that_is_missing_is_named_at_once(tmp_path: Path, kind: str, broken: str) -> None:
    list(write_fake(kind, tmp_path, 4, (32, 48)))
    gone = sorted(tmp_path.glob(broken))
    for path in gone:
        path.unlink()
    said = [fault for fault in faults(open_set(kind, str(tmp_path), Options("all", early=False))) if fault]
    assert len(said) == len(gone) > 1
    with pytest.raises(InputError, match=gone[0].stem):
        open_set(kind, str(tmp_path))


def test_one_part_of_animation_is_looked_at_alone(tmp_path: Path) -> None:
    list(write_fake("atd12k", tmp_path, 3, (32, 48), part="train"))
    assert len(open_set("atd12k", str(tmp_path), Options("all", early=False))) == 3
    with pytest.raises(InputError, match="test_2k_540p"):
        open_set("atd12k", str(tmp_path), Options("all"))
    with pytest.raises(InputError, match="train_10k"):
        open_set("atd12k", str(tmp_path / "train_10k"), Options("all", early=False))


def test_annotations_and_coarse_flow_are_looked_at_too(tmp_path: Path) -> None:
    list(write_fake("atd12k", tmp_path, 2, (32, 48)))
    note = next(tmp_path.glob("test_2k_annotations/*/*.json"))
    guide = next(tmp_path.glob("test_2k_pre_calc_sgm_flows/*/guide_flo13.npy"))
    content = note.read_bytes()
    for spoil, name in (
        (note.unlink, "annotation"),
        (lambda: note.write_text("{}"), note.name),
        (lambda: note.write_bytes(content) and guide.write_bytes(b"none"), "guide_flo13"),
    ):
        spoil()
        said = " ".join(filter(None, faults(open_set("atd12k", str(tmp_path), Options("all")))))
        assert name in said


@pytest.mark.parametrize("kind", SETS)
def test_a_folder_of_something_else_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=str(tmp_path)):
        open_set(kind, str(tmp_path))
    with pytest.raises(InputError, match="nowhere"):
        open_set(kind, "nowhere")


def test_frames_of_several_sizes_are_refused(tmp_path: Path) -> None:
    from nakawari.data.sets.files import write_picture

    list(write_fake("vimeo90k-triplet", tmp_path, 2, SIZE))
    write_picture(tmp_path / "sequences/00001/0001/im2.png", torch.zeros(3, 64, 64, dtype=torch.uint8))
    with pytest.raises(ShapeError, match=r"im2.png is 64x64; wanted 96x64"):
        open_set("vimeo90k-triplet", str(tmp_path)).read(0, rng())


@pytest.mark.parametrize("write", [write_flo, write_pfm])
def test_flow_files_keep_every_number(tmp_path: Path, write) -> None:
    flow = torch.randn(2, 5, 7)
    flow[:, 2, 3] = 2e9
    path = tmp_path / f"a.{write.__name__[-3:]}"
    write(path, flow)
    found, known = read_flow(path)
    assert not known[2, 3]
    assert known.sum() == 34
    flow[:, 2, 3] = 0
    assert torch.equal(found, flow)


def test_a_pfm_of_big_endian_goes_upwards(tmp_path: Path) -> None:
    """The format's own rules, not our writer's."""
    rows = [(1.0, 2.0, 0.0), (3.0, 4.0, 0.0)]  # the first row of the file is the lowest
    (tmp_path / "a.pfm").write_bytes(b"PF\n1 2\n1.0\n" + b"".join(struct.pack(">3f", *row) for row in rows))
    flow, _ = read_flow(tmp_path / "a.pfm")
    assert flow[:, 0, 0].tolist() == [3, 4]
    assert flow[:, 1, 0].tolist() == [1, 2]


def test_a_flo_of_the_published_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.flo").write_bytes(b"PIEH" + struct.pack("<2i4f", 2, 1, 1.5, -2, 3, 4))
    flow, _ = read_flow(tmp_path / "a.flo")
    assert flow[0].tolist() == [[1.5, 3]]
    assert flow[1].tolist() == [[-2, 4]]
