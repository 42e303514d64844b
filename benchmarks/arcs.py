"""What swings: in-betweens along arcs against in-betweens along chords, with the truth.

A club hangs from a pivot and swings by so many degrees a key. Four keys, three drawings between each two.

    python benchmarks/arcs.py [-o benchmarks/results/arcs.md]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
import numpy as np

import nakawari as nk

SHARES = (0.25, 0.5, 0.75)


def swing(degrees: float) -> np.ndarray:
    """A club that hangs from a pivot, H×W×3 uint8."""
    big = np.full((960, 1280, 3), 255, np.uint8)
    angle = np.radians(degrees)
    end = (round(640 + 600 * np.sin(angle)), round(120 + 600 * np.cos(angle)))
    for width, colour in ((56, (30, 30, 30)), (32, (90, 160, 230))):
        cv2.line(big, (640, 120), end, colour, width, cv2.LINE_AA)
    for radius, colour in ((88, (30, 30, 30)), (72, (60, 60, 220))):
        cv2.circle(big, end, radius, colour, -1, cv2.LINE_AA)
    cv2.circle(big, (end[0] + 24, end[1] - 20), 16, (255, 255, 255), -1, cv2.LINE_AA)
    return cv2.resize(big, (320, 240), interpolation=cv2.INTER_AREA)


def psnr(made: np.ndarray, truth: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((made.astype(float) - truth) ** 2).mean()))


def measure(model: str, step: float, arcs: bool) -> float:
    """Mean PSNR in dB of nine drawings."""
    angles = [step * (k - 1.5) for k in range(4)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = [folder / f"A{4 * k:04d}.png" for k in range(4)]
        for key, angle in zip(keys, angles, strict=True):
            cv2.imwrite(str(key), swing(angle))
        nk.inbetween(keys, folder / "out", chart=list(SHARES), arcs=arcs, model=model)
        scores = []
        for k in range(3):
            for n, share in enumerate(SHARES, 1):
                made = cv2.imread(str(folder / f"out/A{4 * k + n:04d}.png"))
                scores.append(psnr(made, swing(angles[k] + share * step)))
    return float(np.mean(scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    lines = ["| degrees a key | model | chords dB | arcs dB |", "| ---: | --- | ---: | ---: |"]
    for step in (6, 12, 20):
        for model in ("classic", "fast"):
            chords, arcs = (measure(model, step, on) for on in (False, True))
            lines.append(f"| {step} | `{model}` | {chords:.2f} | {arcs:.2f} |")
            print(lines[-1], flush=True)
    if arguments.output:
        title = "# A club that swings: in-betweens along chords and along arcs (`benchmarks/arcs.py`)\n\n"
        arguments.output.write_text(title + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
