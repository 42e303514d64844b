"""Edits keep a reading whole, undo each other, and lay out like any other reading."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nakawari.errors import PlanError
from nakawari.timeline.edit import (
    Reading,
    along,
    bend,
    check_spacing,
    restore,
    set_cadence,
    set_cut,
    set_drawing,
)
from nakawari.timeline.plan import Drawing, Reason, Shot
from nakawari.timeline.retime import lay

RATE = Fraction(24)


def reading(count: int = 48, step: int = 2) -> Reading:
    times = tuple(k / RATE for k in range(count))
    firsts = range(0, count, step)
    drawings = tuple(Drawing(first, min(first + step, count) - 1) for first in firsts)
    return Reading(times, (1 / RATE,) * count, (Shot(0, count - 1, step),), drawings)


def plan(seen: Reading, **words: object):  # type: ignore[no-untyped-def]
    return lay(seen.times, seen.durations, seen.shots, seen.drawings, rate=Fraction(60), **words)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("cdk"), st.integers(0, 50), st.integers(0, 6)), max_size=12))
def test_any_edits_leave_a_whole_reading(edits: list[tuple[str, int, int]]) -> None:
    seen = reading()
    for kind, frame, value in edits:
        try:
            if kind == "c":
                seen = set_cut(seen, frame, bool(value % 2))
            elif kind == "d":
                seen = set_drawing(seen, frame, bool(value % 2))
            else:
                seen = set_cadence(seen, frame % len(seen.shots), value)
        except PlanError:
            continue
    plan(seen).check(len(seen.times))  # lay refuses gaps and drawings that cross a cut


def test_a_cut_comes_and_goes() -> None:
    seen = set_cut(reading(), 13, True)
    assert [(s.first, s.last) for s in seen.shots] == [(0, 12), (13, 47)]
    assert any(d.first == 13 for d in seen.drawings)
    assert not any(s.target and s.source < 13 <= s.target for s in plan(seen).slots)
    back = set_drawing(set_cut(seen, 13, False), 13, False)
    assert back == reading()


def test_cadence_regroups_and_spares_holds() -> None:
    seen = reading(48, 1)
    for frame in range(11, 30):
        seen = set_drawing(seen, frame, False)
    threes = set_cadence(seen, 0, 3)
    assert Drawing(10, 29) in threes.drawings
    assert {d.last - d.first + 1 for d in threes.drawings if d.first >= 30} == {3}
    assert restore(threes, 0, seen) == seen


def test_refusals() -> None:
    seen = set_cut(reading(), 12, True)
    for frame in (0, 48, -1):
        with pytest.raises(PlanError, match="not one of"):
            set_cut(seen, frame, True)
    with pytest.raises(PlanError, match="already"):
        set_cut(seen, 12, True)
    with pytest.raises(PlanError, match="remove the cut"):
        set_drawing(seen, 12, False)
    with pytest.raises(PlanError, match="cadence"):
        set_cadence(seen, 0, 0)


def test_charts_bend_and_stay_between() -> None:
    chart = check_spacing(((Fraction(1, 2), Fraction(1, 5)),))
    assert along(chart, Fraction(1, 4)) == Fraction(1, 10)
    assert along(chart, Fraction(3, 4)) == Fraction(3, 5)
    plain = plan(reading())
    bent = bend(plain.slots, {10: chart})
    for slot, was in zip(bent, plain.slots, strict=True):
        assert (slot.t != was.t) == (was.target == 10)
    with pytest.raises(PlanError, match="rise"):
        check_spacing(((Fraction(1, 2), Fraction(1)),))


def test_a_person_says_what_is_a_hold() -> None:
    seen = reading()
    for frame in (10, 12, 14):
        seen = set_drawing(seen, frame, False)

    def still(**words: object) -> int:
        return sum(s.reason is Reason.HOLD for s in plan(seen, **words).slots if 8 <= s.source < 16)

    assert still() > 5
    assert still(held={8: False}) == 0
    assert still(hold_max=Fraction(9), held={8: True}) == still()


def test_a_shot_alone_has_the_slots_that_it_has_in_the_whole() -> None:
    seen = set_cut(reading(), 13, True)
    whole = plan(seen).slots
    got = []
    for shot in seen.shots:
        part = slice(shot.first, shot.last + 1)
        own = [Drawing(d.first - shot.first, d.last - shot.first) for d in seen.inside(shot)]
        alone = lay(
            seen.times[part], seen.durations[part], [Shot(0, shot.last - shot.first, shot.cadence)], own,
            rate=Fraction(60), origin=seen.times[0],
        )  # fmt: skip
        got += [(s.pts, s.source + shot.first, s.t) for s in alone.slots]
    assert got == [(s.pts, s.source, s.t) for s in whole]
