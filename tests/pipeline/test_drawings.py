"""Drawings found on the way are those that are found in the whole clip."""

from fractions import Fraction

import numpy as np

from nakawari.data.cartoon import write
from nakawari.data.cartoon.render import render
from nakawari.pipeline.drawings import DrawingFinder
from nakawari.timeline.detect import decide
from nakawari.timeline.measure import Measurer
from nakawari.timeline.measurements import Measurements
from nakawari.video.frames import Colour, Frame
from nakawari.video.planes import planes

SIZE = (48, 80)


def film(seed: int, shots: int) -> list[Frame]:
    """Shots of 1 to 150 frames, on ones to threes, with holds and flashes, and some grain."""
    rng = np.random.default_rng(seed)
    pictures: list[np.ndarray] = []
    for number in range(shots):
        scene = write(seed, number, SIZE, graded=False)
        drawn = [render([scene], [t])[0].framet.permute(1, 2, 0).numpy() for t in np.linspace(0, 1, 5)]
        cadence = int(rng.integers(1, 4))
        length = int(rng.choice((1, 3, 6, 12, 30, 150), p=(0.1, 0.1, 0.2, 0.3, 0.25, 0.05)))
        for frame in range(length):
            picture = drawn[min((frame // cadence) % 9, 4)]
            pictures.append(np.full_like(picture, 255) if rng.random() < 0.01 else picture)
    noise = rng.normal(0, 1.5, (4, *SIZE, 3))
    moment = Fraction(1, 24)
    return [
        Frame(n, n * moment, moment, np.clip(p + noise[n % 4], 0, 255).astype(np.uint8), Colour())
        for n, p in enumerate(pictures)
    ]


def test_a_window_decides_as_the_whole_does() -> None:
    frames = film(1, 20)
    finder, measurer = DrawingFinder(), Measurer()
    found, most = [], 0
    for frame in frames:
        found += finder.add(frame)
        most = max(most, len(finder._frames))
    found += finder.finish()
    whole = Measurements(measurer.add(*planes(frame)) for frame in frames)
    shots, drawings = decide(whole, [f.pts for f in frames], [f.duration for f in frames])
    assert len(shots) > 10
    assert [(d.frame.index, d.flash) for d in found] == [(d.first, d.flash) for d in drawings]
    assert list(dict.fromkeys(d.shot for d in found)) == [shot.first for shot in shots]
    assert most < 150


def test_an_empty_clip_has_none() -> None:
    assert list(DrawingFinder().finish()) == []
