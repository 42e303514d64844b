"""How the command line talks: suggestions, exit statuses, spelling, only answers on standard output."""

import json
import os
import signal
import time
from fractions import Fraction

import pytest

from nakawari import __version__
from nakawari.cli import data, main, verbs
from nakawari.cli.parser import Parser, at_least, doublings, factor, ratio
from tests.video.media import pictures, write_video


def test_version_and_overview(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"nakawari {__version__}\n"
    assert main(["-h"]) == 0
    assert "smooth" in capsys.readouterr().out
    assert main([]) == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["smoth"], "Did you mean smooth?"),
        (["frobnicate"], "Verbs:"),
        (["smooth", "a.mkv", "--fsp", "60"], "Did you mean --fps?"),
        (["smooth", "a.mkv", "--fps", "sixty"], "not a number"),
        (["smooth", "a.mkv", "--fps", "0"], "not above 0"),
        (["smooth", "a.mkv", "--factor", "0.5"], "below 1"),
        (["smooth", "a.mkv", "--fps", "60", "--factor", "2"], "not allowed with"),
        (["smooth", "a.mkv", "--holds", "maybe"], "invalid choice"),
        (["smooth", "a.mkv", "b.mkv"], "too many arguments"),
        (["smooth"], "required"),
        (["smooth", "a.mkv", "--device", "gpu"], "wanted auto, cpu, cuda, cuda:N or mps"),
        (["smooth", "a.mkv", "--precision", "half"], "invalid choice"),
        (["evaluate", "-m", "blend", "--data", "triplets:x", "--device", "cuda:x"], "wanted auto, cpu"),
        (["models", "lst"], "invalid choice"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert hint in heard.err
    assert len(heard.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["smooth", "/no/such/file.mkv"], "file.mkv"),
        (["smooth", "x.mkv", "-m", "clasic"], "Did you mean classic?"),
        (["models", "info", "nothing"], "there is no model"),
        (["plan", "/no/such/folder/%05d.png"], "/no/such/folder"),
        (["smooth", "x.mkv", "--tile", "big"], "tile is 'big'"),
        (["smooth", "x.mkv", "--memory", "much"], "memory is 'much'"),
    ],
)
def test_failures_are_one_line_and_status_1(
    words: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, *(["-q"] if words[0] in ("smooth", "plan") else [])]) == 1
    heard = capsys.readouterr()
    assert heard.out == ""
    assert hint in heard.err
    assert len(heard.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("rife", "https://github.com/hzwer/ECCV2022-RIFE"),
        ("film-l1", "https://github.com/google-research/frame-interpolation"),
        ("rife-4.25", "`nakawari models get rife-4.25` downloads them"),
    ],
)
def test_absent_weights_are_said_with_where_they_are(name, hint, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NAKAWARI_WEIGHTS", str(tmp_path))
    write_video(tmp_path / "x.mkv", pictures(3, 64, 48))
    assert main(["smooth", str(tmp_path / "x.mkv"), "-m", name, "-q"]) == 1
    said = capsys.readouterr().err
    assert hint in said
    assert "--weights FILE" in said
    if "models get" not in hint:
        assert main(["models", "get", name, "-q"]) == 1
        assert hint in capsys.readouterr().err
    assert main(["models", "get", "classic", "-q"]) == 1
    assert "it has no weights" in capsys.readouterr().err


def test_words_behind_flags_reach_the_verb_within_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="nakawari data")
    data.add_arguments(parser)
    given = parser.parse_args(["mine", "one.mkv", "-o", "set", "two.mkv", "three.mkv"])
    assert given.films == ["one.mkv", "two.mkv", "three.mkv"]
    for words, complaint in (
        (["check", "chairs", "set", "--split", "all", "more"], "data check: too many arguments: more."),
        (
            ["mine", "one.mkv", "-o", "set", "--rulez", "both"],
            "data mine: unknown flag --rulez. Did you mean --rules?",
        ),
    ):
        assert main(["data", *words]) == 2
        assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("name", ["before.mp4", "sheet.png"])
def test_the_demo_replaces_nothing_unasked(name, tmp_path, capsys) -> None:
    (tmp_path / name).write_text("mine")
    assert main(["demo", "-o", str(tmp_path), "-q"]) == 1
    assert f"{name} exists already" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_hyphens_and_underscores_are_the_same() -> None:
    parser = Parser()
    parser.add_argument("--hold-max", type=ratio)
    assert parser.parse_args(["--hold_max", "0.5"]).hold_max == Fraction(1, 2)
    assert parser.parse_args(["--hold_max=1/3"]).hold_max == Fraction(1, 3)


def test_values_keep_their_underscores() -> None:
    parser = Parser()
    parser.add_argument("--codec")
    assert parser.parse_args(["--codec", "prores_ks"]).codec == "prores_ks"
    assert parser.parse_args(["--codec=prores_ks"]).codec == "prores_ks"


def test_numbers_are_exact() -> None:
    assert ratio("60000/1001") == Fraction(60000, 1001)
    assert ratio("59.94") == Fraction(2997, 50)
    assert factor("2.5") == factor("5/2") == Fraction(5, 2)
    assert doublings("3") == 8
    assert at_least(0)("7") == 7


def test_models_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"classic", "blend"} <= {row["name"] for row in rows}
    assert main(["models", "info", "classic"]) == 0
    assert "classic" in capsys.readouterr().out


def test_an_unforeseen_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> int:
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("nakawari.cli.models.run", broken)
    assert main(["models", "list"]) == 1
    heard = capsys.readouterr().err
    assert "unforeseen ZeroDivisionError: two lines" in heard
    assert len(heard.splitlines()) == 1
    with pytest.raises(ZeroDivisionError):
        main(["models", "list", "--debug"])


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP here")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_polite_kill_and_a_closed_terminal_unwind(name, monkeypatch):
    def verb(*_):
        os.kill(os.getpid(), getattr(signal, name))
        time.sleep(5)

    monkeypatch.setattr(verbs, "_run_verb", verb)
    given = signal.signal(getattr(signal, name), signal.SIG_DFL)  # under nohup it is ignored, and stays so
    try:
        assert verbs.run(["doctor"]) == verbs.INTERRUPTED
        assert signal.getsignal(getattr(signal, name)) is signal.SIG_DFL
    finally:
        signal.signal(getattr(signal, name), given)
