"""Train so that the schedule ends within a given time.

    python scripts/train_within.py MINUTES CONFIG.toml folder=runs/NAME [key=value ...]

First a trial measures how many samples a second this machine learns from; then `steps` is set so that the
learning rate has come down when the time is over. What is left of the time when training fails is not waited
for: its processes are ended, and the last checkpoint and weights stay in the folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

TRIAL_MINUTES = 0.75
TRIAL_SHARE = 0.15
"""Of the time, at most."""
CAUTION = 0.95
GRACE_S = 20.0
"""For what comes around training: imports, compiling, the last scores; three times that for the trial."""


def run(arguments: list[str], seconds: float) -> int:
    """The exit code of `nakawari train`; after `seconds` it and all its workers are killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nakawari", "train", *arguments], start_new_session=True
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return 124


def lines(folder: Path, kind: str) -> list[dict[str, float]]:
    """What a run has said."""
    path = folder / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [row for row in rows if row["kind"] == kind]


def main() -> int:
    if len(sys.argv) < 4 or not any(text.startswith("folder=") for text in sys.argv[3:]):
        print(__doc__, file=sys.stderr)
        return 2
    end = time.monotonic() + 60 * float(sys.argv[1])
    overrides = [text for text in sys.argv[3:] if not text.startswith(("folder=", "steps="))]
    folder = Path(next(text for text in sys.argv[3:] if text.startswith("folder=")).removeprefix("folder="))
    trial = folder.with_name(f"{folder.name}-trial")
    shutil.rmtree(trial, ignore_errors=True)
    minutes = min(TRIAL_MINUTES, TRIAL_SHARE * float(sys.argv[1]))
    quiet = ["every.evaluate_steps=0", "every.sheet_steps=0", "every.log_steps=5", "steps=10000000"]
    code = run(
        [sys.argv[2], *overrides, *quiet, f"folder={trial}", f"time.minutes={minutes}"],
        60 * minutes + 3 * GRACE_S,
    )
    said = lines(trial, "train")[1:]  # the first line compiles
    if code or not said:
        print(f"the trial of {minutes} minutes ended with {code} after {len(said)} lines", file=sys.stderr)
        return code or 1
    rate = statistics.median(row["samples_per_s"] for row in said)
    size = said[-1]["samples"] / said[-1]["step"]
    left = end - time.monotonic() - GRACE_S
    steps = int(CAUTION * left * rate / size)
    print(f"{rate:.1f} samples a second: {steps} steps of {size:.0f} in {left / 60:.1f} minutes", flush=True)
    shutil.rmtree(trial)
    if steps < 1:
        return 1
    settled = [f"steps={steps}", f"folder={folder}", f"time.minutes={left / 60:.3f}"]
    return run([sys.argv[2], *overrides, *settled], left + GRACE_S)


if __name__ == "__main__":
    sys.exit(main())
