"""Stopping early: when a score on a fixed subset has not become better for long enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nakawari.errors import InputError
from nakawari.train.config import Stop

LESS_IS_BETTER = ("chamfer", "loss")


def since_best(rows: Sequence[dict[str, Any]], stop: Stop, splits: Sequence[str]) -> int | None:
    """How many evaluations ago the best score was; 0: the last one is the best; None: there are none.

    Args:
        rows: of `metrics.jsonl`.
        stop: what is looked at.
        splits: that the task has.

    Raises:
        InputError: there is no such split, or no such score of it.
    """
    split = stop.split or (splits[0] if splits else "")
    if split not in splits:
        raise InputError(f"stop.split is {stop.split!r}; wanted one of {', '.join(splits) or 'none'}.")
    found = [row for row in rows if row.get("kind") == "evaluate" and row["split"] == split]
    if not found:
        return None
    if any(stop.score not in row for row in found):
        known = ", ".join(name for name, value in found[-1].items() if isinstance(value, float))
        raise InputError(f"stop.score is {stop.score!r}, which {split} does not have; wanted one of {known}.")
    values = [row[stop.score] for row in found]
    best = min(values) if stop.score in LESS_IS_BETTER else max(values)
    return len(values) - 1 - values.index(best)
