"""`smooth` on real files: the plan's frames at the plan's times, copied ones untouched, all or nothing."""

import json
import signal
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.cli import main
from nakawari.errors import InputError, MediaError, OutputError
from nakawari.pipeline.smooth import default_output
from nakawari.timeline.plan import Reason


def drawing(n: int, height: int = 72, width: int = 96) -> np.ndarray:
    picture = np.full((height, width, 3), (200, 220, 235), np.uint8)
    cv2.rectangle(picture, (0, 56), (width, height), (90, 140, 80), -1)
    cv2.circle(picture, (14 + 4 * n, 34), 10, (30, 30, 40), -1)
    cv2.circle(picture, (14 + 4 * n, 34), 8, (220, 90, 70), -1)
    return picture


def on_twos(frames: int) -> list[np.ndarray]:
    return [drawing(n // 2) for n in range(frames)]


def write_video(
    path: Path, pictures: list[np.ndarray], rate: Fraction, codec: str = "ffv1", start: int = 0
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number + start, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_images(folder: Path, pictures: list[np.ndarray], pattern: str = "%05d.png") -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / (pattern % number)), picture[..., ::-1])
    return folder


def read(path: Path) -> list[tuple[Fraction, np.ndarray]]:
    with av.open(str(path)) as container:
        return [
            (frame.pts * frame.time_base, frame.to_ndarray(format="rgb24"))
            for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize("codec", ["ffv1", "libx264"])
def test_frames_and_times_are_the_plans(tmp_path: Path, codec: str) -> None:
    source = write_video(tmp_path / "in.mkv", on_twos(12), Fraction(24), codec)
    report = nk.smooth(source, tmp_path / "out.mp4", fps=60, model="blend")
    frames = read(tmp_path / "out.mp4")
    assert [pts for pts, _ in frames] == [slot.pts for slot in report.plan.slots]
    assert len(frames) == 30


def test_copied_frames_are_untouched_in_lossless_output(tmp_path: Path) -> None:
    given = on_twos(12)
    source = write_video(tmp_path / "in.mkv", given, Fraction(24))
    report = nk.smooth(source, tmp_path / "out.mkv", fps=48, model="classic", encode={"codec": "ffv1"})
    made = read(tmp_path / "out.mkv")
    copied = [s for s in report.plan.slots if s.reason is not Reason.BETWEEN]
    assert len(copied) >= 6
    for number, slot in enumerate(report.plan.slots):
        if slot.reason is not Reason.BETWEEN:
            assert np.array_equal(made[number][1], given[slot.source])


def test_motion_fills_the_time_between_drawings_on_twos(tmp_path: Path) -> None:
    source = write_images(tmp_path / "in", on_twos(12))
    nk.smooth(source / "%05d.png", tmp_path / "out", factor=2, model="blend")
    made = [cv2.imread(str(path)) for path in sorted((tmp_path / "out").iterdir())]
    assert len(made) == 24
    for a, b in list(pairwise(made))[: 4 * 5]:
        assert not np.array_equal(a, b)


def test_two_images_doubled_are_four(tmp_path: Path) -> None:
    given = [drawing(0), drawing(3)]
    source = write_images(tmp_path / "in", given)
    nk.smooth(source, tmp_path / "out", factor=2, model="blend")
    made = [cv2.imread(str(path))[..., ::-1] for path in sorted((tmp_path / "out").iterdir())]
    assert len(made) == 4
    assert np.array_equal(made[0], given[0])
    assert np.array_equal(made[2], given[1])
    assert np.array_equal(made[3], given[1])


@pytest.mark.parametrize(
    ("rate", "wanted"),
    [("24000/1001", "60"), ("24000/1001", "60000/1001"), ("25", "60000/1001"), ("24", "31"), ("10", "25")],
)
def test_rational_rates_are_exact(tmp_path: Path, rate: str, wanted: str) -> None:
    source = write_video(tmp_path / "in.mp4", on_twos(10), Fraction(rate), "libx264")
    nk.smooth(source, tmp_path / "out.mp4", fps=wanted, model="blend")
    pts = [pts for pts, _ in read(tmp_path / "out.mp4")]
    assert pts == [n / Fraction(wanted) for n in range(round(10 / Fraction(rate) * Fraction(wanted)))]


def test_a_plan_goes_round_by_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_video(tmp_path / "in.mkv", on_twos(8), Fraction(24))
    assert main(["plan", str(source), "--fps", "48", "--json", "-q"]) == 0
    (tmp_path / "plan.json").write_text(capsys.readouterr().out)
    words = ["smooth", str(source), "-o", str(tmp_path / "out.mkv"), "--plan", str(tmp_path / "plan.json")]
    assert main([*words, "-m", "blend", "-q", "--report", str(tmp_path / "r.json")]) == 0
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["frames"]["out"] == 16
    assert report["rate"] == "48/1"
    with pytest.raises(InputError, match="its own rate"):
        nk.smooth(source, tmp_path / "o2.mkv", plan=tmp_path / "plan.json", fps=60)


def test_nothing_blends_across_a_cut(tmp_path: Path) -> None:
    other = [np.ascontiguousarray(255 - drawing(n)[::-1]) for n in range(6)]
    for n, picture in enumerate(other):
        cv2.rectangle(picture, (20 + 3 * n, 10), (50 + 3 * n, 60), (250, 240, 40), -1)
    pictures = [drawing(n) for n in range(6)] + other
    source = write_video(tmp_path / "in.mkv", pictures, Fraction(24))
    report = nk.smooth(source, tmp_path / "out.mkv", factor=2, model="blend")
    assert [shot.first for shot in report.plan.shots] == [0, 6]
    told = tmp_path / "cuts.txt"
    told.write_text("3\n6\n")
    report = nk.smooth(source, tmp_path / "out2.mkv", factor=2, model="blend", cuts=told)
    assert [shot.first for shot in report.plan.shots] == [0, 3, 6]


def test_an_existing_output_is_kept_without_y(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", on_twos(4), Fraction(24))
    target = tmp_path / "out.mkv"
    target.write_bytes(b"precious")
    with pytest.raises(OutputError, match="exists"):
        nk.smooth(source, target, model="blend")
    assert target.read_bytes() == b"precious"
    nk.smooth(source, target, model="blend", overwrite=True)
    assert len(read(target)) == 8


def test_a_broken_input_leaves_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    source.write_text("this is no film")
    with pytest.raises(MediaError, match=r"in\.mkv"):
        nk.smooth(source, tmp_path / "out.mkv", model="blend")
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]


def _takes_interrupts():
    """What runs in the background of a shell ignores ctrl-C, and its children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_a_render_killed_midway_leaves_nothing(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", [drawing(n % 18, 360, 480) for n in range(120)], Fraction(24))
    words = [
        sys.executable,
        "-m",
        "nakawari",
        "smooth",
        str(source),
        "-o",
        str(tmp_path / "out.mkv"),
        "-x",
        "8",
    ]
    with subprocess.Popen(
        [*words, "--json-progress"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_takes_interrupts,  # noqa: PLW1509 - no threads here
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            step = json.loads(line)
            if step["stage"] == "render" and step["done"] > 2:
                break
        assert any(path.name.endswith(".part") for path in tmp_path.iterdir())
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130, rest
    assert "nothing half-written" in rest
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_peak_of_kept_frames_does_not_grow_with_length(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for frames in (30, 240):
        source = write_video(
            tmp_path / f"in{frames}.mkv", [drawing(n % 18) for n in range(frames)], Fraction(24)
        )
        tracemalloc.start()
        nk.smooth(source, tmp_path / f"out{frames}.mkv", factor=2, model="blend")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 3_000_000


@pytest.mark.parametrize(
    ("source", "mark", "name"),
    [
        ("a/clip.mkv", (Fraction(60), None, False), "a/clip_60fps.mkv"),
        ("a/clip.mkv", (Fraction(60000, 1001), None, False), "a/clip_59.9401fps.mkv"),
        ("a/clip.mkv", (Fraction(60), Fraction(5, 2), True), "a/clip_x2.5.mkv"),
        ("a/frames/%05d.png", (Fraction(48), None, True), "a/frames_x2"),
    ],
)
def test_default_names(source: str, mark: tuple, name: str) -> None:
    assert default_output(Path(source), *mark) == Path(name)


def test_compiled_kernels_are_kept(tmp_path: Path) -> None:
    """A second process must not compile again."""
    from nakawari.machine_code import cache_folder

    source = write_images(tmp_path / "in", [drawing(0), drawing(3)])
    nk.smooth(source, tmp_path / "out", factor=2, model="classic")
    assert any(cache_folder().rglob("*.nbc"))


def test_a_model_that_does_not_load_ends_the_analysis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is loaded while the clip is looked at; its error must neither wait nor get lost."""

    def broken(*_: object) -> None:
        raise RuntimeError("no room for weights")

    monkeypatch.setattr("nakawari.pipeline.smooth.load", broken)
    source = write_video(tmp_path / "in.mkv", on_twos(6), Fraction(24))
    with pytest.raises(RuntimeError, match="no room for weights"):
        nk.smooth(source, tmp_path / "out.mkv", factor=2)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_a_clock_that_jumps_is_refused(tmp_path: Path) -> None:
    """Found by benchmarks/fuzz.py: a flipped bit in a time asks for a million frames."""
    from tests.video.media import pictures
    from tests.video.media import write_video as write_film

    times = [Fraction(n, 25) for n in range(5)] + [Fraction(23861)]
    source = write_film(tmp_path / "in.mkv", pictures(6, 32, 32), times=times)
    with pytest.raises(MediaError, match="shows frame 4 for 23861 s"):
        nk.smooth(source, tmp_path / "out.mkv", model="blend")
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def foreign(seed: int) -> np.ndarray:
    """A drawing that has nothing in common with others."""
    blots = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(blots, (96, 72), interpolation=cv2.INTER_NEAREST)


@pytest.mark.parametrize(("unsure", "stands"), [("hold", (2, 2)), ("nearest", (2, 3)), ("draw", None)])
def test_what_cannot_be_followed_stands(tmp_path: Path, unsure: str, stands: tuple[int, int] | None) -> None:
    pictures = [drawing(0), drawing(1), foreign(0), foreign(1), foreign(2)]
    source = write_images(tmp_path / "in", pictures)
    report = nk.smooth(source, tmp_path / "out", factor=3, cuts="off", unsure=unsure)
    made = [cv2.imread(str(path))[..., ::-1] for path in sorted((tmp_path / "out").iterdir())]
    for picture, key in zip(made[::3], pictures, strict=True):
        np.testing.assert_array_equal(picture, key)
    assert not any(np.array_equal(made[1], key) for key in pictures)  # what moves is drawn
    assert report.work.unsure == ([] if stands is None else [(1, 2), (2, 3), (3, 4)])
    assert report.to_dict()["unsure"] == [list(pair) for pair in report.work.unsure]
    for picture, key in zip(made[7:9], stands or (), strict=stands is not None):
        np.testing.assert_array_equal(picture, pictures[key])
    if stands is None:
        assert not any(np.array_equal(made[7], key) for key in pictures)


def test_unsure_is_one_of_three_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="wanted draw, hold, nearest"):
        nk.smooth(tmp_path / "in.mkv", tmp_path / "out.mkv", unsure="blend")
