"""Slow motion, parts, loops, repairs, fills at cuts: which frames come out, when, and with what sound."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.cli import main
from nakawari.errors import InputError
from nakawari.timeline.plan import Reason
from tests.pipeline.test_smooth import drawing, on_twos, read, write_images, write_video
from tests.video.media import hear, pictures
from tests.video.media import write_video as write_film


def test_slow_motion_lasts_longer_at_the_inputs_rate(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", on_twos(12), Fraction(24))
    report = nk.smooth(source, tmp_path / "out.mp4", slowmo=4, model="blend")
    frames = read(tmp_path / "out.mp4")
    assert [pts for pts, _ in frames] == [Fraction(n, 24) for n in range(48)]
    between = [slot for slot in report.plan.slots if slot.reason is Reason.BETWEEN]
    assert len(between) == 5 * 7
    # a drawing is reached at its own, slowed-down time
    assert [s.source for s in report.plan.slots[::8]] == [0, 2, 4, 6, 8, 10]


def test_slow_motion_at_another_rate(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", on_twos(12), Fraction(24000, 1001))
    nk.smooth(source, tmp_path / "out.mp4", slowmo="2.5", fps=60, model="blend")
    pts = [pts for pts, _ in read(tmp_path / "out.mp4")]
    assert pts == [Fraction(n, 60) for n in range(round(Fraction(12 * 1001, 24000) * Fraction(5, 2) * 60))]


def test_slow_motion_leaves_sound_out_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_film(tmp_path / "in.mp4", pictures(20, 32, 32), sound="aac", subtitles=False)
    words = ["smooth", str(source), "-o", str(tmp_path / "out.mkv"), "--slowmo", "2", "-m", "blend"]
    assert main(words) == 0
    assert "--stretch-sound" in capsys.readouterr().err
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert not container.streams.audio


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
def test_a_part_has_its_own_sound_and_starts_at_zero(tmp_path: Path, target: str) -> None:
    source = write_film(tmp_path / "in.mkv", pictures(75, 32, 32), sound="pcm_s16le")
    nk.smooth(source, tmp_path / target, start="0:01", end=2, factor=2, model="blend",
              encode={"codec": "libx264"})  # fmt: skip
    pts = [pts for pts, _ in read(tmp_path / target)]
    assert pts == [Fraction(n, 50) for n in range(50)]
    _, all_of_it, _ = hear(source)
    start, samples, rate = hear(tmp_path / target)
    packet = 1024
    assert 0 <= start * rate < packet
    first = 48000 + int(start * rate)
    heard = samples[:, : 48000 - packet]
    where = [
        shift
        for shift in range(-packet, packet)
        if np.array_equal(all_of_it[:, first + shift : first + shift + heard.shape[1]], heard)
    ]
    # sound and picture are together to a tick of the coarser clock (a 440 Hz tone repeats every 1200 samples)
    assert min(map(abs, where), default=packet) <= 48
    assert abs(samples.shape[1] - 48000) <= packet


def test_half_a_second_is_half_a_second(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.mp4", pictures(100, 32, 32), sound="aac")
    nk.smooth(source, tmp_path / "out.mp4", start=2, end="2.5", factor=2, model="blend")
    assert len(read(tmp_path / "out.mp4")) in (24, 25, 26)
    _, samples, rate = hear(tmp_path / "out.mp4")
    assert abs(samples.shape[1] / rate - 0.5) < 0.05


def test_a_part_keeps_the_times_of_its_subtitles_and_chapters(tmp_path: Path) -> None:
    plain = write_film(tmp_path / "plain.mkv", pictures(50, 32, 32), subtitles=True)
    source = tmp_path / "in.mkv"
    with av.open(str(plain)) as given, av.open(str(source), "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in given.streams}
        marks = [(0, 500, "A"), (500, 1500, "B"), (1500, 2000, "C")]
        out.set_chapters([
            {"id": n, "start": a, "end": b, "time_base": Fraction(1, 1000), "metadata": {"title": t}}
            for n, (a, b, t) in enumerate(marks)
        ])  # fmt: skip
        for packet in given.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    nk.smooth(source, tmp_path / "out.mkv", start=Fraction(1, 5), end=1, slowmo=2, model="blend")
    with av.open(str(tmp_path / "out.mkv")) as container:
        chapters = [(c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
                    for c in container.chapters()]  # fmt: skip
        texts = [(p.pts * p.time_base, p.duration * p.time_base, bytes(p))
                 for p in container.demux(container.streams.subtitles[0]) if p.size]  # fmt: skip
    assert chapters == [(0, Fraction(3, 5), "A"), (Fraction(3, 5), Fraction(8, 5), "B")]
    # the first was shown from 0.1 to 0.25 s, the second from 0.3 to 0.45 s
    assert texts == [(0, Fraction(1, 10), b"nakawari 0"), (Fraction(1, 5), Fraction(3, 10), b"nakawari 1")]


def test_factor_1_only_repairs_what_repeats(tmp_path: Path) -> None:
    given = [drawing(n) for n in range(6)] + [drawing(n // 2) for n in range(12, 20)]
    source = write_video(tmp_path / "in.mkv", given, Fraction(24))
    report = nk.smooth(source, tmp_path / "out.mkv", factor=1, model="blend", encode={"codec": "ffv1"})
    made = read(tmp_path / "out.mkv")
    assert [pts for pts, _ in made] == [Fraction(round(1000 * n / 24), 1000) for n in range(14)]
    changed = [n for n, (_, picture) in enumerate(made) if not np.array_equal(picture, given[n])]
    assert changed == [7, 9, 11]
    assert report.to_dict()["frames"]["between"] == 3


def ring(count: int) -> list[np.ndarray]:
    made = []
    for n in range(count):
        picture = np.full((80, 80, 3), 220, np.uint8)
        angle = 2 * np.pi * n / count
        centre = (round(40 + 22 * np.cos(angle)), round(40 + 22 * np.sin(angle)))
        cv2.circle(picture, centre, 9, (40, 60, 150), -1)
        made.append(picture)
    return made


@pytest.mark.parametrize("target", ["out", "out.gif"])
def test_a_loop_of_n_times_k_moves_on_to_its_first_drawing(tmp_path: Path, target: str) -> None:
    source = write_images(tmp_path / "in", ring(8))
    report = nk.smooth(source, tmp_path / target, factor=3, loop=True, model="classic", input_rate=8)
    slots = report.plan.slots
    assert len(slots) == 24
    assert [(s.source, s.target, s.t) for s in slots[21:]] == [
        (7, None, None), (7, 8, Fraction(1, 3)), (7, 8, Fraction(2, 3))
    ]  # fmt: skip
    assert report.plan.drawings[-1].last == 7
    if target == "out":
        made = [cv2.imread(str(path)).astype(int) for path in sorted((tmp_path / "out").iterdir())]
        assert len(made) == 24
        steps = [np.abs(a - b).mean() for a, b in zip(made, made[1:] + made[:1], strict=True)]
        assert max(steps[20:]) < 1.5 * max(steps[:20])


def test_the_frame_before_a_cut_gives_way_to_the_nearest(tmp_path: Path) -> None:
    other = [np.ascontiguousarray(255 - drawing(n)[::-1]) for n in range(6)]
    source = write_video(tmp_path / "in.mkv", [drawing(n) for n in range(6)] + other, Fraction(24))
    cuts = [6]
    plans = {fill: nk.plan(source, fps=120, cuts=cuts, cut_fill=fill) for fill in ("copy", "nearest")}
    before = [slot.source for slot in plans["copy"].slots[25:31]]
    assert before == [5, 5, 5, 5, 5, 6]
    assert [slot.source for slot in plans["nearest"].slots[25:31]] == [5, 5, 5, 6, 6, 6]
    assert plans["copy"].slots[:28] == plans["nearest"].slots[:28]
    assert plans["copy"].slots[30:] == plans["nearest"].slots[30:]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"slowmo": "0.5"}, "slowed down, never sped up"),
        ({"start": -1}, "--start"),
        ({"start": "soon"}, "--start"),
        ({"start": 3, "end": 2}, "more than the start"),
        ({"hold_max": 0}, "hold-max"),
        ({"holds": "maybe"}, "keep or smooth"),
        ({"cut_fill": "melt"}, "copy or nearest"),
        ({"cuts": "no/such/file.txt"}, "no cuts file"),
        ({"fps": "5", "slowmo": "2"}, "below the input's 12"),
        ({"start": 9}, "nothing new"),
        ({"fps": 100_000_000}, "at most 1024"),
        ({"encode": {"crf": "18"}}, "crf is '18', a str; wanted a number"),
        ({"encode": {"codek": "ffv1"}}, "Did you mean codec"),
        ({"encode": {"sound": "no"}}, "wanted True or False"),
        ({"factor": 1025}, "at most 1024"),
    ],
)
def test_values_are_checked_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: dict, message: str
) -> None:
    monkeypatch.setattr("nakawari.pipeline.smooth.load", lambda *_: pytest.fail("loaded"))
    source = write_video(tmp_path / "in.mkv", on_twos(4), Fraction(24))
    with pytest.raises(InputError, match=message):
        nk.smooth(source, tmp_path / "out.mkv", **words)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def test_names_for_what_cannot_be_written_under_its_own_ending(tmp_path: Path) -> None:
    source = write_film(tmp_path / "in.avi", pictures(6, 32, 32), codec="mpeg4")
    assert Path(nk.smooth(source, model="blend").output).name == "in_x2.mkv"
    assert Path(nk.smooth(source, model="blend", slowmo=3).output).name == "in_slow3.mkv"
    with pytest.raises(InputError, match="from a pipe"):
        nk.smooth("-", model="blend")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("model", ["blend", "classic"])
def test_hard_edges_of_cels_stay_hard_and_without_fringe(tmp_path: Path, model: str, dtype: type) -> None:
    largest = np.iinfo(dtype).max
    ink, paint = np.array([largest // 2, largest // 4, largest]), np.array([largest, largest, largest // 8])
    (tmp_path / "in").mkdir()
    for n in range(4):
        cel = np.zeros((60, 90, 4), dtype)
        mask = cv2.circle(np.zeros((60, 90), np.uint8), (24 + 6 * n, 30), 14, 1, -1).astype(bool)
        core = cv2.circle(np.zeros((60, 90), np.uint8), (24 + 6 * n, 30), 10, 1, -1).astype(bool)
        cel[mask, :3], cel[core, :3], cel[mask, 3] = ink, paint, largest
        cv2.imwrite(str(tmp_path / "in" / f"{n}.png"), cel)
    nk.smooth(tmp_path / "in", tmp_path / "out", factor=4, model=model)
    for path in sorted((tmp_path / "out").iterdir()):
        made = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert made.dtype == dtype
        assert set(np.unique(made[..., 3])) == {0, largest}
        shown = made[made[..., 3] > 0][:, :3].astype(int)
        low, high = np.minimum(ink, paint), np.maximum(ink, paint)
        slack = largest // 40
        assert (shown >= low - slack).all()  # no darker than what is drawn
        assert (shown <= high + slack).all()


def test_soft_edges_stay_soft(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for n in range(2):
        cel = np.zeros((60, 90, 4), np.uint8)
        cv2.circle(cel, (24 + 6 * n, 30), 14, (200, 60, 120, 255), -1, cv2.LINE_AA)
        cv2.imwrite(str(tmp_path / "in" / f"{n}.png"), cel)
    nk.smooth(tmp_path / "in", tmp_path / "out", factor=2, model="classic")
    made = cv2.imread(str(tmp_path / "out" / "000002.png"), cv2.IMREAD_UNCHANGED)
    assert len(np.unique(made[..., 3])) > 5


@pytest.mark.parametrize(
    ("name", "codec", "target", "slowmo"),
    [
        ("in.mp4", "aac", "out.mp4", 2),
        ("in.mkv", "flac", "out.mkv", 5),
        ("in.mkv", "pcm_s16le", "out.mp4", 2),
        ("in.mp4", "aac", "out.webm", 3),
    ],
)
def test_stretched_sound_keeps_its_pitch(
    tmp_path: Path, name: str, codec: str, target: str, slowmo: int
) -> None:
    source = write_film(tmp_path / name, pictures(50, 32, 32), sound=codec)
    extra = {"deadline": "realtime", "cpu-used": "8"} if target.endswith("webm") else {}
    words = {"slowmo": slowmo, "start": Fraction(13, 25), "end": Fraction(38, 25), "model": "blend"}
    nk.smooth(source, tmp_path / target, **words, encode={"stretch": True, "extra": extra})
    start, samples, rate = hear(tmp_path / target)
    assert abs(start) < Fraction(1, 20)
    assert (
        abs(samples.shape[1] / rate - slowmo) < 0.05
    )  # a packet of aac is heard only after the one before it
    middle = samples[0, samples.shape[1] // 4 :][:rate].astype(float)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(int(spectrum.argmax()) * rate / len(middle) - 440) < 3


def test_a_clip_of_no_rate_keeps_its_time(tmp_path: Path) -> None:
    """True VFR: drawings arrive when they did, the end is the end, and the sound stays where it was."""
    steps = [0, 4, 9, 12, 30, 31, 35, 50, 58, 60, 75, 80]
    times = [Fraction(n, 100) for n in steps]
    source = write_film(tmp_path / "in.mp4", pictures(12, 64, 48), Fraction(100), times=times, sound="aac",
                        sound_seconds=Fraction(9, 10))  # fmt: skip
    report = nk.smooth(source, tmp_path / "out.mp4", fps=100, model="blend", hold_max=1)
    slots = report.plan.slots
    assert [slot.pts for slot in slots if slot.reason is Reason.SOURCE] == times
    assert [pts for pts, _ in read(tmp_path / "out.mp4")] == [Fraction(n, 100) for n in range(len(slots))]
    assert len(slots) in (81, 82)
    assert np.array_equal(hear(tmp_path / "out.mp4")[1], hear(source)[1])
    assert hear(tmp_path / "out.mp4")[0] == hear(source)[0]


def test_rotation_aspect_offset_and_depth_go_through(tmp_path: Path) -> None:
    from nakawari.video.open import open_reader

    turned = [0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30]
    for pix_fmt in ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p12le"):
        codec = "libx265" if "12" in pix_fmt else "libx264"
        source = write_film(tmp_path / f"{pix_fmt}.mp4", pictures(4, 64, 64), Fraction(24000, 1001),
                            start=Fraction(3, 2), codec=codec, pix_fmt=pix_fmt, matrix=turned,
                            aspect=Fraction(4, 3))  # fmt: skip
        target = tmp_path / f"out_{pix_fmt}.mp4"
        nk.smooth(source, target, fps=60, model="blend", encode={"codec": codec, "preset": "ultrafast"})
        info = open_reader(target).info
        assert info.pix_fmt == pix_fmt
        assert info.display_matrix == tuple(turned)
        assert info.sample_aspect == Fraction(4, 3)
        assert next(iter(open_reader(target))).pts == Fraction(3, 2)


def test_twelve_bits_are_never_eight_on_the_way(tmp_path: Path) -> None:
    """A ramp that moves has more levels in the made frames than eight bits could hold."""
    from nakawari.video.open import open_reader

    ramp = np.tile(np.linspace(4000, 60000, 256).astype(np.uint16)[None, :, None], (64, 1, 3))
    (tmp_path / "in").mkdir()
    for n in range(2):
        cv2.imwrite(str(tmp_path / "in" / f"{n}.png"), np.roll(ramp, 8 * n, 1))
    for name, encode in (("out.mkv", {"codec": "ffv1", "pix_fmt": "yuv444p12le"}), ("out", {})):
        nk.smooth(tmp_path / "in", tmp_path / name, model="blend", encode=encode)
        frames = list(open_reader(tmp_path / name))
        assert frames[1].rgb().dtype == np.uint16
        assert len(np.unique(frames[1].rgb()[32, :, 1])) > 240
        assert (np.unique(frames[1].rgb()) % 257 != 0).any()


def test_what_is_left_out_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = write_film(tmp_path / "plain.mkv", pictures(4, 32, 32), subtitles=True)
    with av.open(str(plain)) as given, av.open(str(tmp_path / "in.mkv"), "w") as out:
        copies = {s.index: out.add_stream_from_template(s, opaque=True) for s in given.streams}
        out.add_attachment("font.ttf", "font/ttf", b"not really a font")
        for packet in given.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    nk.smooth(tmp_path / "in.mkv", tmp_path / "out.mkv", model="blend")
    assert "left out" not in caplog.text
    nk.smooth(tmp_path / "in.mkv", tmp_path / "out.mp4", model="blend")
    assert "fonts and other attachments are left out (1)" in caplog.text
