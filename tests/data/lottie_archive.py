"""A small archive of vector animations."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from nakawari.data.heldout import HELD_OUT_REPOSITORIES


def moving_square():
    """A Lottie file: a square that crosses a field of 100 pixels in 30 frames."""
    position = {"a": 1, "k": [{"t": 0, "s": [20, 50], "o": {"x": [0], "y": [0]}, "i": {"x": [1], "y": [1]}}]}
    position["k"].append({"t": 30, "s": [80, 50]})
    fixed = {"a": 0, "k": 0}
    still = {
        "p": {"a": 0, "k": [0, 0]},
        "a": {"a": 0, "k": [0, 0]},
        "s": {"a": 0, "k": [100, 100]},
        "r": fixed,
    }
    shapes = [
        {"ty": "rc", "p": {"a": 0, "k": [0, 0]}, "s": {"a": 0, "k": [20, 20]}, "r": fixed},
        {"ty": "fl", "c": {"a": 0, "k": [1, 0, 0, 1]}, "o": {"a": 0, "k": 100}},
        {"ty": "tr", **still, "o": {"a": 0, "k": 100}},
    ]
    layer = {
        "ty": 4,
        "ks": {**still, "p": position, "o": {"a": 0, "k": 100}},
        "shapes": [{"ty": "gr", "it": shapes}],
        "ip": 0,
        "op": 30,
        "st": 0,
    }
    return {"v": "5.5.0", "fr": 30, "ip": 0, "op": 30, "w": 100, "h": 100, "layers": [layer]}


def write_archive(folder):
    """lottie.zip with one animation to train on and one that is held out, and its index; returns its path."""
    rows = []
    with zipfile.ZipFile(Path(folder) / "lottie.zip", "w") as files:
        for name, repository in (("a/1.json", "somebody/art"), ("b/1.json", HELD_OUT_REPOSITORIES[0])):
            files.writestr(name, json.dumps(moving_square()))
            rows.append({"file": name, "repo": repository, "tier": "rich", "frames": 30, "fps": 30.0})
    (Path(folder) / "lottie_index.json").write_text(json.dumps(rows))
    return Path(folder) / "lottie.zip"
