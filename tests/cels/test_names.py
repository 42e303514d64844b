"""Names: prefix and padding are kept, and no two drawings share one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nakawari.cels.names import Name, between, check_pattern, named
from nakawari.errors import InputError
from nakawari.video.images import natural


@pytest.mark.parametrize(
    ("first", "second", "count", "stems"),
    [
        ("A0001", "A0007", 3, ["A0002", "A0003", "A0004"]),
        ("A0001", "A0007", 2, ["A0003", "A0005"]),
        ("A0001", "A0007", 5, ["A0002", "A0003", "A0004", "A0005", "A0006"]),
        ("A0001", "A0002", 2, ["A0001_1", "A0001_2"]),
        ("A0001", "B0007", 2, ["A0001_1", "A0001_2"]),
        ("A0007", "A0001", 1, ["A0007_1"]),
        ("c012_A_0003_key", "c012_A_0005_key", 1, ["c012_A_0004_key"]),
        ("walk_a", "walk_b", 1, ["walk_a_1"]),
        ("A9", "A12", 2, ["A10", "A11"]),
        ("A0007", None, 2, ["A0008", "A0009"]),
    ],
)
def test_names(first, second, count, stems):
    assert between(first, second, count)[0] == stems


def test_taken_names_are_left_alone():
    assert between("A0001", "A0005", 3, taken={"A0003"})[0] == ["A0001_1", "A0001_2", "A0001_3"]


@given(st.integers(0, 300), st.integers(1, 300), st.integers(1, 40), st.integers(1, 5))
def test_names_sort_as_they_come(start, gap, count, width):
    first, second = f"A{start:0{width}d}", f"A{start + gap:0{width}d}"
    stems, _ = between(first, second, count)
    whole = [first, *stems, second]
    assert len(set(whole)) == count + 2
    assert sorted(whole, key=natural) == whole


@given(st.text(alphabet="aB_0123. ", min_size=1))
def test_names_are_put_together_as_they_were_taken_apart(stem):
    parts = Name.of(stem)
    assert parts is None or parts.at(parts.number) == stem


def test_patterns_are_filled_in_and_checked():
    fields = dict.fromkeys(("layer", "key", "next", "prefix"), "A") | dict.fromkeys(
        ("number", "index", "count", "drawing", "t"), 3
    )
    assert named("{prefix}{number:04d}_{index}", fields) == "A0003_3"
    for bad in ("", "{key.__class__}", "{nothing}", "a/b", "{", "{number:q}", "..", "{key:>300}"):
        with pytest.raises(InputError):
            check_pattern(bad)
