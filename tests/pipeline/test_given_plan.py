"""A plan that is given back: of this clip and of nothing else, and nothing beside it that says otherwise."""

import json
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

import nakawari as nk
from nakawari.cli import main
from nakawari.errors import InputError, PlanError
from nakawari.pipeline.given import read_plan
from tests.pipeline.test_smooth import drawing, on_twos, read, write_images, write_video

TWENTY_FOUR = Fraction(24)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "in.mkv", on_twos(8), TWENTY_FOUR)


def plan_file(source: Path, **words) -> Path:
    path = source.parent / "plan.json"
    path.write_text(nk.plan(source, **words).to_json())
    return path


def carry_out(source: Path, plan: Path, *flags: str) -> int:
    out = str(source.parent / "out.mkv")
    return main(["smooth", str(source), "-o", out, "--plan", str(plan), "-m", "blend", "-q", *flags])


def edited(path: Path, spoil) -> Path:
    values = json.loads(path.read_text())
    spoil(values)
    path.write_text(json.dumps(values))
    return path


def choice(target: int, model: str | None = None, **hints) -> dict:
    return {"target": target, "model": model, "hints": hints}


def test_a_pair_is_drawn_by_whom_the_plan_names_and_with_its_hints(clip: Path) -> None:
    def frames(*pairs: dict) -> list:
        plan = edited(plan_file(clip, fps=48), lambda v: v.update(pairs=list(pairs)))
        assert carry_out(clip, plan, "-y", "-c:v", "ffv1") == 0
        return [rgb for _, rgb in read(clip.with_name("out.mkv"))]

    plan = nk.plan(clip, fps=48)
    blended, named = frames(), frames(choice(2, "cel"))
    hinted = frames(choice(2, "cel", disappears=[[10, 10]]))
    there = {n for n, slot in enumerate(plan.slots) if slot.target == 2}
    assert {n for n in range(len(blended)) if (blended[n] != named[n]).any()} == there
    assert {n for n in range(len(blended)) if (hinted[n] != named[n]).any()} <= there


def test_a_plan_is_drawn_by_whom_it_names_unless_another_is_asked_for(clip: Path) -> None:
    plan = edited(plan_file(clip, fps=48), lambda v: v.update(model="blend"))
    out = clip.with_name("out.mkv")
    for asked, drawn_by in ((None, "blend"), ("classic", "classic")):
        report = nk.smooth(clip, out, plan=plan, model=asked, overwrite=True)
        assert report.model == drawn_by
    assert nk.Plan.from_json(plan.read_text()).model == "blend"


def test_a_rough_is_named_from_where_the_plan_lies_and_carried_from_there(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    folder, away = tmp_path / "plans", tmp_path / "away"
    folder.mkdir()
    away.mkdir()
    plan = edited(
        plan_file(clip, fps=48).rename(folder / "plan.json"),
        lambda v: v.update(pairs=[choice(2, "cel", guide="rough.png", guide_t="1/2")]),
    )
    assert carry_out(clip, plan) == 1
    assert str(folder / "rough.png") in capsys.readouterr().err
    rough = np.full((72, 96), 255, np.uint8)
    cv2.circle(rough, (16, 34), 9, 0, 2)
    cv2.imwrite(str(folder / "rough.png"), rough)
    monkeypatch.chdir(away)
    assert carry_out(clip, plan, "-y") == 0
    made = read_plan(plan)  # from here on it needs no other file
    written = (away / "plan.json").write_text(made.to_json())
    (folder / "rough.png").unlink()
    assert written
    assert read_plan(away / "plan.json") == made
    assert carry_out(clip, away / "plan.json", "-y") == 0


def test_a_plan_says_what_it_was_made_of_and_how(clip: Path) -> None:
    values = json.loads(plan_file(clip, fps=48, holds="smooth", start=0.1).read_text())
    assert values["version"] == 2
    assert values["clip"] | {"pictures": ""} == {
        "frames": 5,
        "first": "0/1",
        "last": "1/6",
        "pictures": "",
    }
    assert len(values["clip"]["pictures"]) == 32
    assert values["options"] == {
        "fps": "48/1",
        "factor": None,
        "slowmo": "1/1",
        "start": "1/10",
        "end": None,
        "loop": False,
        "holds": "smooth",
        "hold_max": None,
        "cuts": "auto",
        "cut_fill": "copy",
        "input_rate": None,
        "deinterlace": False,
    }
    again = nk.Plan.from_dict(values)
    assert json.loads(again.to_json()) == values


def _other_pictures(folder: Path) -> Path:
    return write_video(folder / "other.mkv", [drawing(n // 2 + 1) for n in range(8)], TWENTY_FOUR)


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (lambda f: write_video(f / "o.mkv", on_twos(10), TWENTY_FOUR), "made of 8 frames, and this has 10"),
        (lambda f: write_video(f / "o.mkv", on_twos(6), TWENTY_FOUR), "made of 8 frames, and this has 6"),
        (
            lambda f: write_video(f / "o.mkv", on_twos(8), Fraction(25)),
            "ends at 0:00.292, and this at 0:00.280",
        ),
        (
            lambda f: write_video(f / "o.mkv", on_twos(8), TWENTY_FOUR, start=24),
            "begins at 0:00.000, and this at",
        ),
        (_other_pictures, "shows other pictures"),
    ],
)
def test_a_plan_of_another_clip_is_refused(clip: Path, other, what: str, capsys) -> None:
    plan = plan_file(clip, fps=48)
    assert carry_out(other(clip.parent), plan) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert what in said
    assert not list(clip.parent.glob("out*"))


def test_the_same_pictures_under_another_name_do(clip: Path) -> None:
    plan = plan_file(clip, fps=48)
    moved = clip.rename(clip.with_name("moved.mkv"))
    assert carry_out(moved, plan) == 0
    assert len(read(clip.parent / "out.mkv")) == 16


def test_a_plan_of_a_proxy_is_taken_when_it_is_told_to_be(clip: Path) -> None:
    plan = edited(plan_file(clip, fps=48), lambda v: v["clip"].update(pictures=None))
    assert carry_out(_other_pictures(clip.parent), plan) == 0


@pytest.mark.parametrize(
    ("words", "flags", "named"),
    [
        ({"fps": 48}, ["--fps", "60"], "--fps 60"),
        ({"fps": 48}, ["--factor", "3"], "--factor 3"),
        ({"fps": 48}, ["--holds", "smooth"], "--holds smooth"),
        ({"holds": "smooth"}, ["--holds", "keep"], "--holds keep"),
        ({}, ["--hold-max", "0.5"], "--hold-max 1/2"),
        ({}, ["--cuts", "off"], "--cuts off"),
        ({"cuts": "off"}, ["--cuts", "auto"], "--cuts auto"),
        ({}, ["--cut-fill", "nearest"], "--cut-fill nearest"),
        ({}, ["--start", "0.1"], "--start 1/10"),
        ({"end": "0.2"}, ["--end", "0.25"], "--end 1/4"),
        ({}, ["--loop"], "--loop"),
        ({}, ["--slowmo", "2"], "--slowmo 2"),
    ],
)
def test_what_contradicts_the_plan_is_refused_by_name(clip: Path, words, flags, named, capsys) -> None:
    plan = plan_file(clip, **words)
    assert carry_out(clip, plan, *flags) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert named in said
    assert not list(clip.parent.glob("out*"))


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ({"fps": 48}, ["--fps", "48"]),
        ({"fps": 48}, ["--factor", "2"]),
        ({"holds": "smooth", "end": 0.25}, ["--holds", "smooth", "--end", "0.25"]),
        ({"cuts": "off"}, ["--cuts", "off"]),
    ],
)
def test_what_says_the_same_may_stand_beside_it(clip: Path, words, flags) -> None:
    assert carry_out(clip, plan_file(clip, **words), *flags) == 0


def test_the_options_of_the_plan_hold_where_none_are_given(clip: Path) -> None:
    plan = plan_file(clip, factor=2, start="0.08", slowmo=2, holds="smooth")
    report = nk.smooth(clip, clip.with_name("out.mkv"), plan=plan, model="blend")
    assert report.plan == nk.Plan.from_json(plan.read_text())
    assert len(read(clip.with_name("out.mkv"))) == len(report.plan.slots)


def test_a_result_without_a_name_is_named_after_the_plan(clip: Path) -> None:
    report = nk.smooth(clip, plan=plan_file(clip, fps=60), model="blend")
    assert Path(report.output).name == "in_60fps.mkv"


def test_cuts_beside_a_plan_have_to_be_its_own(clip: Path, capsys) -> None:
    cuts = clip.with_name("cuts.txt")
    cuts.write_text("4\n")
    plan = plan_file(clip, cuts=str(cuts))
    assert json.loads(plan.read_text())["options"]["cuts"] == [4]
    assert carry_out(clip, plan, "--cuts", str(cuts)) == 0
    cuts.write_text("4\n6\n")
    assert carry_out(clip, plan, "--cuts", str(cuts), "-y") == 1
    assert "--cuts names frame 6" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda v: v.update(slots=[]), "no slots"),
        (lambda v: v["slots"][0].update(pts="-1/48"), "slot 0 is at -1/48 s, before the clip begins"),
        (
            lambda v: v["slots"][1].update(pts="1/47"),
            "slot 1 is at 1/47 s, between two frames at 48 a second",
        ),
        (lambda v: v["slots"][-1].update(source=8), "names frame 8; the input has 8 frames"),
        (lambda v: v["drawings"].pop(), "drawings end at frame 5 and its shots at frame 7"),
        (lambda v: (v["drawings"].pop(), v["shots"][0].update(last=5)), "6 frames; the input has 8"),
        (lambda v: v["options"].update(holds="drop"), "holds is 'drop'"),
        (lambda v: v["options"].update(speed=3), "unknown field 'speed'"),
        (lambda v: v["options"].update(fps="fast"), "'fast'"),
        (lambda v: v["options"].update(loop="yes"), "loop is 'yes'"),
        (lambda v: v["options"].update(cuts=[4.5]), "cuts"),
        (lambda v: v["clip"].update(frames="8"), "frames"),
        (lambda v: v["clip"].update(pictures=3), "pictures"),
        (lambda v: v.update(clip=[]), "clip is not"),
        (lambda v: v.update(pairs=[{"target": 2, "model": 3, "hints": {}}]), "pair 0 has model 3"),
        (lambda v: v.update(model=3), "the plan has model 3"),
        (lambda v: v.update(pairs=[choice(2), choice(2)]), "frame 2 twice"),
        (lambda v: v.update(pairs=[choice(3)]), "frame 3, and no slot moves towards it"),
        (lambda v: v.update(pairs=[choice(2, "clasic")]), "classic"),
        (lambda v: v.update(pairs=[choice(2, points=[[[1, 1], [2, 1]]])]), "blend takes none"),
        (lambda v: v.update(pairs=[choice(2, "cel", points=[[1, 1]])]), "to frame 2: hints cannot be read"),
    ],
)
def test_a_plan_that_was_edited_wrongly_is_refused_in_one_line(clip: Path, spoil, what, capsys) -> None:
    plan = edited(plan_file(clip, fps=48), spoil)
    assert carry_out(clip, plan) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert what in said
    assert not list(clip.parent.glob("out*"))


def test_a_slot_may_be_changed_by_hand(clip: Path) -> None:
    plan = edited(
        plan_file(clip, fps=48),
        lambda v: v["slots"][2].update(source=0, target=None, t=None, reason="hold"),
    )
    assert carry_out(clip, plan) == 0


def test_the_flags_need_no_plan_that_knows_them(clip: Path, capsys) -> None:
    """Plans of before say neither their clip nor their options: what can be checked is."""

    def older(values):
        values.pop("clip"), values.pop("options"), values.update(version=1)

    plan = edited(plan_file(clip, fps=48, start="0.08"), older)
    assert carry_out(clip, plan) == 1
    assert "6 frames; the input has 8" in capsys.readouterr().err
    assert carry_out(clip, plan, "--start", "0.08", "--holds", "keep") == 1
    assert "--holds keep" in capsys.readouterr().err
    assert carry_out(clip, plan, "--start", "0.08") == 0


def test_a_plan_of_images_goes_by_their_pictures(tmp_path: Path) -> None:
    plan = plan_file(write_images(tmp_path / "a", [drawing(0), drawing(3)]), factor=2, input_rate=12)
    other = write_images(tmp_path / "b", [drawing(0), drawing(4)])
    with pytest.raises(PlanError, match="other pictures"):
        nk.smooth(other, tmp_path / "out", plan=plan, model="blend")
    report = nk.smooth(tmp_path / "a", tmp_path / "out", plan=plan, model="blend")
    assert report.plan.rate == 24


def test_python_can_tell_given_from_default(clip: Path) -> None:
    plan = nk.plan(clip, holds="smooth")
    with pytest.raises(InputError, match="--holds keep"):
        nk.smooth(clip, clip.with_name("out.mkv"), plan=plan, holds="keep", model="blend")


@pytest.mark.parametrize("flag", ["--plan", "--cuts"])
def test_a_file_that_is_missing_is_said_plainly(clip: Path, flag: str, capsys) -> None:
    words = ["smooth", str(clip), "-o", str(clip.with_name("out.mkv")), "-q", flag]
    assert main([*words, str(clip.with_name("none.txt"))]) == 1
    said = capsys.readouterr().err
    assert "there is no" in said
    assert "Errno" not in said
    assert main([*words, str(clip.parent)]) == 1
    assert "is a folder" in capsys.readouterr().err
    assert main([*words, str(clip)]) == 1
    assert "is not text" in capsys.readouterr().err
