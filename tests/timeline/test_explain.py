"""The plan as text."""

from fractions import Fraction

from nakawari.timeline.explain import explain
from nakawari.timeline.plan import Drawing, Shot
from nakawari.timeline.retime import lay


def plan_of(rate, target, count=480):
    """On twos with a long hold, a cut, and a still shot."""
    times = [n / rate for n in range(count)]
    firsts = [*range(0, 40, 2), *range(100, 240, 2), 240]
    drawings = tuple(Drawing(a, b - 1) for a, b in zip(firsts, [*firsts[1:], count], strict=True))
    shots = (Shot(0, 239, 2), Shot(240, count - 1, 0))
    plan = lay(times, [1 / rate] * count, shots, drawings, rate=target, input_name="x.mkv")
    return plan.check(count), times


def test_it_is_short_and_names_what_matters():
    plan, times = plan_of(Fraction(24), Fraction(48))
    text = explain(plan, times=times)
    assert "x.mkv: 480 frames, 91 drawings, 2 shots → 960 frames at 48 a second" in text
    assert "on twos" in text
    assert "still" in text
    assert "cut, shot 2 from 0:10.000: frames 240–479" in text
    assert "between at 1/4 1/2 3/4" in text
    assert len(text.splitlines()) < 20


def test_uneven_rates_stay_short():
    plan, times = plan_of(Fraction(24000, 1001), Fraction(60))
    assert len(explain(plan, times=times).splitlines()) < 30


def test_every_output_frame_is_counted():
    for target in (Fraction(48), Fraction(60000, 1001)):
        plan, _ = plan_of(Fraction(24), target)
        counted = [
            int(line.split("(")[1].split()[0]) for line in explain(plan).splitlines() if "frames out" in line
        ]
        assert sum(counted) == len(plan.slots)


def test_verbose_has_a_line_for_every_output_frame():
    plan, _ = plan_of(Fraction(24), Fraction(48))
    lines = [line for line in explain(plan, verbose=True).splitlines() if line.startswith("    ")]
    assert len([line for line in lines if "frame" in line and ":" in line]) == len(plan.slots)


def mixed(target=Fraction(48)):
    """On twos, a hold, on ones, on threes with one drawing on fours amid; 24 a second."""
    firsts = [*range(0, 24, 2), 24, *range(60, 84), *range(84, 93, 3), 93, *range(97, 121, 3)]
    count = 121
    times = [Fraction(n, 24) for n in range(count)]
    drawings = [Drawing(a, b - 1) for a, b in zip(firsts, [*firsts[1:], count], strict=True)]
    shots = [Shot(0, count - 1, 1)]
    return lay(times, [Fraction(1, 24)] * count, shots, drawings, rate=target), times


def test_changes_of_cadence_inside_a_shot_are_told():
    plan, times = mixed()
    text = explain(plan, times=times)
    assert "cadence  on twos 0–23, on ones 60–83, on threes 84–120" in text
    steady, times = plan_of(Fraction(24), Fraction(48))
    assert "cadence" not in explain(steady, times=times)


def test_an_uneven_cadence_is_no_change():
    """25 frames of film at 24: now and then a drawing stands one frame longer."""
    lengths = [2, 2, 2, 3] * 8
    firsts = [sum(lengths[:n]) for n in range(len(lengths))]
    count = sum(lengths)
    times = [Fraction(n, 25) for n in range(count)]
    drawings = [Drawing(a, b - 1) for a, b in zip(firsts, [*firsts[1:], count], strict=True)]
    plan = lay(times, [Fraction(1, 25)] * count, [Shot(0, count - 1, 2)], drawings, rate=Fraction(50))
    assert "cadence" not in explain(plan, times=times)


def test_long_holds_are_told_with_their_times():
    plan, times = mixed()
    assert "held     24–59 for 1.500 s from 0:01.000" in explain(plan, times=times)
    even, times = plan_of(Fraction(24), Fraction(48))
    assert "held     38–99 for 2.583 s from 0:01.583" in explain(even, times=times)


def test_many_holds_are_counted():
    firsts = list(range(0, 240, 12))
    times = [Fraction(n, 24) for n in range(240)]
    drawings = [Drawing(a, b - 1) for a, b in zip(firsts, [*firsts[1:], 240], strict=True)]
    plan = lay(times, [Fraction(1, 24)] * 240, [Shot(0, 239, 2)], drawings, rate=Fraction(48))
    text = explain(plan, times=times)
    assert "0–11 for 0.500 s from 0:00.000" in text
    assert "and 14 more" in text
    assert "228–239 for" in explain(plan, times=times, verbose=True)


def test_on_ones_at_an_uneven_rate_is_one_line():
    times = [Fraction(n, 24) for n in range(96)]
    drawings = [Drawing(n, n) for n in range(96)]
    plan = lay(times, [Fraction(1, 24)] * 96, [Shot(0, 95, 1)], drawings, rate=Fraction(60))
    text = explain(plan, times=times)
    assert "× (source, between at 2/5 4/5; between at 1/5 3/5)" in text
    assert len(text.splitlines()) < 10
