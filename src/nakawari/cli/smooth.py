"""Raise the frame rate of a clip: draw the frames between its drawings, and keep its clock."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.cli.matching import add_matching, matching
from nakawari.cli.parser import add_device, at_least
from nakawari.cli.progress import shown
from nakawari.cli.speech import FLAG, listen, say
from nakawari.cli.timing import add_timing, timing
from nakawari.models import DEFAULT

if TYPE_CHECKING:
    from nakawari.pipeline.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All flags of `smooth`."""
    add_timing(parser)
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="a video file, folder or pattern (beside the input)"
    )
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace an output that exists")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep finished pieces beside the output; the same command goes on after it was cut off",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="render on a Ray cluster (host:port or auto); keeps finished pieces as --resume does",
    )
    parser.add_argument("--plan", metavar="FILE", help="carry out a plan that `nakawari plan --json` wrote")
    model = parser.add_argument_group("model")
    model.add_argument(
        "-m", "--model", metavar="NAME", help=f"see `models list` (that of the plan, else {DEFAULT})"
    )
    model.add_argument("--weights", metavar="FILE", help="for models whose weights are not shipped")
    add_device(model)
    model.add_argument(
        "--tile", metavar="N", help="draw in windows: auto (where memory is too small), N pixels a side, off"
    )
    model.add_argument(
        "--memory",
        metavar="SIZE",
        help="that all may take (on a GPU: drawing), such as 4G (60%% of what is free)",
    )
    model.add_argument(
        "--flow-scale", type=float, metavar="F", help="RIFE: look for motion at this size; 0.5 for 4K (1)"
    )
    model.add_argument("--ensemble", action="store_true", help="RIFE: look both ways and average")
    model.add_argument(
        "--tta", action="store_true", help="the paper's RIFE: draw turned pictures too, and average"
    )
    model.add_argument("--recursive", action="store_true", help="FILM: reach each time by halving")
    add_matching(model)
    model.add_argument(
        "--unsure",
        choices=("draw", "hold", "nearest"),
        default="draw",
        help="where motion cannot be followed: draw all the same, hold the drawing before, show the nearer "
        "(draw)",
    )
    encoder = parser.add_argument_group("encoder (ffmpeg's words; good defaults for each container)")
    encoder.add_argument("-c:v", "--codec", metavar="NAME", help="libx264, libx265, ffv1, libvpx-vp9, ...")
    encoder.add_argument("--crf", "-crf", type=at_least(0), metavar="N", help="quality: lower is better")
    encoder.add_argument("--preset", "-preset", metavar="NAME", help="speed of the encoder")
    encoder.add_argument("--tune", "-tune", metavar="NAME", help="what to favour, such as animation")
    encoder.add_argument(
        "--pix-fmt", "-pix_fmt", metavar="NAME", help="pixel format (the input's where it can be)"
    )
    encoder.add_argument("-an", "--no-sound", action="store_true", help="leave the sound out")
    encoder.add_argument(
        "--stretch-sound",
        action="store_true",
        help="with --slowmo: stretch the sound at its pitch (it is left out)",
    )
    encoder.add_argument("-sn", "--no-subtitles", action="store_true", help="leave the subtitles out")
    output = parser.add_argument_group("what is said")
    output.add_argument("--report", metavar="FILE", help="write what was done as JSON")
    output.add_argument(FLAG, action="store_true", help="say everything as lines of JSON on standard error")
    output.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    output.add_argument("-v", "--verbose", action="store_true", help="say what is decided on the way")
    output.add_argument("--debug", action="store_true", help="show tracebacks")


def run(arguments: argparse.Namespace) -> int:
    """Smooth, and say what was done."""
    from nakawari.allocation import claim
    from nakawari.pipeline.batch import is_batch
    from nakawari.pipeline.smooth import check_report_path, smooth, write_report

    claim()
    listen(quiet=arguments.quiet, verbose=arguments.verbose)
    if arguments.report:
        check_report_path(Path(arguments.report))
    names = ("codec", "crf", "preset", "tune", "pix_fmt")
    encode: dict[str, Any] = {
        word: given for word in names if (given := getattr(arguments, word)) is not None
    }
    encode |= {
        "sound": not arguments.no_sound,
        "subtitles": not arguments.no_subtitles,
        "stretch": arguments.stretch_sound,
    }
    words: dict[str, Any] = {
        "model": arguments.model,
        "weights": arguments.weights,
        "device": arguments.device,
        "precision": arguments.precision,
        "options": _options(arguments),
        "encode": encode,
        "overwrite": arguments.overwrite,
        "resume": arguments.resume,
        "ray": arguments.ray,
        "debug_dir": arguments.debug_dir,
        "unsure": arguments.unsure,
        **timing(arguments),
    }
    style = "json" if arguments.json_progress else "none" if arguments.quiet else "bar"
    if is_batch(arguments.input):
        return _batch(arguments, words, style)
    with shown(style) as progress:
        report = smooth(arguments.input, arguments.output, plan=arguments.plan, progress=progress, **words)
    if arguments.report:
        write_report(report, Path(arguments.report))
    if not arguments.quiet:
        say(_summary(report), {"result": report.to_dict()}, arguments.json_progress)
    return 0


def _batch(arguments: argparse.Namespace, words: dict[str, Any], style: str) -> int:
    """Smooth a folder of clips; a line for each that failed, and one for all in the end."""
    from nakawari.errors import InputError
    from nakawari.pipeline.batch import clips, smooth_all
    from nakawari.pipeline.smooth import write_json

    if arguments.plan:
        raise InputError("a plan belongs to one clip; give --plan with one, not with a folder of clips.")
    total, failed, rows = len(clips(arguments.input)), 0, []
    as_json = arguments.json_progress
    with shown(style) as progress:
        results = smooth_all(arguments.input, arguments.output, progress=progress, **words)
        for number, done in enumerate(results, start=1):
            row: dict[str, Any] = {"input": str(done.source)}
            if done.report is None:
                failed += 1
                row["error"] = " ".join(str(done.error).split())
                text = f"nakawari: [{number}/{total}] {done.source.name}: {row['error']}"
                say(text, {"clip": row["input"], "error": row["error"]}, as_json)
            else:
                row |= done.report.to_dict()
                if not arguments.quiet:
                    text = f"[{number}/{total}] {_summary(done.report)}"
                    say(text, {"clip": row["input"], "result": row}, as_json)
            rows.append(row)
    if arguments.report:
        write_json({"clips": rows, "failed": failed}, Path(arguments.report))
    if not arguments.quiet or failed:
        text = f"{total - failed} of {total} clips are done, {failed} failed."
        say(text, {"clips": total, "failed": failed}, as_json)
    return 1 if failed else 0


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is said about the model, where anything is."""
    words = ("tile", "memory", "flow_scale", "ensemble", "tta", "recursive")
    given = {word: value for word in words if (value := getattr(arguments, word)) not in (None, False)}
    return given | matching(arguments)


def _summary(report: Report) -> str:
    values = report.to_dict()
    frames, seconds = values["frames"], values["seconds"]
    still = frames["source"] + frames["hold"] + frames["cut"]
    lost = len(values["unsure"])
    unsure = f"; {lost} pair{'s' * (lost != 1)} of drawings could not be followed, and stand" if lost else ""
    return (
        f"{report.output}: {frames['out']} frames from {values['drawings']} drawings "
        f"in {len(values['shots'])} shot{'s' * (len(values['shots']) != 1)} "
        f"({frames['between']} drawn, {still} copied) "
        f"in {seconds['analyse'] + seconds['render']:.1f} s{unsure}"
    )
