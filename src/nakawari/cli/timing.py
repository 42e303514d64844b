"""Flags about input and time that `smooth` and `plan` share."""

from __future__ import annotations

import argparse
from typing import Any

from nakawari.cli.parser import doublings, factor, ratio, time


def add_timing(parser: argparse.ArgumentParser) -> None:
    """Add the input and the groups "rate" and "timeline"."""
    parser.add_argument(
        "input", metavar="IN", help="a video file, a folder of images or of clips, or frames/%%05d.png"
    )
    rate = parser.add_argument_group("rate (one of them; without any, twice the input's)")
    one = rate.add_mutually_exclusive_group()
    one.add_argument("--fps", type=ratio, metavar="R", help="output frames a second: 60, 59.94, 60000/1001")
    one.add_argument(
        "-x",
        "--factor",
        "--multi",
        type=factor,
        metavar="X",
        help="output frames for each input frame: 2, 2.5, 5/2",
    )
    one.add_argument("--exp", dest="factor", type=doublings, metavar="N", help="the same as --factor 2^N")
    rate.add_argument(
        "--slowmo",
        type=factor,
        metavar="X",
        help="last X times as long; alone, at the input's rate; --fps and --factor choose another",
    )
    rate.add_argument(
        "--framerate", dest="input_rate", type=ratio, metavar="R", help="input frames a second of images (24)"
    )
    line = parser.add_argument_group("timeline")
    line.add_argument(
        "-ss", "--start", type=time, metavar="T", help="take only what begins at T or later: 62.5 or 1:02.5"
    )
    line.add_argument("-to", "--end", type=time, metavar="T", help="take only what begins before T")
    line.add_argument(
        "--deinterlace", action="store_true", help="take woven frames of interlaced video apart"
    )
    line.add_argument("--loop", action="store_true", help="the last drawing moves on to the first one")
    line.add_argument(
        "--holds",
        choices=("keep", "smooth"),
        help="keep: long-held drawings stay still; smooth: motion fills the whole time (keep)",
    )
    line.add_argument(
        "--hold-max",
        type=ratio,
        metavar="S",
        help="seconds above which a drawing counts as held (the larger of 1/4 and 1.5 cadence steps)",
    )
    line.add_argument(
        "--cuts",
        metavar="auto|off|FILE",
        help="find cuts, ignore them, or read them from a file (auto)",
    )
    line.add_argument(
        "--cut-fill",
        choices=("copy", "nearest"),
        help="copy: a drawing stands until the cut; nearest: the next may come half a frame early (copy)",
    )


def timing(arguments: argparse.Namespace) -> dict[str, Any]:
    """The keywords of `nakawari.plan` and `nakawari.smooth` that the flags gave."""
    names = (
        *("fps", "factor", "slowmo", "start", "end", "loop"),
        *("holds", "hold_max", "cuts", "cut_fill", "input_rate", "deinterlace"),
    )
    return {name: getattr(arguments, name) for name in names}
