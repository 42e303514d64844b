"""Rows as text: the Markdown table of `nakawari evaluate`, and that of `--diff`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nakawari.evaluation.compare import Contrast
from nakawari.evaluation.splits import Row


@dataclass(frozen=True, slots=True)
class Column:
    """How one number is shown: its heading, digits after the point, a factor, and which way is better."""

    key: str
    heading: str
    digits: int
    scale: float = 1.0
    higher_is_better: bool = False

    def number(self, value: float | None, *, sign: bool = False) -> str:
        """`value` as shown; a dash where there is none."""
        if value is None:
            return "–"
        rounded = round(value * self.scale, self.digits) + 0.0  # never a minus before nothing
        return f"{rounded:{'+' if sign else ''}.{self.digits}f}".replace("-", "−")


COLUMNS = (
    Column("psnr", "PSNR dB ↑", 2, higher_is_better=True),
    Column("ssim", "SSIM ↑", 4, higher_is_better=True),
    Column("ssim_paper", "SSIM (paper) ↑", 4, higher_is_better=True),
    Column("ie", "IE ↓", 2),
    Column("chamfer", "chamfer ×1e5 ↓", 2, 1e5),
    Column("lpips", "LPIPS ↓", 4),
    Column("seconds_per_frame", "s/frame ↓", 3),
)
LEADING = ("psnr", "ssim", "chamfer", "lpips")
"""What Markdown has room for intervals and differences of; JSON and the contact sheet have all."""


def cells(row: Mapping[str, object], columns: Sequence[Column] = COLUMNS) -> list[str]:
    """The numbers of a row or sample as text."""
    return [column.number(_value(row, column.key)) for column in columns]


def interval_cell(row: Row, column: Column) -> str:
    """The mean and its interval as text."""
    text = column.number(_value(row, column.key))
    if column.key in row["interval"]:
        low, high = (column.number(end) for end in row["interval"][column.key])
        text += f" [{low}, {high}]"
    return text


def best(rows: Sequence[Row], column: Column) -> set[int]:
    """Which rows show the best number of a column in their split; none when there is nothing to choose."""
    splits = dict.fromkeys(row["split"] for row in rows)
    places = ([n for n, row in enumerate(rows) if row["split"] == split] for split in splits)
    return {one[n] for one in places for n in _best([rows[place] for place in one], column)}


def by_split(rows: Sequence[Row]) -> list[Row]:
    """The rows of each split together, in order of the splits of the first system."""
    order = list(dict.fromkeys(row["split"] for row in rows))
    return sorted(rows, key=lambda row: order.index(row["split"]))


def _best(rows: Sequence[Row], column: Column) -> set[int]:
    values = {n: column.number(v) for n, row in enumerate(rows) if (v := _value(row, column.key)) is not None}
    if len(values) < 2:
        return set()
    choose = max if column.higher_is_better else min
    top = values[choose(values, key=lambda n: _value(rows[n], column.key) or 0.0)]
    return {number for number, text in values.items() if text == top}


def markdown(rows: Sequence[Row]) -> str:
    """The table: means, those of LEADING with their 95 % intervals; the best of each split bold."""
    heads, lines = heading(rows)
    rows = by_split(rows)
    for column in COLUMNS:
        winners = best(rows, column)
        for number, row in enumerate(rows):
            full = interval_cell(row, column)
            text = full if column.key in LEADING else full.partition(" ")[0]
            mean, space, rest = text.partition(" ")
            lines[number].append(f"**{mean}**{space}{rest}" if number in winners else text)
    return table(heads, lines, words=heads.index("n"))


def heading(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Headings, and what each line of `by_split` begins with; the split is said where there are several."""
    several = len({row["split"] for row in rows}) > 1
    heads = ["model", *["split"] * several, "n", *(column.heading for column in COLUMNS)]
    lines = [[row["model"], *[row["split"]] * several, str(row["n"])] for row in by_split(rows)]
    return heads, lines


def markdown_contrast(found: Contrast, count: int) -> str:
    """The mean differences, and the `count` triplets where two systems differ most."""
    columns = [column for column in COLUMNS if column.key in LEADING and column.key in found.mean]
    heads = [f"{found.a} / {found.b} (difference)", *(column.heading for column in columns)]
    mean = [f"mean of {len(found.pairs)}"]
    for column in columns:
        value, low, high = (column.number(number, sign=True) for number in found.mean[column.key])
        mean.append(f"{value} [{low}, {high}]")
    lines = [mean]
    for one, other in found.pairs[:count]:
        line = [one["name"]]
        for column in columns:
            pair = [_value(sample, column.key) or 0.0 for sample in (one, other)]
            first, second = map(column.number, pair)
            line.append(f"{first} / {second} ({column.number(pair[0] - pair[1], sign=True)})")
        lines.append(line)
    return table(heads, lines)


def _value(row: Mapping[str, object] | Row, key: str) -> float | None:
    value = row.get(key)
    return None if value is None else float(value)  # type: ignore[arg-type]


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Markdown; the first `words` columns are text, the others are numbers."""
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in (heads, *lines)]
    widths = [max(len(line[place]) for line in escaped) for place in range(len(heads))]

    def line(parts: Sequence[str]) -> str:
        padded = [
            part.ljust(width) if place < words else part.rjust(width)
            for place, (part, width) in enumerate(zip(parts, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 1) + ("-" if n < words else ":") for n, w in enumerate(widths)) + "|"
    return "\n".join([line(escaped[0]), rule, *map(line, escaped[1:])]) + "\n"
