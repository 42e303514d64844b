"""Draw what stands between keys: keys come out byte for byte, in-betweens where the chart says.

A chart says how far along the way each drawing is:
  --chart "1/4 1/2 3/4"        fractions above 0 and below 1; 0.25 and 25% mean the same
  --chart none                 nothing between the keys
  --chart thirds               halves, thirds, quarters, fifths, sixths
  --chart "favour last"        two thirds of the way; "favour last 3": each halves what is left
  --chart "in-out 3 2"         three, eased, with a strength
  --chart "halves; none; 1/3"  one for each pair of keys
  --chart "A: thirds"          for a layer; may be given several times
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nakawari.cli.parser import Usage, add_device, at_least, understood
from nakawari.cli.progress import shown
from nakawari.cli.speech import FLAG, listen, say
from nakawari.models import DEFAULT
from nakawari.timeline.charts import EASES, eased, parse_charts

if TYPE_CHECKING:
    from nakawari.pipeline.inbetween_report import InbetweenReport

FLAGS_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All flags of `inbetween`."""
    parser.add_argument(
        "keys", nargs="*", metavar="KEY", help="drawings, a folder, a pattern, a PSD, or a timesheet"
    )
    parser.add_argument("-o", "--output", required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace drawings that stand there")
    parser.add_argument(
        "--names", type=_names, metavar="PATTERN", help="such as {key}_{index} or {layer}{drawing:04d}"
    )
    timing = parser.add_argument_group("where the drawings stand (without any, one in the middle)")
    many = timing.add_mutually_exclusive_group()
    many.add_argument(
        "--chart",
        type=_chart,
        action="append",
        metavar="CHART",
        help="see above; parted by ; for each pair",
    )
    many.add_argument("--count", type=_count, metavar="N", help="so many between two keys")
    timing.add_argument(
        "--ease",
        choices=EASES,
        default="linear",
        help="how --count is spaced; in: starts slowly, out: ends slowly (linear)",
    )
    timing.add_argument(
        "--strength", type=_strength, default=1.0, metavar="S", help="of the ease: 1 quadratic, 2 cubic (1)"
    )
    timing.add_argument(
        "--exposure",
        type=at_least(1),
        default=1,
        metavar="N",
        help="frames that a drawing is shown: 2 is twos (1)",
    )
    timing.add_argument(
        "--hold", action="append", metavar="KEY=N", help="show a key for N frames: A0003=12; several times"
    )
    timing.add_argument("--loop", action="store_true", help="the last key moves on to the first")
    timing.add_argument(
        "--arcs",
        choices=("auto", "off"),
        default="auto",
        help="motion follows arcs that three or more keys tell, or goes straight (auto)",
    )
    cels = parser.add_argument_group("layers")
    cels.add_argument(
        "--layers", nargs="+", metavar="NAME=PLACE", help="A=cels/A B=cels/B: each drawn by itself, in order"
    )
    parser.add_argument(
        "--unsure",
        choices=("draw", "hold", "nearest"),
        default="draw",
        help="where the model is not sure: draw and flag it, hold the key before, or take the nearest (draw)",
    )
    cels.add_argument(
        "--composite", action="store_true", help="also lay the layers over one another, a picture a frame"
    )
    cels.add_argument(
        "--sheet", metavar="NAME", help="also write a timesheet into the output: cut012.xdts or cut012.csv"
    )
    model = parser.add_argument_group("model")
    model.add_argument(
        "-m", "--model", metavar="NAME", help=f"see `models list` ({DEFAULT}; cel with --hints or --palette)"
    )
    model.add_argument(
        "--palette",
        choices=("auto", "lock", "keep"),
        help="cel: lock: only the keys' colours; keep: and mixes of two that touch; auto: by the keys (auto)",
    )
    model.add_argument(
        "--hints",
        metavar="FILE",
        help="cel: which point, region or stroke became which, and a rough breakdown as guide"
        " (JSON, see docs/cel.md)",
    )
    model.add_argument("--weights", metavar="FILE", help="for models whose weights are not shipped")
    add_device(model)
    output = parser.add_argument_group("what is said")
    output.add_argument("--dry-run", action="store_true", help="say what would be drawn, and draw nothing")
    output.add_argument("--report", metavar="FILE", help="write every drawing and its flags as JSON")
    output.add_argument(FLAG, action="store_true", help="say everything as lines of JSON on standard error")
    output.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    output.add_argument("-v", "--verbose", action="store_true", help="say what is decided on the way")
    output.add_argument("--debug", action="store_true", help="show tracebacks")


def run(arguments: argparse.Namespace) -> int:
    """Draw, and say what was drawn."""
    from nakawari.allocation import claim
    from nakawari.pipeline.inbetween import check_sheet, explain, inbetween
    from nakawari.pipeline.planning import plan_cut
    from nakawari.pipeline.smooth import write_json

    claim()
    listen(quiet=arguments.quiet, verbose=arguments.verbose)
    layers = _layers(arguments.layers)
    cut: dict[str, Any] = {
        "chart": _charts(arguments.chart, layers),
        "count": arguments.count,
        "ease": arguments.ease,
        "strength": arguments.strength,
        "loop": arguments.loop,
        "exposure": arguments.exposure,
        "holds": _holds(arguments.hold),
        "layers": layers,
        "names": arguments.names,
    }
    if arguments.sheet is not None:
        check_sheet(arguments.sheet)
    if arguments.dry_run:
        print(explain(plan_cut(arguments.keys, **cut)))
        return 0
    if arguments.report:
        _check_report(Path(arguments.report), Path(arguments.output), arguments.hints)
    style = "json" if arguments.json_progress else "none" if arguments.quiet else "bar"
    with shown(style) as progress:
        report = inbetween(
            arguments.keys,
            arguments.output,
            **cut,
            composite=arguments.composite,
            sheet=arguments.sheet,
            arcs=arguments.arcs == "auto",
            unsure=arguments.unsure,
            hints=arguments.hints,
            options={} if arguments.palette is None else {"palette": arguments.palette},
            model=arguments.model,
            weights=arguments.weights,
            device=arguments.device,
            precision=arguments.precision,
            overwrite=arguments.overwrite,
            progress=progress,
        )
    if arguments.report:
        write_json(report.to_dict(), Path(arguments.report))
    if not arguments.quiet:
        say(_summary(report), {"result": report.to_dict()}, arguments.json_progress)
    return 0


def _check_report(report: Path, output: Path, hints: str | None) -> None:
    """Raise OutputError where the report could not be written, or might be over what is read or drawn."""
    from nakawari.cels.files import is_cel
    from nakawari.cels.sheet import is_sheet
    from nakawari.errors import OutputError
    from nakawari.pipeline.smooth import check_report_path

    told = hints is not None and report.resolve() == Path(hints).resolve()
    if told or is_cel(report) or is_sheet(report):
        raise OutputError(f"{report} is not written over by the report; wanted a name such as report.json.")
    if report.is_dir() or report.parent.resolve() != output.resolve():  # the output is made on the way
        check_report_path(report)


def _wrong(message: str) -> Usage:
    return Usage("nakawari inbetween", message)


def _chart(text: str) -> str:
    understood(parse_charts, text.partition(":")[2] if ":" in text else text)
    return text


def _count(text: str) -> int:
    count = at_least(0)(text)
    understood(eased, count)
    return count


def _strength(text: str) -> float:
    try:
        strength = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    understood(eased, 0, "linear", strength)
    return strength


def _names(text: str) -> str:
    from nakawari.cels.names import check_pattern

    understood(check_pattern, text)
    return text


def _layers(given: list[str] | None) -> dict[str, str] | None:
    if given is None:
        return None
    layers: dict[str, str] = {}
    for word in given:
        name, equals, place = word.partition("=")
        if not (equals and name and place):
            raise _wrong(f"the layer {word!r} is not understood; wanted NAME=FOLDER, such as A=cels/A.")
        if name in layers:
            raise _wrong(f"layer {name} is given twice.")
        layers[name] = place
    return layers


def _holds(given: list[str] | None) -> dict[str, int] | None:
    holds: dict[str, int] = {}
    for word in given or ():
        key, _, frames = word.rpartition("=")
        if not key or not frames.isdigit():
            raise _wrong(f"the hold {word!r} is not understood; wanted KEY=FRAMES, such as A0003=12.")
        holds[Path(key).stem if Path(key).suffix else key] = int(frames)
    return holds or None


def _charts(given: list[str] | None, layers: dict[str, str] | None) -> Any:
    """The charts as `inbetween` takes them: `NAME: chart` is one of a layer."""
    if given is None:
        return None
    charts: dict[str, str] = {}
    for text in given:
        name, colon, chart = text.partition(":")
        name, chart = (name.strip(), chart) if colon else ("", text)
        if name in charts:
            raise _wrong(f"{f'layer {name}' if name else 'the cut'} is given two charts; wanted one.")
        charts[name] = chart
    return charts if layers is not None or set(charts) != {""} else charts[""]


def _summary(report: InbetweenReport) -> str:
    values = report.to_dict()
    count = values["count"]
    lines = [
        f"{report.output}: {count['between']} drawn between {count['key']} keys in {report.seconds:.1f} s "
        f"({report.model})"
    ]
    flagged = list(report.flagged())
    for drawing in flagged[:FLAGS_SHOWN]:
        kept = "" if drawing.reason == "between" else f" ({drawing.reason})"
        lines.append(f"look at {drawing.file}: {', '.join(drawing.flags)}{kept}")
    if len(flagged) > FLAGS_SHOWN:
        lines.append(f"and at {len(flagged) - FLAGS_SHOWN} more; --report FILE lists them.")
    return "\n".join(lines + report.notes)
