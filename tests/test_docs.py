"""What the documents promise exists: verbs, flags, models, the two set-up commands."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from nakawari.cli.parser import Parser
from nakawari.cli.verbs import VERBS
from nakawari.train.config import read_config

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                for part in re.split(r"&&|\|", line):
                    if part.strip().startswith("nakawari "):
                        found.append((page.name, part.split("#")[0].strip()))
    return found


def parser_of(verb: str) -> Parser:
    parser = Parser(prog=verb)
    import_module(f"nakawari.cli.{verb}").add_arguments(parser)
    return parser


def test_there_are_commands_to_check() -> None:
    assert len(commands()) >= 5


@pytest.mark.parametrize(("page", "command"), commands())
def test_documented_flags_exist(page: str, command: str) -> None:
    words = shlex.split(command)
    verb = words[1]
    if verb.startswith("-"):
        assert verb in ("--version", "-h")
        return
    assert verb in VERBS, f"{page}: no verb {verb}"
    known = parser_of(verb).flags()
    for word in words[2:]:
        if re.match(r"-[A-Za-z-]", word):
            assert word.split("=")[0] in [*known, "--debug"], f"{page}: {verb} has no flag {word}"


@pytest.mark.parametrize(("page", "command"), [pair for pair in commands() if "configs/" in pair[1]])
def test_documented_trainings_are_configurations(page: str, command: str) -> None:
    """Files and keys are there, and starting states are said where they are wanted."""
    words = shlex.split(command)
    file, *rest = words[words.index("train") + 1 :]
    overrides = [word for word in rest if "=" in word and not word.startswith("-")]
    assert read_config(ROOT / file, overrides).steps > 0, page


def test_every_flag_of_smooth_is_explained() -> None:
    for verb in VERBS:
        for action in parser_of(verb)._actions:
            assert action.help or action.choices, f"{verb} {action.option_strings or action.dest} has no help"


def test_readme_has_exactly_two_set_up_commands() -> None:
    lines = [x for x in (ROOT / "README.md").read_text().splitlines() if x.startswith("pip install")]
    assert lines == [
        "pip install -c constraints.txt . && nakawari demo",
        "pip install -c constraints.txt -e '.[dev,lottie]' && scripts/check",
    ]
