"""Compare models, and frames that other systems wrote, with the truth."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from nakawari.cli.matching import add_matching, matching
from nakawari.cli.parser import Usage, add_device, at_least
from nakawari.cli.progress import shown
from nakawari.errors import OutputError
from nakawari.models import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nakawari.evaluation.data import Triplet
    from nakawari.evaluation.run import Sample, Watch
    from nakawari.evaluation.sheet import Sheet
    from nakawari.evaluation.vote import VotePage
    from nakawari.tensors import Array
    from nakawari.video.part import PartFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All flags of `evaluate`."""
    parser.add_argument(
        "-m", "--model", action="append", metavar="NAME", dest="models",
        help="a model, a weight file, or predictions:DIR with DIR/NAME.png for each triplet; may be repeated "
        f"({DEFAULT})",
    )  # fmt: skip
    parser.add_argument(
        "--data", metavar="SPEC",
        help="triplets:DIR (DIR/NAME/frame1, frame2, frame3; frame2 is the truth), "
        "atd12k:DIR (its test part as published, measured as published) "
        "or video:FILE (leave one drawing out)",
    )  # fmt: skip
    parser.add_argument("--limit", type=at_least(1), metavar="N", help="only the first N triplets")
    model = parser.add_argument_group("models")
    model.add_argument(
        "--weights", action="append", default=[], type=_weights, metavar="NAME=FILE",
        help="the weights of one of the models; may be repeated",
    )  # fmt: skip
    add_device(model)
    add_matching(model)
    model.add_argument(
        "--own-guide", action="store_true", help="match pieces here, though the data bring coarse flow"
    )
    parser.add_argument(
        "--lpips-weights", nargs=2, metavar=("BACKBONE", "HEADS"),
        help="compute LPIPS, with torchvision's AlexNet or VGG16 and the published linear heads",
    )  # fmt: skip
    output = parser.add_argument_group("what is said (a Markdown table, always)")
    output.add_argument("--json", metavar="FILE", help="write rows, samples and metadata")
    output.add_argument("--html", metavar="FILE", help="write a contact sheet: truth, results, errors")
    output.add_argument(
        "--worst", type=at_least(0), default=24, metavar="N",
        help="how many triplets the sheet shows, by the first model's PSNR (24)",
    )  # fmt: skip
    output.add_argument(
        "--diff", nargs=2, metavar=("A", "B"),
        help="list the triplets where two models differ most; the sheet then shows those",
    )  # fmt: skip
    output.add_argument(
        "--diff-count", type=at_least(1), default=10, metavar="N", help="how many --diff lists (10)"
    )
    people = parser.add_argument_group("people's eyes")
    people.add_argument(
        "--vote", metavar="FILE.html", help="write a blind page on which people choose between two systems"
    )
    people.add_argument(
        "--vote-count",
        type=at_least(1),
        default=40,
        metavar="N",
        help="triplets on that page, at random (40)",
    )
    people.add_argument(
        "--votes", nargs="+", metavar="FILE.json",
        help="print the preferences of what people saved on it; nothing else is done",
    )  # fmt: skip
    output.add_argument("-q", "--quiet", action="store_true", help="no progress")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the table, write the files; or print what people voted."""
    if arguments.votes:
        from nakawari.evaluation.vote import markdown_votes, read_votes

        print(markdown_votes(read_votes(arguments.votes)), end="")
        return 0
    if arguments.data is None:
        raise Usage("nakawari evaluate", "the following arguments are required: --data (or --votes)")
    from nakawari.allocation import claim
    from nakawari.evaluation.compare import check_sides, contrast
    from nakawari.evaluation.published import markdown_published
    from nakawari.evaluation.run import measure
    from nakawari.evaluation.systems import label
    from nakawari.evaluation.table import markdown, markdown_contrast

    claim()
    specs = list(dict.fromkeys(arguments.models or ([] if arguments.diff else [DEFAULT])))
    for name in arguments.diff or []:
        if name not in specs and name not in map(label, specs):
            specs.append(name)
    sides = [label(name) for name in arguments.diff or []]
    if sides:
        check_sides([label(spec) for spec in specs], *sides)
    sheet = _sheet(arguments, label(specs[0]), sides) if arguments.html else None
    vote = _vote_page(arguments, [label(spec) for spec in specs]) if arguments.vote else None
    with ExitStack() as claimed:
        json_file = _claim(claimed, arguments.json)
        html_file = _claim(claimed, arguments.html)
        vote_file = _claim(claimed, arguments.vote)
        with shown("none" if arguments.quiet else "bar") as progress:
            found = measure(
                specs,
                arguments.data,
                weights=dict(arguments.weights),
                device=arguments.device,
                precision=arguments.precision,
                limit=arguments.limit,
                lpips_weights=arguments.lpips_weights,
                options=matching(arguments),
                own_guide=arguments.own_guide,
                debug_dir=arguments.debug_dir,
                progress=progress,
                watch=_together([each.add for each in (sheet, vote) if each is not None]),
            )
        contrasted = contrast(found.samples, *sides) if sides else None
        _write(json_file, found.to_json)
        _write(html_file, lambda: sheet.html(found) if sheet else "")
        _write(vote_file, lambda: vote.html(str(found.meta["data"])) if vote else "")
    print(markdown(found.rows), end="")
    if "published" in found.meta:
        print("\n" + markdown_published(found.rows), end="")
    for note in found.meta["notes"]:
        print("\n" + note)
    if contrasted is not None:
        print("\n" + markdown_contrast(contrasted, arguments.diff_count), end="")
    return 0


def _weights(text: str) -> tuple[str, str]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FILE")
    return name, file


def _sheet(arguments: argparse.Namespace, first: str, sides: list[str]) -> Sheet:
    from nakawari.evaluation.sheet import Sheet, apart, worst_of

    if sides:
        return Sheet(arguments.worst, apart(*sides), f"largest difference of {sides[0]} and {sides[1]} first")
    return Sheet(arguments.worst, worst_of(first), f"worst PSNR of {first} first")


def _claim(claimed: ExitStack, name: str | None) -> PartFile | None:
    """A file that will be written: refused now rather than after an hour, removed when that hour fails."""
    from nakawari.video.part import PartFile

    if name is None:
        return None
    file = PartFile(Path(name), overwrite=True)
    claimed.callback(file.discard)
    return file


def _write(file: PartFile | None, text: Callable[[], str]) -> None:
    """Write a file that was claimed; None: none was asked for."""
    if file is None:
        return
    try:
        file.part.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{file.path} cannot be written ({error.strerror}).") from error
    file.commit()


def _vote_page(arguments: argparse.Namespace, names: list[str]) -> VotePage:
    from nakawari.evaluation.vote import VotePage, check_voted_on

    check_voted_on(names)
    return VotePage(arguments.vote_count)


def _together(watches: Sequence[Watch]) -> Watch | None:
    """All of them, as one."""
    if not watches:
        return None

    def watch(triplet: Triplet, made: Mapping[str, Array], samples: Mapping[str, Sample]) -> None:
        for each in watches:
            each(triplet, made, samples)

    return watch
