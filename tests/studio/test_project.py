"""Projects: every edit is on disk before it is answered, and reads back as it was."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from nakawari.errors import InputError, ModelError
from nakawari.models import DEFAULT
from nakawari.studio.edits import apply
from nakawari.studio.project import Project, Settings, Source
from nakawari.studio.store import Store, new_id
from nakawari.timeline.edit import Reading
from nakawari.timeline.plan import Choice, Drawing, Plan, Shot

RATE = Fraction(24000, 1001)


def project(count: int = 24, cut: int = 12) -> Project:
    times = tuple(Fraction(1, 10) + k / RATE for k in range(count))
    drawings = tuple(Drawing(first, first + 1) for first in range(0, count, 2))
    reading = Reading(times, (1 / RATE,) * count, (Shot(0, cut - 1, 2), Shot(cut, count - 1, 2)), drawings)
    source = Source("/clip.mkv", 1, 2, None, 64, 48, RATE, 8, False, Fraction(1), 0, "digest")
    return Project(new_id(), "clip.mkv", source, reading, reading)


EDITS = [
    {"edit": "cut", "frame": 6, "there": True},
    {"edit": "cut", "frame": 12, "there": False},
    {"edit": "drawing", "frame": 4, "there": False},
    {"edit": "drawing", "frame": 5, "there": True},
    {"edit": "cadence", "shot": 0, "cadence": 3},
    {"edit": "hold", "frame": 4, "held": True},
    {"edit": "chart", "frame": 4, "chart": [["1/2", "1/3"]]},
    {"edit": "model", "frame": 4, "model": "blend"},
    {"edit": "model", "model": "blend"},
    {"edit": "hints", "frame": 4, "hints": [{"kind": "regions", "first": [3, 4], "second": [5, 6]}]},
    {"edit": "guide", "frame": 4, "guide": {"picture": "0" * 32, "t": "1/3"}},
    {"edit": "settings", "fps": "60", "factor": None},
    {"edit": "settings", "holds": "smooth", "hold_max": "1/2"},
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: e["edit"])
def test_an_edit_changes_something_and_reads_back(edit: dict[str, object]) -> None:
    before = project()
    after = apply(before, edit)
    assert after != before
    assert Project.from_json(after.to_json()) == after
    after.plan()


@pytest.mark.parametrize(
    "edit",
    [
        {}, {"edit": "fly"}, {"edit": "cut"}, {"edit": "cut", "frame": "6", "there": True},
        {"edit": "cut", "frame": 6, "there": 1}, {"edit": "cut", "frame": 99, "there": True},
        {"edit": "cut", "frame": True, "there": True}, {"edit": "drawing", "frame": 12, "there": False},
        {"edit": "cadence", "shot": 9, "cadence": 2}, {"edit": "cadence", "shot": 0, "cadence": 0},
        {"edit": "hold", "frame": 5, "held": True}, {"edit": "chart", "frame": 4, "chart": [["1/2", "2"]]},
        {"edit": "chart", "frame": 4, "chart": [["1/0", "1/2"]]}, {"edit": "chart", "frame": 4, "chart": 7},
        {"edit": "model", "model": "clasic"}, {"edit": "settings", "fps": "12"},
        {"edit": "hints", "frame": 4, "hints": [{"kind": "regions", "first": [3, 4]}]},
        {"edit": "hints", "frame": 4, "hints": [{"kind": "points", "first": [3, 4], "second": [64, 6]}]},
        {"edit": "hints", "frame": 4, "hints": [{"kind": "magic", "first": [3, 4], "second": [5, 6]}]},
        {"edit": "hints", "frame": 4, "hints": {}}, {"edit": "guide", "frame": 4},
        {"edit": "guide", "frame": 4, "guide": {"picture": "../../x", "t": "1/2"}},
        {"edit": "guide", "frame": 4, "guide": {"picture": "0" * 32, "t": "1"}},
        {"edit": "guide", "frame": 5, "guide": {"picture": "0" * 32, "t": "1/2"}},
        {"edit": "settings", "fps": "many"}, {"edit": "settings", "holds": "maybe"}, [], None, "cut",
    ],
)  # fmt: skip
def test_wrong_edits_are_refused(edit: object) -> None:
    with pytest.raises((InputError, ModelError)):
        apply(project(), edit)


def test_what_was_said_of_a_drawing_goes_with_it() -> None:
    told = apply(project(), {"edit": "model", "frame": 4, "model": "blend"})
    assert dict(told.models) == {4: "blend"}
    assert not apply(told, {"edit": "drawing", "frame": 4, "there": False}).models


def test_a_chart_bends_only_its_pair() -> None:
    made = apply(project(), {"edit": "settings", "fps": "120"})
    bent = apply(made, {"edit": "chart", "frame": 4, "chart": [["1/2", "1/4"]]})
    assert [s.t for s in bent.pair_slots(4)] != [s.t for s in made.pair_slots(4)]
    assert bent.pair_slots(6) == made.pair_slots(6)
    assert bent.pair_slots(4) == [s for s in bent.plan().slots if s.target == 4]


def test_the_plan_says_who_draws_a_pair_and_what_they_are_told() -> None:
    hints = [{"kind": "points", "first": [3, 4], "second": [5, 6]}]
    made = apply(
        apply(project(), {"edit": "model", "frame": 4, "model": "cel"}), {"edit": "settings", "fps": "48"}
    )
    made = apply(made, {"edit": "hints", "frame": 4, "hints": hints})
    ignored = apply(made, {"edit": "hints", "frame": 6, "hints": hints})  # the default takes none
    for one in (made, ignored):
        assert one.plan().pairs == (Choice(4, "cel", {"points": [[[3, 4], [5, 6]]]}),)
    whole = apply(ignored, {"edit": "model", "model": "cel"})
    assert [(c.target, c.model) for c in whole.plan().pairs] == [(4, "cel"), (6, "cel")]
    assert (made.plan().model, whole.plan().model) == (DEFAULT, "cel")
    assert Plan.from_json(whole.plan().to_json()) == whole.plan()


def test_edits_outlive_the_program(tmp_path: Path) -> None:
    store = Store(tmp_path)
    entry = store.add(project())
    changed = apply(entry.project, EDITS[0])
    store.change(changed)
    again = Store(tmp_path)
    assert again.get(changed.id).project == changed
    assert [row["id"] for row in again.recent()] == [changed.id]


def test_edits_that_come_at_once_are_all_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.add(project()).project
    frames = range(0, 24, 2)

    def hold(frame: int) -> None:
        store.edit(first.id, lambda now: apply(now, {"edit": "hold", "frame": frame, "held": True}))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, frames))
    assert dict(Store(tmp_path).get(first.id).project.held) == dict.fromkeys(frames, True)


def test_undo_and_redo_are_saved_too(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = store.add(project()).project
    second = store.change(apply(first, EDITS[0])).project
    assert store.step(first.id, back=True).project == first
    assert Store(tmp_path).get(first.id).project == first
    assert store.step(first.id, back=False).project == second
    with pytest.raises(InputError, match="nothing"):
        store.step(first.id, back=False)


def test_a_crash_while_saving_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    first = store.add(project()).project
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.change(apply(first, EDITS[0]))
    assert Store(tmp_path).get(first.id).project == first


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.pop("times"), lambda v: v.update(version=99), lambda v: v.update(nakawari="plan"),
        lambda v: v.update(times=v["times"][:-1]), lambda v: v.update(tick="1/0"),
        lambda v: v["drawings"].pop(3), lambda v: v["drawings"].__setitem__(0, ["a", 1, 0]),
        lambda v: v.update(charts={"4": [["1/2", "3/2"]]}), lambda v: v.update(shots=[]),
        lambda v: v["source"].pop("rate"), lambda v: v.update(settings=None),
        lambda v: v.update(hints={"4": [{"kind": "regions"}]}),
        lambda v: v.update(guides={"4": {"t": "1/2"}}),
    ],
)  # fmt: skip
def test_broken_projects_are_refused(spoil) -> None:  # type: ignore[no-untyped-def]
    values = json.loads(project().to_json())
    spoil(values)
    with pytest.raises(InputError):
        Project.from_json(json.dumps(values))


def test_a_long_clip_is_edited_quickly(tmp_path: Path) -> None:
    from time import perf_counter

    long = project(34_560, 17_280)  # 24 minutes
    store = Store(tmp_path)
    store.add(long)
    begin = perf_counter()
    changed = apply(long, EDITS[0])
    changed.pair_slots(4)
    assert perf_counter() - begin < 0.5  # a tenth of that on a quiet machine; a whole plan takes seconds
    assert replace(changed, settings=Settings()) == changed
