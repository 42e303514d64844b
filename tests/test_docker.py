"""The Dockerfile, as far as it can be checked without Docker; a run from a folder that may not be written."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from nakawari.video.open import open_reader
from tests.video.media import pictures, write_video

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
WORDS = [line.split() for line in LINES if line and not line.startswith("#")]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instruction(name):
    return [words[1:] for words in WORDS if words[0] == name]


def test_what_is_copied_exists_and_the_build_finds_all_that_it_reads():
    copied = [name for words in instruction("COPY") for name in words[:-1]]
    assert all((ROOT / name).exists() for name in copied)
    assert {"pyproject.toml", "src", PROJECT["readme"], *PROJECT["license-files"]} <= set(copied)


def test_the_versions_are_those_of_ci_and_the_entry_is_a_script_of_ours():
    (installs,) = [words for words in instruction("RUN") if "install" in words]
    assert installs[installs.index("-c") + 1] == "constraints.txt"
    ((entry,),) = instruction("ENTRYPOINT")
    assert entry.strip('[]"') in PROJECT["scripts"]


def test_the_python_is_one_that_we_support_and_the_user_is_not_root():
    ((image,),) = instruction("FROM")
    version = image.removeprefix("python:").removesuffix("-slim")
    assert f">={version}" in PROJECT["requires-python"]
    ((user,),) = instruction("USER")
    assert any("useradd" in words and user in words for words in instruction("RUN"))


@pytest.mark.skipif(os.name != "posix", reason="rights of files are otherwise there")
def test_it_runs_from_a_folder_that_may_not_be_written_without_a_home(tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    shutil.copytree(
        ROOT / "src" / "nakawari", site / "nakawari", ignore=shutil.ignore_patterns("__pycache__")
    )
    work.mkdir()
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*")}
    for path in [site, *before]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    settings = dict(word.split("=") for word in instruction("ENV")[0])
    words = "from nakawari.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(site), "HOME": "/nonexistent", **settings,
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    assert set(settings) == {"NUMBA_CACHE_DIR", "PYTHONUNBUFFERED"}
    clip = write_video(work / "in.mkv", pictures(4, 48, 32))
    verb = ["smooth", clip.name, "-o", "out.mkv", "--factor", "2", "-m", "blend"]
    try:
        done = subprocess.run(
            [sys.executable, "-c", words, *verb],
            env=environment, cwd=work, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert len(list(open_reader(work / "out.mkv"))) == 8
        after = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.suffix != ".pyc"}
        assert {path.name for path in after} - {path.name for path in before} <= {"__pycache__"}
    finally:
        for path in [site, *site.rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
