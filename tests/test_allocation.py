"""What is said to the C library, seen by the pages that it asks the system for."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from nakawari import allocation
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

    assert faults("keep_freed") < 2000  # blocks of 8192 and 6144 pages, ten times
    assert faults("map_blocks") > 100_000
