"""What counts as a new drawing and as a cut, on small pictures whose truth is known."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from nakawari.errors import PlanError, ShapeError
from nakawari.timeline.detect import decide
from nakawari.timeline.measure import Measurer
from nakawari.timeline.measurements import Measurements

SIZE = (180, 320)


def stage(seed=0, texture=6.0, width=SIZE[1]):
    """A painted background with shapes and lines."""
    rng = np.random.default_rng(seed)
    height = SIZE[0]
    brush = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 4)
    picture = 60 + 120 * rng.random(3) + (brush / brush.std() * texture)[..., None]
    picture = np.ascontiguousarray(np.clip(picture, 0, 255).astype(np.uint8))
    for _ in range(14 * width // SIZE[1]):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        axes = (int(rng.integers(8, 50)), int(rng.integers(8, 40)))
        colour = tuple(int(v) for v in rng.integers(30, 230, 3))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        cv2.ellipse(picture, centre, axes, 0, 0, 360, (20, 15, 25), 1, cv2.LINE_AA)
    return picture


def figure(picture, x, y=110.0, mouth=0):
    """A figure at a place given in parts of a pixel, with its mouth more or less open."""

    def oval(dx, dy, a, b, colour):
        centre, axes = (round((x + dx) * 16), round((y + dy) * 16)), (round(a * 16), round(b * 16))
        cv2.ellipse(out, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA, 4)
        cv2.ellipse(out, centre, axes, 0, 0, 360, (20, 15, 25), 1, cv2.LINE_AA, 4)

    out = picture.copy()
    oval(0, 30, 20, 26, (200, 60, 60))
    oval(0, -8, 17, 18, (240, 205, 180))
    oval(0, 1, 5, 0.6 + mouth, (90, 20, 30))
    return out


def noisy(frames, grain=0.0, flicker=0.0, seed=0):
    rng = np.random.default_rng(seed)
    for frame in frames:
        work = frame * (1 + rng.normal(0, flicker)) + rng.normal(0, grain, frame.shape[:2])[..., None]
        yield np.clip(work + 0.5, 0, 255).astype(np.uint8)


def planes(frame):
    """Luma at full and chroma at half size, as a decoder gives them."""
    luma, cr, cb = cv2.split(cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb))
    half = (frame.shape[1] // 2, frame.shape[0] // 2)
    return luma, *(cv2.resize(plane, half, interpolation=cv2.INTER_AREA) for plane in (cb, cr))


def decided(frames, rate=24, **options):
    measurer = Measurer()
    measurements = Measurements(
        measurer.add(frame[0], frame[1:]) if isinstance(frame, tuple) else measurer.add(frame)
        for frame in frames
    )
    times = [Fraction(n, rate) for n in range(len(measurements))]
    return decide(measurements, times, [Fraction(1, rate)] * len(times), **options)


def firsts(runs):
    return [run.first for run in runs]


NOISE = [(0.0, 0.0), (3.0, 0.0), (0.0, 0.02), (3.0, 0.02), (6.0, 0.0)]


@pytest.mark.parametrize(("grain", "flicker"), NOISE)
def test_a_still_shot_is_one_drawing(grain, flicker):
    shots, drawings = decided(noisy([figure(stage(), 150)] * 40, grain, flicker))
    assert firsts(drawings) == [0]
    assert [shot.cadence for shot in shots] == [0]


@pytest.mark.parametrize(("grain", "flicker"), NOISE)
@pytest.mark.parametrize("cadence", [1, 2, 3])
def test_cadence_is_found(cadence, grain, flicker):
    ground = stage(1)
    frames = [figure(ground, 60 + 3.0 * (n // cadence)) for n in range(48)]
    shots, drawings = decided(noisy(frames, grain, flicker))
    assert firsts(drawings) == list(range(0, 48, cadence))
    assert [shot.cadence for shot in shots] == [cadence]


def unevenly_lit(picture, count, seed, amount=0.02):
    """What poor coding makes of flicker: blocks get the light of a frame, or keep what they had."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    shown = picture.copy()
    for _ in range(count):
        lit = np.clip(picture * (1 + rng.normal(0, amount)) + 0.5, 0, 255).astype(np.uint8)
        renewed = np.kron(rng.random((-(-height // 16), -(-width // 16))) < 0.6, np.ones((16, 16), bool))
        shown = np.where(renewed[:height, :width, None], lit, shown)
        yield shown


def test_a_drawing_in_uneven_flicker_is_held():
    """Of twelve drawings that stand still, the light makes few look new."""
    found = 0
    for seed in range(12):
        picture = cv2.resize(figure(stage(seed), 150), (480, 272), interpolation=cv2.INTER_CUBIC)
        found += len(decided(unevenly_lit(picture, 24, seed))[1])
    assert found <= 18


def poorly_coded(picture):
    """As an intra coder leaves it: 8 by 8 blocks, coarse."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("size", [(90, 160), (128, 192)])
def test_held_drawings_of_a_small_picture_stay_whole_when_its_light_alternates(size):
    height, width = size
    grain = np.random.default_rng(0).normal(0, 25, (height // 2, width // 2, 3))
    texture = 128 + cv2.resize(grain, (width, height))
    frames = []
    for number in range(24):
        drawn = texture.copy()
        cv2.circle(drawn, (30 + 8 * (number // 3), height // 2), height // 6, (200, 80, 60), -1)
        lit = drawn * (1.02 if number % 2 else 0.98)
        frames.append(poorly_coded(np.clip(lit + 0.5, 0, 255).astype(np.uint8)))
    assert firsts(decided(frames)[1]) == list(range(0, 24, 3))


def test_a_slow_pan_of_a_small_picture_is_seen():
    grain = np.random.default_rng(0).normal(0, 25, (60, 120, 3))
    ground = cv2.GaussianBlur(128 + cv2.resize(grain, (240, 120)), (0, 0), 1.5)
    frames = []
    for number in range(16):
        view = cv2.warpAffine(
            ground, np.array([[1, 0, -0.25 * number], [0, 1, 0]]), (160, 90), flags=cv2.INTER_LINEAR
        )
        frames.append(np.clip(view + 0.5, 0, 255).astype(np.uint8))
    assert firsts(decided(frames)[1]) == list(range(16))


def test_cadence_changes_inside_a_shot():
    ground = stage(2)
    places = [n // 2 for n in range(24)] + [12 + n for n in range(24)] + [36 + n // 3 for n in range(24)]
    shots, drawings = decided(noisy([figure(ground, 40 + 2.0 * p) for p in places], 2.0))
    assert firsts(drawings) == [0, *(n for n in range(1, 72) if places[n] != places[n - 1])]
    assert len(shots) == 1


@pytest.mark.parametrize(("grain", "flicker"), NOISE[:4])
def test_a_mouth_is_a_drawing(grain, flicker):
    """A mouth of ten pixels by two to eight, 4 % of the figure, opens and shuts on threes."""
    mouths = [(n // 3) % 2 * 3 for n in range(48)]
    frames = [figure(stage(3), 150, mouth=m) for m in mouths]
    _, drawings = decided(noisy(frames, grain, flicker))
    assert firsts(drawings) == list(range(0, 48, 3))


def test_a_small_mouth_in_full_hd():
    ground = cv2.resize(stage(4), (1920, 1080), interpolation=cv2.INTER_CUBIC)
    open_mouth = ground.copy()
    cv2.ellipse(open_mouth, (900, 500), (5, 3), 0, 0, 360, (70, 20, 30), -1, cv2.LINE_AA)
    frames = [(ground, open_mouth)[(n // 4) % 2] for n in range(16)]
    _, drawings = decided(noisy(frames, 2.0))
    assert firsts(drawings) == [0, 4, 8, 12]


@pytest.mark.parametrize("speed", [0.25, 1.0, 6.0])
def test_every_frame_of_a_pan_is_distinct(speed):
    """A pan over a held figure: nothing is drawn anew, and every frame is a new picture."""
    wide = stage(5, width=640)

    def view(n):
        matrix = np.array([[1, 0, 10 + speed * n], [0, 1, 0]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return figure(cv2.warpAffine(wide, matrix, SIZE[::-1], flags=flags), 150)

    shots, drawings = decided(noisy([view(n) for n in range(40)], 1.5))
    assert firsts(drawings) == list(range(40))
    assert [(shot.first, shot.cadence) for shot in shots] == [(0, 1)]


def test_a_slow_drift_is_not_merged_away():
    """A twentieth of a pixel a frame shows in no pair, and adds up."""
    ground = stage(6)
    _, drawings = decided([figure(ground, 120 + 0.05 * n) for n in range(60)])
    assert len(drawings) >= 3


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("kind", ["white", "bright", "negative"])
def test_a_flash_is_no_cut(kind, length):
    ground = stage(7)
    frames = [figure(ground, 100 + 2.0 * (n // 2)) for n in range(40)]
    for n in range(20, 20 + length):
        frames[n] = {
            "white": np.full_like(frames[n], 255),
            "bright": cv2.convertScaleAbs(frames[n], alpha=1.6, beta=70),
            "negative": 255 - frames[n],
        }[kind]
    shots, drawings = decided(noisy(frames, 2.0))
    assert firsts(shots) == [0]
    assert {20, 20 + length} <= set(firsts(drawings))
    assert {n for d in drawings if d.flash for n in range(d.first, d.last + 1)} == set(range(20, 20 + length))


def test_cuts_between_scenes_and_after_a_hold():
    scenes = [[figure(stage(8), 100)] * 30, [figure(stage(9), 80 + 4.0 * n) for n in range(12)]]
    scenes.append([figure(stage(10), 60 + 2.0 * (n // 2)) for n in range(24)])
    shots, drawings = decided(noisy([frame for scene in scenes for frame in scene], 2.0, 0.01))
    assert firsts(shots) == [0, 30, 42]
    assert [shot.cadence for shot in shots] == [0, 1, 2]
    assert {30, 42} <= set(firsts(drawings))


def recoloured(picture, degrees):
    """The picture in other colours of the same luma."""
    ycc = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    ycc[..., 1:] = (ycc[..., 1:] - 128) @ turn.T + 128
    return cv2.cvtColor(np.clip(ycc + 0.5, 0, 255).astype(np.uint8), cv2.COLOR_YCrCb2RGB)


@pytest.mark.parametrize(("grain", "flicker"), NOISE[:4])
def test_a_change_of_colour_alone_is_a_drawing(grain, flicker):
    """A coat of another colour and the same luma."""
    still = figure(stage(3), 150)
    coat = still.copy()
    coat[115:160, 132:168] = recoloured(still[115:160, 132:168], 60)
    luma = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(int) for f in (still, coat)]
    assert np.abs(luma[0] - luma[1]).max() <= 2
    frames = [(still, coat)[(n // 4) % 2] for n in range(48)]
    shots, drawings = decided(noisy(frames, grain, flicker))
    assert firsts(drawings) == list(range(0, 48, 4))
    assert firsts(shots) == [0]


def hills(shift, sky, trees):
    """Hills of one shape and colour, a caption, and a sky; luma tells little of it."""
    picture = np.full((*SIZE, 3), sky, np.uint8)
    columns = np.arange(SIZE[1])
    for level, colour in ((70, (150, 176, 196)), (105, (122, 160, 128)), (140, (98, 138, 92))):
        edge = level + 12 * np.sin((columns + shift) * 0.022 + level)
        line = np.stack([columns, edge], 1).round().astype(np.int32)
        corners = np.array([[SIZE[1], SIZE[0]], [0, SIZE[0]]], np.int32)
        cv2.fillPoly(picture, [np.concatenate([line, corners])], colour, cv2.LINE_AA)
        cv2.polylines(picture, [line], False, (38, 28, 34), 1, cv2.LINE_AA)
    for x in trees:
        cv2.ellipse(picture, (x, 105), (18, 24), 0, 0, 360, (92, 146, 96), -1, cv2.LINE_AA)
    cv2.putText(picture, "a caption that stays", (60, 172), cv2.FONT_HERSHEY_DUPLEX, 0.5, (250, 250, 240))
    return picture


def test_a_cut_that_luma_hardly_shows():
    """The same hills, caption and lightness under a sky of another colour."""
    day, evening = (206, 226, 238), (238, 214, 190)
    frames = [figure(hills(0, day, ()), 60 + 3.0 * (n // 2)) for n in range(24)]
    frames += [hills(120 + 2 * n, evening, (40, 120, 200, 280)) for n in range(24)]
    shots, _ = decided(noisy(frames, 1.0))
    assert firsts(shots) == [0, 24]


def test_the_demo_clip():
    """Cuts, cadence and hold of the demo's own film are what it was drawn with."""
    from nakawari.pipeline.demo_clip import SHOTS, pictures

    shots, drawings = decided(pictures())
    walk, pan, _ = SHOTS
    assert [(shot.first, shot.cadence) for shot in shots] == [(0, 2), (walk, 1), (walk + pan, 2)]
    assert (126, 157) in [(drawing.first, drawing.last) for drawing in drawings]


def test_a_cut_between_like_palettes():
    """The same set and colours from another side."""
    ground = stage(11)
    near = cv2.resize(ground[40:140, 60:238], SIZE[::-1], interpolation=cv2.INTER_LINEAR)
    frames = [figure(ground, 100)] * 20 + [figure(near, 180, 120)] * 20
    shots, _ = decided(noisy(frames, 1.0))
    assert firsts(shots) == [0, 20]


def test_a_fast_pan_is_no_cut():
    wide = stage(12, width=1600)
    frames = [figure(np.ascontiguousarray(wide[:, 30 * n : 30 * n + 320]), 150) for n in range(40)]
    shots, _ = decided(frames)
    assert firsts(shots) == [0]


def test_cuts_are_off_or_given():
    frames = [stage(13)] * 10 + [stage(14)] * 10
    assert firsts(decided(frames)[0]) == [0, 10]
    shots, drawings = decided(frames, cuts="off")
    assert (firsts(shots), firsts(drawings)) == ([0], [0, 10])
    shots, drawings = decided(frames, cuts=[5, 10, 15])
    assert firsts(shots) == firsts(drawings) == [0, 5, 10, 15]
    with pytest.raises(PlanError):
        decided(frames, cuts=[20])
    with pytest.raises(PlanError):
        decided(frames, cuts="auot")


def test_kinds_of_frames_agree():
    """uint8 and uint16, RGB and its luma, odd and tiny sizes."""
    frames = [figure(stage(15), 60 + 3.0 * (n // 2)) for n in range(16)]
    expected = firsts(decided(frames)[1])
    assert expected == list(range(0, 16, 2))
    assert firsts(decided([f.astype(np.uint16) * 257 for f in frames])[1]) == expected
    assert firsts(decided([cv2.cvtColor(f, cv2.COLOR_RGB2GRAY) for f in frames])[1]) == expected
    assert firsts(decided([planes(f) for f in frames])[1]) == expected
    wide = [tuple(p.astype(np.uint16) * 257 for p in planes(f)) for f in frames]
    assert firsts(decided(wide)[1]) == expected
    assert firsts(decided([f[:179, :319] for f in frames])[1]) == expected
    for height, width in ((1, 1), (3, 200), (17, 5)):
        tiny = [np.full((height, width, 3), 40 + 150 * (n // 4 % 2), np.uint8) for n in range(8)]
        assert firsts(decided(tiny)[1])[0] == 0


def test_one_frame():
    shots, drawings = decided([stage()])
    assert [(s.first, s.last, s.cadence) for s in shots] == [(0, 0, 0)]
    assert [(d.first, d.last) for d in drawings] == [(0, 0)]


@pytest.mark.parametrize(
    "frame",
    [np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(frame):
    with pytest.raises(ShapeError):
        Measurer().add(frame)


@pytest.mark.parametrize(
    ("frame", "chroma"),
    [
        (np.zeros((8, 8, 3), np.uint8), [np.zeros((4, 4), np.uint8)] * 2),
        (np.zeros((8, 8), np.uint8), [np.zeros((4, 4), np.uint8)]),
        (np.zeros((8, 8), np.uint8), [np.zeros((4, 4), np.float32)] * 2),
        (np.zeros((8, 8), np.uint8), [np.zeros((4, 0), np.uint8)] * 2),
    ],
)
def test_other_chroma_is_refused(frame, chroma):
    with pytest.raises(ShapeError):
        Measurer().add(frame, chroma)


def test_a_change_of_size_is_refused():
    measurer = Measurer()
    measurer.add(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(ShapeError):
        measurer.add(np.zeros((8, 9, 3), np.uint8))
