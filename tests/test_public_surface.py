"""Every public name answers, twice, after a load."""

import numpy as np
import pytest

import nakawari as nk


def test_names_answer_twice() -> None:
    model = nk.load("blend")
    frame = np.zeros((6, 8, 3), np.uint8)
    model(frame, frame)
    for _ in range(2):
        for name in nk.__all__:
            assert getattr(nk, name) is getattr(nk, name)
        assert [row.name for row in nk.list_models()]
        assert nk.load("blend").name == "blend"
    assert set(nk.__all__) <= set(dir(nk))


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'smoth'"):
        nk.smoth  # noqa: B018
