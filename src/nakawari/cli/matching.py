"""Flags about segment-guided matching and refinement (AnimeInterp), shared by `smooth` and `evaluate`."""

from __future__ import annotations

import argparse
from typing import Any

from nakawari.cli.parser import at_least

_UNSAID = "unsaid"


def add_matching(group: argparse._ArgumentGroup) -> None:
    """Add the flags, and `--debug-dir`."""
    group.add_argument(
        "--no-guide", action="store_true", help="AnimeInterp: find motion without matching colour pieces"
    )
    group.add_argument(
        "--iterations", type=at_least(1), metavar="N", help="AnimeInterp: corrections of motion (12)"
    )
    group.add_argument(
        "--contours",
        choices=("auto", "anime", "cartoon"),
        help="AnimeInterp: thresholds of the contours of pieces (auto)",
    )
    weights = group.add_mutually_exclusive_group()
    weights.add_argument(
        "--vgg",
        metavar="FILE",
        default=_UNSAID,
        help="AnimeInterp: torchvision's VGG-19 file (torch's cache)",
    )
    weights.add_argument(
        "--no-vgg", dest="vgg", action="store_const", const=None, help="tell pieces apart without weights"
    )
    group.add_argument(
        "--debug-dir", metavar="DIR", help="draw there what the model saw: pieces, matches, motion"
    )


def matching(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of a model that the flags gave."""
    given: dict[str, Any] = {"guide": False} if arguments.no_guide else {}
    for word in ("iterations", "contours"):
        if getattr(arguments, word) is not None:
            given[word] = getattr(arguments, word)
    return given if arguments.vgg == _UNSAID else given | {"vgg": arguments.vgg}
