"""What is made of the numbers: intervals, contrasts, tables, the contact sheet."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from nakawari.errors import InputError
from nakawari.evaluation.bootstrap import intervals
from nakawari.evaluation.compare import contrast
from nakawari.evaluation.data import Triplet
from nakawari.evaluation.run import Evaluation, Sample, measure, row_of, score
from nakawari.evaluation.sheet import Sheet, apart, worst_of
from nakawari.evaluation.table import COLUMNS, best, markdown, markdown_contrast
from tests.evaluation.scenes import draw


def sample(model: str, name: str, psnr: float, **other: float) -> Sample:
    base = {"ssim": 0.9, "ssim_paper": 0.95, "ie": 3.0, "chamfer": 4e-5, "lpips": None}
    base["seconds_per_frame"] = None
    return {"model": model, "data": "d", "split": "whole", "n": 1, "name": name, "psnr": psnr} | base | other


A = [sample("a", "x", 30.0), sample("a", "y", 20.0), sample("a", "z", 25.0, chamfer=2e-5)]
B = [sample("b", "x", 29.0), sample("b", "y", 24.0), sample("b", "z", 25.5, chamfer=3e-5)]


def test_intervals_cover_the_mean_of_a_known_source() -> None:
    rng = np.random.default_rng(0)
    draws = rng.normal(5.0, 2.0, (200, 40))  # 200 experiments of 40 values
    ends = np.array([intervals(values[:, None], resamples=300)[0] for values in draws])
    covered = ((ends[:, 0] <= 5) & (ends[:, 1] >= 5)).mean()
    assert 0.88 <= covered <= 0.99
    # half the width is about 1.96 standard errors
    assert np.mean(ends[:, 1] - ends[:, 0]) / 2 == pytest.approx(1.96 * 2 / np.sqrt(40), rel=0.1)


def test_intervals_of_constants_and_order() -> None:
    values = np.column_stack([np.full(7, 3.0), np.arange(7.0)])
    ends = intervals(values)
    np.testing.assert_allclose(ends[0], 3.0)
    assert 0 < ends[1, 0] < 3 < ends[1, 1] < 6
    np.testing.assert_array_equal(ends, intervals(values))
    np.testing.assert_allclose(intervals(values[:1]), [[3, 3], [0, 0]])


def test_contrast_ranks_by_difference() -> None:
    found = contrast([*A, *B], "a", "b")
    assert [one["name"] for one, _ in found.pairs] == ["y", "x", "z"]
    assert all(one["name"] == other["name"] for one, other in found.pairs)
    value, low, high = found.mean["psnr"]
    assert value == pytest.approx((1 - 4 - 0.5) / 3)
    assert low <= value <= high
    assert "lpips" not in found.mean
    back = contrast([*A, *B], "b", "a").mean["psnr"]
    assert back == pytest.approx((-value, -high, -low))
    with pytest.raises(InputError, match="'c' is not evaluated; there are a, b"):
        contrast([*A, *B], "a", "c")
    with pytest.raises(InputError, match="differs from itself"):
        contrast(A, "a", "a")


def table_cells(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "---" not in line]


def test_markdown() -> None:
    heads, a, b = table_cells(markdown([row_of(A), row_of(B)]))
    assert heads[:3] == ["model", "n", "PSNR dB ↑"]
    assert a[:2] == ["a", "3"]
    assert re.fullmatch(r"25\.00 \[\d+\.\d\d, \d+\.\d\d\]", a[2])
    assert b[2].startswith("**26.17** [")
    assert a[heads.index("chamfer ×1e5 ↓")].startswith("**3.33** [")
    assert a[heads.index("LPIPS ↓")] == a[heads.index("s/frame ↓")] == "–"
    assert best([row_of(A)], COLUMNS[0]) == set()


def test_markdown_of_a_contrast() -> None:
    heads, mean, first, *rest = table_cells(markdown_contrast(contrast([*A, *B], "a", "b"), 2))
    assert heads[0] == "a / b (difference)"
    assert mean[0] == "mean of 3"
    assert mean[1].startswith("−1.17 [")
    assert first[:2] == ["y", "20.00 / 24.00 (−4.00)"]
    assert len(rest) == 1
    assert rest[0][3] == "4.00 / 4.00 (+0.00)"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.images: dict[str, np.ndarray] = {}
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "section":
            self.ids.append(values["id"])
        self.addresses += [v for k, v in attributes if k in ("src", "href", "srcset", "data")]
        if tag == "img" and "src" in values:
            data = b64decode(values["src"].removeprefix("data:image/jpeg;base64,"), validate=True)
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            self.images[values["alt"]] = image[..., ::-1].astype(int)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def sheet_of(sheet: Sheet, shades: dict[str, int], model: str = "a") -> str:
    """The page after triplets whose result is the truth made brighter by a shade each."""
    samples = []
    for name, shade in shades.items():
        truth = draw(1)
        made = (truth.astype(int) + shade).clip(0, 255).astype(np.uint8)
        numbers = score(made, truth, None, name)
        one = sample(model, name, 0.0) | numbers
        samples.append(one)
        sheet.add(Triplet(name, truth, truth, truth), {model: made}, {model: one})
    meta = {"data": "triplets:<d>", "nakawari": "0", "torch": "0", "devices": {model: "cpu"}}
    return sheet.html(Evaluation([row_of(samples)], samples, meta))


def test_sheet_keeps_the_worst_in_order() -> None:
    shades = {"p": 3, "q": 20, "r": 1, "s": 9, "t": 14}
    page = _Page(sheet_of(Sheet(3, worst_of("a"), "worst first"), shades))
    assert page.ids == ["q", "t", "s"]
    assert list(page.images) == [f"{n}: {w}" for n in page.ids for w in ("truth", "a", "a, error ×4")]
    assert np.abs(page.images["q: truth"] - draw(1)).max() < 24
    assert np.median(page.images["q: a"] - page.images["q: truth"]) == pytest.approx(20, abs=1)
    assert np.median(page.images["s: a, error ×4"]) == pytest.approx(36, abs=1)
    assert page.images["q: a"].shape == draw(0).shape  # full size


def test_sheet_asks_nothing_of_others_and_escapes_names() -> None:
    text = sheet_of(Sheet(9, worst_of("<i>"), "worst"), {"x&y": 5}, model="<i>")
    page = _Page(text)
    assert page.ids == ["x&y"]
    assert all(address.startswith("data:") for address in page.addresses)
    assert not re.search(r"https?:|url\(|@import", text)
    assert "<i>" not in text
    assert _Page(sheet_of(Sheet(0, worst_of("a"), "none"), {"x": 5})).ids == []


def test_sheet_in_order_of_difference(triplets: Path, averages: Path, truths: Path) -> None:
    sheet = Sheet(2, apart("mean", "oracle"), "largest difference")
    found = measure(
        [f"predictions:{averages}", f"predictions:{truths}"], f"triplets:{triplets}", watch=sheet.add
    )
    ranked = [one["name"] for one, _ in contrast(found.samples, "mean", "oracle").pairs]
    page = _Page(sheet.html(found))
    assert page.ids == ranked[:2]
    assert len(page.images) == 2 * 5
