"""Cuts files."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.errors import PlanError
from nakawari.timeline.cuts import clock, format_cuts, parse_cuts

TIMES = [Fraction(1, 10) + n * Fraction(1001, 24000) for n in range(200)]


@given(st.sets(st.integers(1, 199)))
def test_what_is_written_is_read_back(cuts):
    assert parse_cuts(format_cuts(sorted(cuts), TIMES), TIMES) == sorted(cuts)


@given(st.sets(st.integers(1, 199)))
def test_times_are_read_back(cuts):
    text = "\n".join(clock(TIMES[cut]) for cut in cuts)
    assert parse_cuts(text, TIMES) == sorted(cuts)


@pytest.mark.parametrize("word", ["4.27", "4.27s", "0:04.27", "00:00:04.270", " 4.2708 # a comment", "100"])
def test_ways_to_name_a_frame(word):
    assert parse_cuts(word, TIMES) == [100]


def test_a_time_between_frames_means_the_next():
    assert parse_cuts("4.25", TIMES) == [100]
    assert parse_cuts("1s", TIMES) == [22]


def test_order_repeats_blanks_and_the_first_frame():
    assert parse_cuts("# cuts\n\n50\n0\n 7 \n50\n", TIMES) == [7, 50]


@pytest.mark.parametrize(
    "line", ["200", "1:00:00", "9.9s", "twelve", "-4", "1:2:3:4", "1e3", "3 4", "0x10", "."]
)
def test_other_lines_are_refused_by_number(line):
    with pytest.raises(PlanError, match="line 2") as error:
        parse_cuts(f"5\n{line}\n", TIMES)
    assert "\n" not in str(error.value)


def test_clock():
    assert clock(Fraction(3725, 2)) == "31:02.500"
    assert clock(Fraction(7322)) == "2:02:02.000"
    assert clock(Fraction(-1, 2)) == "-0:00.500"
