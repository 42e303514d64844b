"""The demo's own little film: cartoon figures on twos, a pan on ones, a hard cut, a long hold, a caption.

Drawn with OpenCV at twice the size and shrunk, so that lines are smooth. Every picture is a pure
function of the frame number, so the true picture between two drawings can be drawn as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Point = tuple[float, float]

RATE = Fraction(24)
WIDTH, HEIGHT = 640, 360
SHOTS = (60, 48, 60)
"""Frames of the walk on twos, of the pan on ones, of the close-up with its long hold."""
FRAMES = sum(SHOTS)
HOLD = (18, 48)
"""Frames of the close-up between which nothing at all moves."""

_SCALE = 2
_INK = (38, 28, 34)


@dataclass(slots=True)
class _Canvas:
    """Outlined, anti-aliased shapes in picture coordinates; colours are RGB."""

    pixels: Array
    mirror: float | None = None
    """Shapes are mirrored about this column while it is set."""

    def _path(self, points: list[Point]) -> Array:
        """OpenCV's fixed-point coordinates (4 bits of fraction) of picture coordinates."""
        if self.mirror is not None:
            points = [(2 * self.mirror - x, y) for x, y in points]
        return np.array([[round(x * _SCALE * 16), round(y * _SCALE * 16)] for x, y in points], np.int32)

    def fill(self, points: list[Point], colour: tuple[int, int, int], line: float = 2.4) -> None:
        import cv2

        polygon = self._path(points)
        cv2.fillPoly(self.pixels, [polygon], colour, cv2.LINE_AA, 4)
        if line:
            cv2.polylines(self.pixels, [polygon], True, _INK, round(line * _SCALE), cv2.LINE_AA, 4)

    def oval(
        self, centre: Point, radii: Point, colour: tuple[int, int, int], line: float = 2.4, turn: float = 0.0
    ) -> None:
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        c, s = math.cos(turn), math.sin(turn)
        points = [
            (
                centre[0] + radii[0] * math.cos(a) * c - radii[1] * math.sin(a) * s,
                centre[1] + radii[0] * math.cos(a) * s + radii[1] * math.sin(a) * c,
            )
            for a in angles
        ]
        self.fill(points, colour, line)

    def limb(self, joints: list[Point], width: float, colour: tuple[int, int, int]) -> None:
        import cv2

        path = self._path(joints)
        for grow, shade in ((2.4, _INK), (0.0, colour)):
            thick = max(1, round((width + 2 * grow) * _SCALE))
            cv2.polylines(self.pixels, [path], False, shade, thick, cv2.LINE_AA, 4)

    def text(self, words: str, left_bottom: Point, size: float) -> None:
        import cv2

        place = (round(left_bottom[0] * _SCALE), round(left_bottom[1] * _SCALE))
        for thick, shade in ((8, (20, 20, 20)), (2, (250, 250, 240))):
            cv2.putText(
                self.pixels, words, place, cv2.FONT_HERSHEY_DUPLEX, size * _SCALE, shade, thick, cv2.LINE_AA
            )


def picture(frame: float) -> Array:
    """The film at a frame number (whole or between), H×W×3 uint8, as if every drawing were on ones."""
    import cv2

    canvas = _Canvas(np.zeros((HEIGHT * _SCALE, WIDTH * _SCALE, 3), np.uint8))
    walk, pan, _ = SHOTS
    if frame < walk:
        _walk(canvas, frame)
    elif frame < walk + pan:
        _pan(canvas, frame - walk)
    else:
        _close_up(canvas, frame - walk - pan)
    return cv2.resize(canvas.pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def pictures() -> Iterator[Array]:
    """The film's frames, with the figures on twos (the pan moves on ones)."""
    walk, pan, _ = SHOTS
    for frame in range(FRAMES):
        on_ones = walk <= frame < walk + pan
        yield picture(frame if on_ones else frame - frame % 2)


def _background(canvas: _Canvas, shift: float, sky: tuple[int, int, int]) -> None:
    canvas.pixels[:] = sky
    for layer, (height, speed, colour) in enumerate(
        ((0.42, 0.4, (150, 176, 196)), (0.6, 0.7, (122, 160, 128)), (0.8, 1.0, (98, 138, 92)))
    ):
        xs = np.arange(-8, WIDTH + 9, 8.0)
        ys = [
            HEIGHT * height
            + 26 * math.sin((x + shift * speed) * 0.011 + layer * 2)
            + 9 * math.sin((x + shift * speed) * 0.037 + layer)
            for x in xs
        ]
        hill = [(-10.0, HEIGHT + 10.0), *zip(xs.tolist(), ys, strict=True), (WIDTH + 10.0, HEIGHT + 10.0)]
        canvas.fill(hill, colour, 1.6)


def _figure(canvas: _Canvas, foot: Point, phase: float, shirt: tuple[int, int, int]) -> None:
    """A walker whose feet stand near `foot`; `phase` in turns of its step."""
    swing = math.sin(phase * 2 * math.pi)
    bob = 3 * abs(math.cos(phase * 2 * math.pi))
    x, y = foot[0], foot[1] - bob
    hip, neck = (x, y - 62), (x + 3, y - 112)
    skin, trousers, hair = (247, 212, 184), (66, 78, 120), (92, 58, 44)

    def arm(side: float) -> None:
        elbow = (neck[0] + side * swing * 20, neck[1] + 30)
        hand = (elbow[0] + side * swing * 16 + 8, elbow[1] + 22 - 8 * abs(swing))
        canvas.limb([(neck[0], neck[1] + 8), elbow], 9, shirt)
        canvas.limb([elbow, hand], 7, skin)
        canvas.oval(hand, (6, 6), skin, 2)

    def leg(side: float) -> None:
        knee = (hip[0] + side * swing * 20 + 4, hip[1] + 30)
        ankle = (
            knee[0] + side * swing * 14 - 4 * max(0.0, side * swing),
            foot[1] - 8 * max(0.0, -side * swing),
        )
        canvas.limb([hip, knee, ankle], 11, trousers)
        canvas.oval((ankle[0] + 5, ankle[1]), (10, 5), (60, 40, 40), 2)

    arm(-1)
    leg(-1)
    leg(1)
    canvas.fill([(x - 15, y - 58), (x + 15, y - 58), (x + 18, y - 110), (x - 12, y - 112)], shirt)
    arm(1)
    head = (neck[0] + 2, neck[1] - 24 + bob * 0.4)
    canvas.fill(
        [(head[0] - 30 - 5 * swing, head[1] + 24), (head[0] - 8, head[1] - 26), (head[0], head[1] + 12)], hair
    )
    canvas.oval(head, (24, 25), skin)
    canvas.fill(
        [(head[0] - 26, head[1] + 4), (head[0] - 18, head[1] - 24), (head[0] + 8, head[1] - 31),
         (head[0] + 27, head[1] - 12), (head[0] + 12, head[1] - 13), (head[0] - 2, head[1] - 2),
         (head[0] - 8, head[1] - 12)],
        hair,
    )  # fmt: skip
    for eye in (6, 18):
        canvas.oval((head[0] + eye, head[1] + 2), (3.2, 5.5), (40, 30, 60), 0)
        canvas.oval((head[0] + eye + 1, head[1]), (1.2, 1.8), (255, 255, 255), 0)
    canvas.limb([(head[0] + 8, head[1] + 14), (head[0] + 15, head[1] + 14)], 0.4, (120, 40, 40))


def _caption(canvas: _Canvas) -> None:
    canvas.text("every second picture is drawn by nobody", (118, 344), 0.5)


def _walk(canvas: _Canvas, frame: float) -> None:
    _background(canvas, 0.0, (206, 226, 238))
    canvas.oval((540, 60), (32, 32), (255, 236, 150), 1.8)
    _figure(canvas, (60 + frame * 7.5, 318), frame / 24, (214, 84, 80))
    canvas.mirror = 640 - frame * 5.0
    _figure(canvas, (canvas.mirror, 326), frame / 20, (90, 150, 204))
    canvas.mirror = None
    _caption(canvas)


def _pan(canvas: _Canvas, frame: float) -> None:
    shift = frame * 6.0
    _background(canvas, shift + 300, (238, 214, 190))
    for tree in range(9):
        x = tree * 150 - shift * 1.3 + 90
        canvas.limb([(x, 320), (x, 236)], 12, (112, 84, 64))
        canvas.oval((x, 205), (44, 52), (92, 146, 96), 2.2)
        canvas.oval((x - 12, 190), (20, 22), (120, 172, 118), 0)
    _caption(canvas)


def _close_up(canvas: _Canvas, frame: float) -> None:
    first, last = HOLD
    still = min(frame, first) + max(0.0, frame - last)
    canvas.pixels[:] = (226, 214, 236)
    for ray in range(14):
        a = ray / 14 * 2 * math.pi
        canvas.fill(
            [(320, 190), (320 + 600 * math.cos(a), 190 + 600 * math.sin(a)),
             (320 + 600 * math.cos(a + 0.2), 190 + 600 * math.sin(a + 0.2))],
            (238, 228, 246), 0,
        )  # fmt: skip
    tilt = 0.16 * math.sin(still * 0.2)
    cx, cy = 320 + 40 * math.sin(still * 0.2), 190 + 10 * math.cos(still * 0.23)
    hair, skin = (58, 70, 128), (250, 218, 194)
    canvas.oval((cx, cy + 12), (126, 132), hair, 3, tilt)
    canvas.oval((cx, cy + 16), (98, 104), skin, 3, tilt)
    c, s = math.cos(tilt), math.sin(tilt)

    def place(x: float, y: float) -> Point:
        return (cx + x * c - y * s, cy + x * s + y * c)

    for side in (-1, 1):
        canvas.oval(place(side * 40, 14), (17, 24), (255, 255, 255), 2.4, tilt)
        canvas.oval(place(side * 40 + 3, 17), (10, 16), (70, 120, 90), 1.4, tilt)
        canvas.oval(place(side * 40 + 6, 10), (4, 5), (255, 255, 255), 0)
        canvas.limb([place(side * 58, -26), place(side * 26, -30)], 1.6, _INK)
    mouth = 4 + 9 * abs(math.sin(still * 0.35))
    canvas.oval(place(0, 74), (20, mouth), (176, 70, 76), 2.4, tilt)
    fringe = [place(x, y) for x, y in (
        (-112, 20), (-104, -70), (-40, -112), (40, -112), (104, -70), (112, 20),
        (78, -34), (58, -14), (34, -52), (4, -22), (-20, -54), (-52, -12), (-74, -36),
    )]  # fmt: skip
    canvas.fill(fringe, hair, 3)
    wave = 12 * math.sin(still * 0.3)
    canvas.fill([place(-118, 30), place(-96, 60), place(-108 - wave, 190), place(-150 - wave, 170)], hair, 3)
    canvas.fill([place(118, 30), place(96, 60), place(108 - wave, 190), place(150 - wave, 170)], hair, 3)
    _caption(canvas)


def write_clip(path: Path, frames: int = FRAMES) -> None:
    """Write the film's first `frames` frames with a tone as sound: h264 and aac."""
    import av

    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": "16"}
        video.codec_context.colorspace, video.codec_context.color_range = 1, 1  # bt709, limited
        video.codec_context.color_primaries, video.codec_context.color_trc = 1, 1
        sound = container.add_stream("aac", rate=48000)
        sound.layout = "mono"
        for number, pixels in enumerate(islice(pictures(), frames)):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
            picture.pts, picture.time_base = number, 1 / RATE
            container.mux(video.encode(picture))
            container.mux(sound.encode(_tone(number)))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))


def _tone(frame: int) -> Any:
    """The sound of one frame: a quiet tone that changes its pitch with the shot."""
    import av

    samples = 48000 // int(RATE)
    shot = sum(frame >= end for end in np.cumsum(SHOTS)[:-1])
    moment = (frame * samples + np.arange(samples)) / 48000
    wave = (0.12 * np.sin(2 * math.pi * (220.0, 277.2, 329.6)[shot] * moment)).astype(np.float32)
    sound = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    sound.sample_rate, sound.pts, sound.time_base = 48000, frame * samples, Fraction(1, 48000)
    return sound
