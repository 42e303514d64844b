"""What is said to the C library, seen by the pages that it asks the system for."""

import platform
import subprocess
import sys

import pytest
import torch

from nakawari import allocation
from nakawari.models import tiles
from nakawari.models.costs import Cost

PROGRAM = """
import resource, sys
import torch
from nakawari import allocation
allocation.claim()
getattr(allocation, sys.argv[1])()
def turn():
    torch.ones(8, 2**20)
    torch.ones(6, 2**20)
for _ in range(10):
    turn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    turn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library than glibc")
def test_freed_memory_is_kept_or_given_back() -> None:
    def faults(name: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, name], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert 10 * faults("keep_freed") < faults("map_blocks")


def test_only_a_process_of_our_own_is_told_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(allocation, "_tell", lambda *settings: told.extend(settings))
    monkeypatch.setattr(allocation._process, "ours", False)
    allocation.keep_freed()
    assert not told
    allocation.claim()
    allocation.keep_freed()
    assert told


@pytest.mark.parametrize(
    ("size", "memory", "kept"),
    [((1080, 1920), None, 1), ((270, 480), None, 0), ((1080, 1920), "4G", 0), ((2880, 5120), None, 0)],
)
def test_what_draws_large_pictures_whole_keeps(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], memory: str | None, kept: int
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(tiles, "keep_freed", lambda: calls.append(1))
    room = tiles.Room(torch.device("cpu"))
    room.ask("auto" if memory else "off", memory)
    room.side("rife", Cost(600, 290), 1, size)
    assert len(calls) == kept
