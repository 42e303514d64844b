"""A plan as text: made piece by piece, read row by row."""

import json
import tracemalloc
from fractions import Fraction

import pytest

from nakawari.errors import PlanError
from nakawari.timeline.plan import Drawing, Plan, Reason, Shot, Slot
from nakawari.timeline.plan_json import pieces

RATE = Fraction(60000, 1001)


def film(count):
    """Two frames a drawing, five output frames each."""
    slots = [
        Slot(n / RATE, n // 5 * 2, None, None, Reason.SOURCE)
        if n % 5 == 0
        else Slot(n / RATE, n // 5 * 2, n // 5 * 2 + 2, Fraction(n % 5, 5), Reason.BETWEEN)
        for n in range(count)
    ]
    last = slots[-1].source + 2
    drawings = tuple(Drawing(n, n + 1) for n in range(0, last + 1, 2))
    return Plan("in.mkv", RATE, (Shot(0, last + 1, 2),), drawings, tuple(slots))


def test_a_long_plan_is_written_in_pieces_and_read_without_its_rows():
    plan = film(3000)
    text = plan.to_json()
    assert json.loads(text) == plan.to_dict()
    assert len(text.splitlines()) > 3000
    tracemalloc.start()
    assert sum(len(piece) for piece in pieces(plan)) == len(text)
    writing = tracemalloc.get_traced_memory()[1]
    read = Plan.from_json(text)
    reading = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == plan
    assert writing < 20_000, "bytes, of any length"
    assert reading < 600 * len(plan.slots), "bytes a row, the slots themselves and their list included"


def test_what_looks_like_a_slot_is_none_elsewhere():
    plan = film(5)
    values = plan.to_dict()
    row = values["slots"][1]
    for broken in (
        row,
        {**values, "shots": [row]},
        {**values, "drawings": [row]},
        {**values, "clip": row},
        {**values, "options": row},
        {**values, "slots": [*values["slots"], {**row, "t": "1/0"}]},
        {**values, "slots": [*values["slots"], [row]]},
    ):
        with pytest.raises(PlanError):
            Plan.from_json(json.dumps(broken))
