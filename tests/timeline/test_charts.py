"""Charts: what an animator writes becomes shares of the way."""

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import PlanError, UsageError
from nakawari.timeline.charts import EASES, as_charts, charts_for, eased, parse_chart, parse_charts


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("1/4 1/2 3/4", [F(1, 4), F(1, 2), F(3, 4)]),
        ("0.25, 50%", [F(1, 4), F(1, 2)]),
        ("halves", [F(1, 2)]),
        ("thirds", [F(1, 3), F(2, 3)]),
        ("even 3", [F(1, 4), F(1, 2), F(3, 4)]),
        ("in 1", [F(1, 4)]),
        ("out 1", [F(3, 4)]),
        ("in-out 3 2", [F(1, 16), F(1, 2), F(15, 16)]),
        ("favour last", [F(2, 3)]),
        ("favor first", [F(1, 3)]),
        ("favour last 3", [F(1, 2), F(3, 4), F(7, 8)]),
        ("favour first 3", [F(1, 8), F(1, 4), F(1, 2)]),
        ("none", []),
        ("-", []),
    ],
)
def test_charts_are_read(text, shares):
    assert list(parse_chart(text)) == shares


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1/2 1/4",
        "0 1/2",
        "0",
        "1",
        "100%",
        "1/0",
        "half",
        "1/2 1/2",
        "in 1000",
        "favour middle",
        "3/2",
        "even -1",
        "nan",
        "even 3 ?",
    ],
)
def test_nonsense_is_refused_in_one_line(text):
    with pytest.raises(PlanError) as error:
        parse_charts(text)
    assert "\n" not in str(error.value)


@given(st.integers(0, 60), st.sampled_from(EASES), st.fractions(0, 10, max_denominator=8))
def test_eases_rise_and_stay_inside(count, ease, strength):
    try:
        chart = eased(count, ease, strength)
    except PlanError:  # so strong that two drawings fall together
        assert strength > 1
        return
    assert len(chart) == count
    assert list(chart) == sorted(set(chart))
    assert all(0 < share < 1 for share in chart)


@given(st.integers(1, 30), st.integers(0, 4))
def test_in_and_out_are_mirrors_and_in_out_is_its_own(count, strength):
    mirrored = [1 - share for share in reversed(eased(count, "out", strength))]
    assert list(eased(count, "in", strength)) == mirrored
    both = eased(count, "in-out", strength)
    assert [1 - share for share in reversed(both)] == list(both)
    assert eased(count, "in", 0) == eased(count, "linear", strength)


def test_in_starts_slowly():
    assert all(share < even for share, even in zip(eased(5, "in"), eased(5), strict=True))


def test_one_chart_stands_for_all_pairs_and_others_must_fit():
    assert charts_for(parse_charts("halves"), 3) == ((F(1, 2),),) * 3
    assert charts_for(parse_charts("halves; none"), 2) == ((F(1, 2),), ())
    with pytest.raises(UsageError, match="make 3 pairs"):
        charts_for(parse_charts("halves; none"), 3)


def test_python_callers_give_text_numbers_or_lists():
    assert as_charts("halves; thirds") == (parse_chart("halves"), parse_chart("thirds"))
    assert as_charts([0.25, F(1, 2), 0.75]) == (parse_chart("quarters"),)
    assert as_charts(["halves", [0.5], ["1/2"]]) == (parse_chart("halves"),) * 3
    with pytest.raises(PlanError):
        as_charts([0.5, None])
