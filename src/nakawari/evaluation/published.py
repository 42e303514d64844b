"""Numbers that were published for the test part of ATD-12K, to stand beside ours.

Their SSIM is `ssim_paper`, but for the thesis' Table 5.1: the same model scores lower there, as SSIM of
range 1 on frames of 8 bits would. LPIPS is AlexNet's, times 100 in the thesis and here unscaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nakawari.evaluation.splits import Row
from nakawari.evaluation.table import table

TRIPLETS = 2000
SPLITS = ("whole", "roi", "easy", "medium", "hard")
PAPER = "Li et al. 2021, Table 1"
THESIS_1 = "thesis, Table 5.1 (another SSIM)"
THESIS_3 = "thesis, Table 5.3"


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a table.

    Attributes:
        source: which table.
        method: as it is called there.
        psnr, ssim: by the order of SPLITS; a table of whole pictures has one of each.
        lpips: of whole pictures; None: not given.
    """

    source: str
    method: str
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    lpips: float | None = None


def _row(source: str, method: str, numbers: str, lpips: float | None = None) -> Published:
    values = [float(number) for number in numbers.split()]
    return Published(source, method, tuple(values[::2]), tuple(values[1::2]), lpips)


PUBLISHED: tuple[Published, ...] = (
    _row(PAPER, "Super SloMo w/o ft.", "27.88 .946 24.56 .886 30.66 .966 27.29 .948 24.63 .917"),
    _row(PAPER, "Super SloMo", "28.19 .949 24.83 .892 30.86 .967 27.63 .950 25.02 .922"),
    _row(PAPER, "DAIN w/o ft.", "28.84 .953 25.43 .897 31.40 .970 28.38 .955 25.77 .927"),
    _row(PAPER, "DAIN", "29.19 .956 25.78 .902 31.67 .971 28.74 .957 26.22 .932"),
    _row(PAPER, "QVI w/o ft.", "28.80 .953 25.54 .900 31.14 .969 28.44 .955 25.93 .929"),
    _row(PAPER, "QVI", "29.04 .955 25.65 .901 31.46 .970 28.63 .956 26.11 .931"),
    _row(PAPER, "AdaCoF w/o ft.", "28.10 .947 24.72 .886 31.09 .968 27.43 .948 24.65 .916"),
    _row(PAPER, "AdaCoF", "28.29 .951 24.89 .894 31.10 .969 27.63 .951 25.10 .925"),
    _row(PAPER, "SoftSplat w/o ft.", "29.15 .955 25.75 .904 31.50 .970 28.75 .956 26.29 .934"),
    _row(PAPER, "SoftSplat", "29.34 .957 25.95 .907 31.60 .970 28.96 .958 26.59 .938"),
    _row(PAPER, "AnimeInterp w/o SGM", "29.54 .958 26.15 .910 31.80 .971 29.15 .959 26.78 .939"),
    _row(PAPER, "AnimeInterp w/o RFR", "27.62 .944 24.43 .887 29.78 .959 27.29 .946 24.94 .920"),
    _row(PAPER, "AnimeInterp", "29.68 .958 26.27 .910 31.86 .971 29.26 .959 27.07 .939"),
    _row(THESIS_1, "AnimeInterp", "29.632 .939", 0.0665),
    _row(THESIS_1, "FILM", "28.724 .932", 0.05638),
    _row(
        THESIS_3, "AnimeInterp, L1",
        "29.675 .958 26.265 .910 31.864 .971 29.256 .959 27.068 .939", 0.0665,
    ),
    _row(
        THESIS_3, "AnimeInterp, style",
        "28.446 .949 25.107 .892 30.887 .967 28.102 .951 25.400 .922", 0.05836,
    ),
    _row(
        THESIS_3, "AnimeInterp + GMA, L1",
        "29.613 .959 26.202 .910 31.838 .972 29.200 .960 26.949 .940", 0.06884,
    ),
    _row(
        THESIS_3, "AnimeInterp + GMA, style",
        "28.771 .952 25.364 .895 31.024 .968 28.327 .953 26.101 .928", 0.05233,
    ),
)  # fmt: skip

EXTREMES = (
    "thesis, Table 5.2, AnimeInterp minus FILM on one triplet: PSNR from -11.921 to +11.868 dB, "
    "SSIM from -0.114 to +0.140."
)


def markdown_published(rows: Sequence[Row]) -> str:
    """Ours and theirs in one table, PSNR and SSIM (paper) of each split, and what it is worth."""
    heads = ["model", "source", *(f"{split} PSNR / SSIM" for split in SPLITS), "LPIPS"]
    lines = [[name, "here", *_ours(rows, name)] for name in dict.fromkeys(row["model"] for row in rows)]
    for one in PUBLISHED:
        digits = 2 if one.source == PAPER else 3  # as printed there
        cells = [f"{psnr:.{digits}f} / {ssim:.3f}" for psnr, ssim in zip(one.psnr, one.ssim, strict=True)]
        cells += ["–"] * (len(SPLITS) - len(cells))
        lines.append([one.method, one.source, *cells, "–" if one.lpips is None else f"{one.lpips:.4f}"])
    said = [EXTREMES, "What is published here was measured by its authors, on all of the test part."]
    measured = {row["n"] for row in rows if row["split"] == "whole"}
    if measured != {TRIPLETS}:
        said.append(f"Ours are of {max(measured)} triplets, not of its {TRIPLETS}: do not compare them.")
    return table(heads, lines, words=2) + "\n" + "\n".join(said) + "\n"


def _ours(rows: Sequence[Row], name: str) -> list[str]:
    own = {row["split"]: row for row in rows if row["model"] == name}
    cells = [
        f"{own[split]['psnr']:.2f} / {own[split]['ssim_paper']:.3f}" if split in own else "–"
        for split in SPLITS
    ]
    lpips = own["whole"]["lpips"]
    return [*cells, "–" if lpips is None else f"{lpips:.4f}"]
