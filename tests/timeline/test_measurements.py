"""What was measured of many frames is kept in columns, and read back as it was."""

import pickle
import tracemalloc

import numpy as np

from nakawari.timeline.measure import Measurer
from nakawari.timeline.measurements import Measurements


def measured():
    """A still frame, a shot, a flash, and the shot again."""
    rng = np.random.default_rng(1)
    shot, flash = rng.integers(0, 255, (2, 90, 160), np.uint8)
    measurer = Measurer()
    return [measurer.add(frame) for frame in (shot, shot, flash, shot, np.roll(shot, 3), flash)]


def test_columns_are_what_was_measured():
    rows = measured()
    assert {len(row.novelty) for row in rows} >= {0, 1, 2}
    kept = Measurements(rows)
    assert len(kept) == len(rows)
    assert kept.evidence.tolist() == [row.previous.evidence for row in rows]
    assert kept.drifted.tolist() == [row.anchor.evidence for row in rows]
    assert kept.anchors.tolist() == [row.anchor_index for row in rows]
    assert kept.slides.tolist() == [list(row.previous.slide) for row in rows]
    assert [tuple(kept.novelty(n)) for n in range(len(rows))] == [row.novelty for row in rows]
    assert kept.new.tolist() == [row.novelty[0] if row.novelty else 0 for row in rows]
    assert kept.looked_back() == [n for n, row in enumerate(rows) if len(row.novelty) > 1]


def test_a_run_of_frames_is_numbered_anew():
    kept = Measurements(measured())
    part = kept[2:5]
    assert part.evidence.tolist() == kept.evidence[2:5].tolist()
    assert part.anchors.tolist() == [anchor - 2 for anchor in kept.anchors[2:5]]
    assert len(kept[3:3]) == 0


def test_a_frame_takes_less_than_a_hundred_bytes():
    rows = [pickle.dumps(row) for row in measured()]

    def taken(count):
        tracemalloc.start()
        kept = Measurements(pickle.loads(rows[number % len(rows)]) for number in range(count))
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(kept) == count
        return held

    taken(2200)  # what Python keeps of small objects for later is full then
    assert taken(3200) - taken(2200) < 1000 * 100
