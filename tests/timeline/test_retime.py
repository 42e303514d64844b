"""The plan's arithmetic, as properties of any clock, any drawings and any rate."""

from bisect import bisect_right
from fractions import Fraction
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import InputError, PlanError
from nakawari.timeline.cadence import hold_limit, shot_cadence
from nakawari.timeline.plan import Drawing, Plan, Reason, Shot
from nakawari.timeline.retime import lay, target_rate

RATES = [Fraction(24000, 1001), Fraction(24), Fraction(25), Fraction(10), Fraction(30000, 1001)]
TARGETS = [Fraction(60), Fraction(60000, 1001), Fraction(48), Fraction(50), Fraction(75)]


def shots_of(times, durations, cuts, drawings):
    bounds = [0, *cuts, len(times)]
    inside = [[d for d in drawings if a <= d.first < b] for a, b in pairwise(bounds)]
    return tuple(
        Shot(a, b - 1, shot_cadence(times, durations, own))
        for (a, b), own in zip(pairwise(bounds), inside, strict=True)
    )


@st.composite
def movies(draw):
    """Times, durations, shots and drawings of any film, of constant or variable rate."""
    count = draw(st.integers(1, 60))
    start = draw(st.sampled_from([Fraction(0), Fraction(1, 3), Fraction(-7, 90), Fraction(3601)]))
    if draw(st.booleans()):
        durations = [1 / draw(st.sampled_from(RATES))] * count
    else:
        ticks = draw(st.lists(st.integers(1, 400), min_size=count, max_size=count))
        durations = [Fraction(tick, 1000) for tick in ticks]
    times = [start]
    for duration in durations[:-1]:
        times.append(times[-1] + duration)
    inner = st.integers(1, max(1, count - 1))
    cuts = sorted(set(draw(st.lists(inner, max_size=4)))) if count > 1 else []
    firsts = sorted({0, *cuts, *(draw(st.lists(inner, max_size=40)) if count > 1 else [])})
    drawings = tuple(Drawing(a, b - 1) for a, b in pairwise([*firsts, count]))
    return times, durations, shots_of(times, durations, cuts, drawings), drawings


options = st.fixed_dictionaries(
    {
        "rate": st.sampled_from(TARGETS),
        "holds": st.sampled_from(["keep", "smooth"]),
        "hold_max": st.sampled_from([None, Fraction(1, 10), Fraction(1, 4), Fraction(2)]),
    }
)


@given(movies(), options)
def test_clock(movie, how):
    """Every output frame stands on the new clock, from the input's start for the input's duration."""
    times, durations, shots, drawings = movie
    plan = lay(times, durations, shots, drawings, **how).check(len(times))
    whole = sum(durations)
    assert len(plan.slots) == max(1, round(whole * how["rate"]))
    assert [slot.pts for slot in plan.slots] == [times[0] + n / how["rate"] for n in range(len(plan.slots))]
    if whole * how["rate"] >= 1:
        assert abs(len(plan.slots) / how["rate"] - whole) <= 1 / how["rate"]


@given(movies(), options)
def test_slots_say_what_is_shown(movie, how):
    times, durations, shots, drawings = movie
    firsts = [d.first for d in drawings]
    for slot in lay(times, durations, shots, drawings, **how).slots:
        shown = bisect_right(times, slot.pts) - 1
        drawing = bisect_right(firsts, shown) - 1
        if slot.pts == times[drawings[drawing].first]:
            assert (slot.reason, slot.source) == (Reason.SOURCE, drawings[drawing].first)
        elif slot.reason is Reason.BETWEEN:
            assert 0 < slot.t < 1
            assert drawings[drawing].first <= slot.source <= shown
            assert slot.target == drawings[drawing + 1].first
            assert slot.target not in {shot.first for shot in shots}
        else:
            assert slot.source == shown
            before_cut = any(shot.last == drawings[drawing].last for shot in shots[:-1])
            assert slot.reason is (Reason.CUT if before_cut else Reason.HOLD)


@given(movies(), options)
def test_motion_is_even_and_ends_in_time(movie, how):
    """Within a drawing t grows by the same step, and reaches 1 exactly when the next drawing appears."""
    times, durations, shots, drawings = movie
    plan = lay(times, durations, shots, drawings, **how)
    moving = [slot for slot in plan.slots if slot.reason is Reason.BETWEEN]
    for target, run in groupby(moving, key=lambda slot: slot.target):
        slots = list(run)
        assert len({slot.source for slot in slots}) == 1
        first = bisect_right([d.first for d in drawings], slots[0].source) - 1
        for slot in slots:
            step = (1 - slot.t) / (times[target] - slot.pts)
            begin = times[target] - 1 / step
            assert begin >= times[drawings[first].first]
            if how["holds"] == "smooth":
                assert begin == times[drawings[first].first]
        for a, b in pairwise(slots):
            assert b.pts - a.pts == 1 / how["rate"]
            assert b.t > a.t


@given(movies(), options)
def test_holds_stay_still(movie, how):
    """What is no hold moves from its first moment; a hold moves for one step within the limit."""
    times, durations, shots, drawings = movie
    plan = lay(times, durations, shots, drawings, **(how | {"holds": "keep"}))
    by_target = {d.first: (a, d) for a, d in pairwise(drawings)}
    for slot in plan.slots:
        if slot.reason is not Reason.BETWEEN:
            continue
        a, b = by_target[slot.target]
        shot = next(s for s in shots if s.first <= b.first <= s.last)
        limit = how["hold_max"] or hold_limit(durations, shot)
        length = (times[b.first] - slot.pts) / (1 - slot.t)
        shown = times[b.first] - times[a.first]
        assert length == shown if shown <= limit else length <= limit


@given(movies(), options)
def test_json_round_trip(movie, how):
    times, durations, shots, drawings = movie
    plan = lay(times, durations, shots, drawings, **how, input_name="a “film”.mkv")
    assert Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("rate", "target"),
    [
        (Fraction(24000, 1001), Fraction(60)),
        (Fraction(24000, 1001), Fraction(60000, 1001)),
        (Fraction(25), Fraction(60000, 1001)),
        (Fraction(10), Fraction(25)),
    ],
)
def test_constant_rates(rate, target):
    """On twos for ten seconds: every drawing that falls on the new clock is copied at its own time."""
    count = round(10 * rate)
    times = [n / rate for n in range(count)]
    drawings = tuple(Drawing(n, min(n + 1, count - 1)) for n in range(0, count, 2))
    plan = lay(times, [1 / rate] * count, (Shot(0, count - 1, 2),), drawings, rate=target)
    assert len(plan.slots) == round(count * target / rate)
    at = {slot.pts: slot for slot in plan.slots}
    landing = [d for d in drawings if times[d.first] in at]
    assert landing
    for drawing in landing:
        assert at[times[drawing.first]].source == drawing.first
        assert at[times[drawing.first]].reason is Reason.SOURCE
    assert all(
        s.reason in (Reason.SOURCE, Reason.BETWEEN) for s in plan.slots if s.pts < times[drawings[-1].first]
    )


def test_two_images_make_four():
    times, durations = [Fraction(0), Fraction(1, 24)], [Fraction(1, 24)] * 2
    plan = lay(times, durations, (Shot(0, 1, 1),), (Drawing(0, 0), Drawing(1, 1)), rate=Fraction(48))
    assert [(s.source, s.target, s.t, str(s.reason)) for s in plan.slots] == [
        (0, None, None, "source"),
        (0, 1, Fraction(1, 2), "between"),
        (1, None, None, "source"),
        (1, None, None, "hold"),
    ]


def test_hold_moves_in_the_last_cadence_step():
    """Twos, a second still, twos: the motion out of the hold fills two frames, and copies run on before."""
    times = [Fraction(n, 24) for n in range(36)]
    firsts = [0, 2, 4, 28, 30, 32, 34, 36]
    drawings = tuple(Drawing(a, b - 1) for a, b in pairwise(firsts))
    plan = lay(times, [Fraction(1, 24)] * 36, (Shot(0, 35, 2),), drawings, rate=Fraction(48))
    inside = plan.slots[8:56]
    assert [s.source for s in inside[:45]] == [4 + n // 2 for n in range(45)]
    assert [(s.source, s.target, s.t) for s in inside[45:]] == [
        (26, 28, Fraction(1, 4)),
        (26, 28, Fraction(1, 2)),
        (26, 28, Fraction(3, 4)),
    ]


def test_still_shot_is_all_copies():
    times = [Fraction(n, 24) for n in range(288)]
    plan = lay(times, [Fraction(1, 24)] * 288, (Shot(0, 287, 0),), (Drawing(0, 287),), rate=Fraction(60))
    assert {s.reason for s in plan.slots} == {Reason.SOURCE, Reason.HOLD}


@pytest.mark.parametrize(
    ("firsts", "cadence"),
    [
        ([0, 24], 0),
        ([0, 1, 2, 3, 4, 24], 1),
        ([0, 2, 4, 6, 24], 2),
        ([0, 3, 6, 9, 20, 40], 3),
        ([0, 12, 24], 2),
    ],
)
def test_cadence_leaves_holds_out(firsts, cadence):
    times = [Fraction(n, 24) for n in range(firsts[-1])]
    drawings = [Drawing(a, b - 1) for a, b in pairwise(firsts)]
    assert shot_cadence(times, [Fraction(1, 24)] * len(times), drawings) == cadence


def test_target_rate():
    film = Fraction(24000, 1001)
    assert target_rate(film, fps=Fraction(60000, 1001)) == Fraction(60000, 1001)
    assert target_rate(film, factor=Fraction(5, 2)) == Fraction(60000, 1001)
    assert target_rate(film) == 2 * film
    for wrong in (
        {"fps": Fraction(20)},
        {"factor": Fraction(1, 2)},
        {"fps": Fraction(60), "factor": Fraction(2)},
    ):
        with pytest.raises(InputError) as error:
            target_rate(film, **wrong)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"times": []},
        {"durations": [Fraction(1)]},
        {"durations": [Fraction(1), Fraction(0)]},
        {"times": [Fraction(1), Fraction(1)]},
        {"rate": Fraction(0)},
        {"hold_max": Fraction(0)},
        {"holds": "drop"},
        {"shots": (Shot(0, 0, 1),)},
        {"drawings": (Drawing(0, 0),)},
        {"drawings": (Drawing(0, 2), Drawing(3, 1))},
        {"shots": (Shot(0, 0, 0), Shot(1, 1, 0)), "drawings": (Drawing(0, 1),)},
    ],
)
def test_lists_that_do_not_fit_are_refused(wrong):
    right = {
        "times": [Fraction(0), Fraction(1)],
        "durations": [Fraction(1), Fraction(1)],
        "shots": (Shot(0, 1, 1),),
        "drawings": (Drawing(0, 0), Drawing(1, 1)),
        "rate": Fraction(2),
    } | wrong
    with pytest.raises(InputError) as error:
        lay(right.pop("times"), right.pop("durations"), right.pop("shots"), right.pop("drawings"), **right)
    assert "\n" not in str(error.value)


def _values():
    times, durations = [Fraction(0), Fraction(1, 24)], [Fraction(1, 24)] * 2
    return lay(
        times, durations, (Shot(0, 1, 1),), (Drawing(0, 0), Drawing(1, 1)), rate=Fraction(48)
    ).to_dict()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.update(version=99),
        lambda v: v.update(extra=1),
        lambda v: v.pop("rate"),
        lambda v: v.update(rate="fast"),
        lambda v: v.update(rate="1/0"),
        lambda v: v.update(rate="0/1"),
        lambda v: v.update(slots=None),
        lambda v: v["slots"][0].update(pts=0.5),
        lambda v: v["slots"][1].update(pts="0/1"),
        lambda v: v["slots"][1].update(t="3/2"),
        lambda v: v["slots"][1].update(t=None),
        lambda v: v["slots"][1].update(target=0),
        lambda v: v["slots"][1].update(reason="hold"),
        lambda v: v["slots"][1].update(reason="magic"),
        lambda v: v["slots"][0].update(source=-1),
        lambda v: v["slots"][0].update(source=True),
        lambda v: v["drawings"].pop(0),
        lambda v: v["shots"].insert(0, {"first": 0, "last": 0, "cadence": 1}),
        lambda v: v.update(
            shots=[{"first": 0, "last": 0, "cadence": 0}, {"first": 1, "last": 1, "cadence": 0}]
        ),
    ],
)
def test_malformed_plans_are_refused_in_one_line(spoil):
    values = _values()
    assert Plan.from_dict(values)
    spoil(values)
    with pytest.raises(PlanError) as error:
        Plan.from_dict(values)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"plan"'])
def test_text_that_is_no_plan_is_refused(text):
    with pytest.raises(PlanError):
        Plan.from_json(text)


def test_a_slot_beyond_the_input_is_refused():
    with pytest.raises(PlanError, match="names frame 1"):
        Plan.from_dict(_values()).check(frames=1)


def test_motion_passes_a_flash_by():
    times = [Fraction(n, 24) for n in range(6)]
    durations = [Fraction(1, 24)] * 6
    drawings = [Drawing(0, 1), Drawing(2, 2, flash=True), Drawing(3, 5)]
    plan = lay(times, durations, [Shot(0, 5, 2)], drawings, rate=Fraction(48)).check(6)
    told = [(slot.source, slot.target, slot.t) for slot in plan.slots]
    way = [(0, 3, Fraction(n, 6)) for n in (1, 2, 3)]
    assert told[:4] == [(0, None, None), *way]
    assert told[4:6] == [(2, None, None), (2, None, None)]
    assert told[6] == (3, None, None)
