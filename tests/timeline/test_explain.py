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
