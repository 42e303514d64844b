"""Runs beside each other know nothing of each other; what is written well is reported so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import nakawari as nk
from nakawari.cli import main
from tests.video.media import pictures, write_video


def test_two_runs_at_once_write_what_each_writes_alone(tmp_path: Path) -> None:
    sources = [
        write_video(tmp_path / "a.mkv", pictures(12, 48, 32), sound="flac"),
        write_video(tmp_path / "b.mkv", pictures(9, 64, 48), subtitles=True),
    ]
    words = {"factor": 2, "model": "blend", "encode": {"codec": "ffv1"}}
    alone = []
    for source in sources:
        nk.smooth(source, tmp_path / f"{source.stem}_alone.mkv", **words)
        alone.append((tmp_path / f"{source.stem}_alone.mkv").read_bytes())
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(nk.smooth, s, tmp_path / f"{s.stem}_beside.mkv", **words) for s in sources]
        reports = [run.result() for run in runs]
    assert [(tmp_path / f"{s.stem}_beside.mkv").read_bytes() for s in sources] == alone
    assert [report.input for report in reports] == [str(source) for source in sources]


@pytest.mark.parametrize("name", ["out.gif", "out.apng", "out/%03d.png"])
def test_what_is_written_well_is_reported_so(tmp_path: Path, name: str) -> None:
    source = write_video(tmp_path / "in.mkv", pictures(4, 48, 32))
    (tmp_path / "out").mkdir()
    assert (
        main(["smooth", str(source), "-o", str(tmp_path / name), "--factor", "2", "-m", "blend", "-q"]) == 0
    )
