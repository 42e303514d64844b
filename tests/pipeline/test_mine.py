"""Mining: what is found, that it is the same however it is done, and that it goes on where it stopped."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from nakawari.cli import main
from nakawari.data.atd12k import find_triplets
from nakawari.data.mined.files import Rules, film_key, read_journal
from nakawari.errors import BackendError, InputError, MediaError, NakawariError, OutputError
from nakawari.pipeline import mine as mining
from nakawari.pipeline.mine import mine_film
from nakawari.pipeline.mine_many import mine
from tests.pipeline.films import SIZE, write_film


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "A walk.1")


@pytest.fixture(scope="module")
def mined(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    mine_film(film, folder, Rules())
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def lines(folder: Path, key: str) -> list[dict]:
    return list(read_journal(folder / "mined" / f"{key}.jsonl"))


def test_drawings_are_taken_not_frames_and_never_across_a_cut(film: Path, mined: Path) -> None:
    head, *judged, last = lines(mined, film_key(film))
    assert head["source"] == "A walk.1"
    assert last == {"done": True}
    for line in judged:
        first, middle, end = line["frames"]
        assert middle - first == end - middle == 2 * (line["gap"] + 1)  # on twos
        assert all(n % 2 == 0 for n in line["frames"])
        assert len({sum(n >= cut for cut in (18, 28)) for n in line["frames"]}) == 1
    assert [sum(line["gap"] == gap for line in judged) for gap in (0, 1, 2)] == [7 + 3 + 3, 5 + 1 + 1, 3]


def test_reasons_are_those_of_the_shots(film: Path, mined: Path) -> None:
    why = Counter((line["shot"], line["why"]) for line in lines(mined, film_key(film))[1:-1])
    assert {reason for shot, reason in why if shot == 0} == {None}  # an even walk
    assert why[18, "pan"] >= 1
    assert not why[18, None]
    assert why[28, "alike"] + why[28, "still"] >= 2  # it stops


def test_what_is_written_is_read_as_atd12k_is(film: Path, mined: Path) -> None:
    triplets = find_triplets(mined, "train")
    kept = [line for line in lines(mined, film_key(film)) if line.get("name")]
    assert {triplet.name for triplet in triplets} == {line["name"] for line in kept}
    for triplet in triplets:
        frames = triplet.read_frames(None)
        assert frames[1].shape == (*SIZE, 3)
        note = triplet.read_annotation()
        assert note is not None
        assert note.level in ("easy", "medium", "hard")
        assert note.motion == ("translation",)
        number = int(triplet.name.split("_")[-2])
        if number < 18:  # the walker: 30 pixels around x, 80
            x, y, width, height = note.roi
            middle = 50 + 6 * number / 2
            assert abs(x + width / 2 - middle) < 16
            assert 60 <= width <= 130
            assert abs(y + height / 2 - 80) < 10
    said = json.loads(triplets[0].annotation.read_text())  # type: ignore[union-attr]
    assert said["estimated"] == ["level", "motion_RoI", "general_motion_type"]


def test_what_is_no_film_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, made = tmp_path / "text.mp4", tmp_path / "set"
    text.write_bytes(b"no film at all")
    with pytest.raises(MediaError):
        mine_film(text, made, Rules())
    assert not made.exists()
    assert main(["data", "mine", str(text), "-o", str(made), "-q"]) == 1
    assert capsys.readouterr().err.count(str(text)) == 1
    assert not made.exists()


def test_threads_and_processes_do_not_change_the_set(film: Path, mined: Path, tmp_path: Path) -> None:
    """And a broken film does not touch the others."""
    mine_film(film, tmp_path / "three", Rules(), threads=3)
    assert content(tmp_path / "three") == content(mined)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"no film at all")
    ends = {end.source: end for end in mine([broken, film], tmp_path / "two", workers=2)}
    assert isinstance(ends[str(broken)].error, NakawariError)
    assert ends[str(film)].mined is not None
    together = content(tmp_path / "two")
    assert {name: together[name] for name in content(mined)} == content(mined)
    assert len(find_triplets(tmp_path / "two", "train")) == len(find_triplets(mined, "train"))


def test_a_run_that_was_cut_off_goes_on(
    film: Path, mined: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    judge = mining._judge

    class Cut(Exception):
        pass

    def cut_off(three, rules):
        nonlocal asked
        asked += 1
        if asked == 12:
            raise Cut
        return judge(three, rules)

    monkeypatch.setattr(mining, "_judge", cut_off)
    with pytest.raises(Cut):
        mine_film(film, tmp_path, Rules())
    before = lines(tmp_path, film_key(film))
    assert 1 < len(before) < 15
    path = tmp_path / "mined" / f"{film_key(film)}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"frames": [0, 2')  # a line that was cut off
    asked = -1000
    ended = mine_film(film, tmp_path, Rules())
    assert ended.new
    assert asked + 1000 == len(lines(mined, film_key(film))) - 2 - (len(before) - 1)
    assert content(tmp_path) == content(mined)
    again = mine_film(film, tmp_path, Rules())
    assert not again.new
    assert again.counts == ended.counts


def test_few_of_a_shot(film: Path, tmp_path: Path) -> None:
    ended = mine_film(film, tmp_path, Rules(per_shot=2))
    kept = Counter(line["shot"] for line in lines(tmp_path, film_key(film))[1:-1] if line["why"] is None)
    assert max(kept.values()) == 2
    assert ended.counts["enough"] > 0


def test_sizes_and_formats(film: Path, tmp_path: Path) -> None:
    mine_film(film, tmp_path, Rules(size=(72, 120), form="jpg", part="test", per_shot=1, gaps=(1,)))
    triplet = find_triplets(tmp_path, "test")[0]
    assert triplet.frames[0].suffix == ".jpg"
    assert triplet.read_frames(None)[0].shape == (72, 120, 3)
    assert triplet.read_annotation().image_size == (120, 72)  # type: ignore[union-attr]


def test_other_rules_and_other_films_are_refused(film: Path, mined: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mined with rules 'both'; wanted 'rrld'"):
        mine_film(film, mined, Rules(rules="rrld"))
    with pytest.raises(InputError, match="the same film"):
        list(mine([film, shutil.copytree(film, tmp_path / film.name)], tmp_path / "set"))
    with pytest.raises(InputError, match=r"nowhere.mkv cannot be read"):
        list(mine(["nowhere.mkv"], tmp_path))


def test_a_cluster_that_is_not_there_is_named(film: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(BackendError, match="not an address is no address of a Ray cluster"):
        list(mine([film], tmp_path, ray="not an address"))


def test_a_cluster_mines_what_one_machine_does(cluster, film: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(b"no film")
    told: list[tuple[int, int | None]] = []

    def progress(stage: str, done: int, total: int | None) -> None:
        told.append((done, total))

    films = [film, broken]
    ends = {end.source: end for end in mine(films, tmp_path / "far", ray=cluster.address, progress=progress)}
    (alone,) = mine([film], tmp_path / "near")
    assert ends[str(film)].mined == alone.mined
    assert isinstance(ends[str(broken)].error, MediaError)
    assert told == [(0, 2), (1, 2), (2, 2)]
    written = [
        {p.relative_to(tmp_path / place): p.read_bytes() for p in (tmp_path / place).rglob("*.png")}
        for place in ("far", "near")
    ]
    assert written[0] == written[1] != {}
    with pytest.raises(BackendError, match=r"no node of .* has 64 CPUs"):
        list(mine([film], tmp_path / "other", workers=64, ray=cluster.address))


def test_one_run_at_a_time(film: Path, tmp_path: Path) -> None:
    from nakawari.data.mined.files import Journal
    from nakawari.video.part import hold

    journal = Journal.opened(tmp_path, film_key(film), str(film), Rules())
    with journal.path.open("ab") as held:
        hold(held, journal.path)
        with pytest.raises(OutputError, match="another run"):
            mine_film(film, tmp_path, Rules())
