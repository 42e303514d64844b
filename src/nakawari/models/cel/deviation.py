"""How far parts of a drawing are off their chords, so that their lines come to lie on those of a rough.

A part deviates by a polynomial of its place. Parts that lie beside each other deviate alike, so that what is
missing in a rough is told by what is not, and what wobbles is told by the average. First all together are
shifted, then parts with those around them; then each is bent as its lines ask for: from coarse to fine. What
deviates by no more than the rough's lines are wide and wobble stays on its chord.

Source: Besl & McKay 1992 for closest points, Chen & Medioni 1992 for distances across lines instead of
between points, Barrow et al. 1977 for chamfer matching.
Differs: a polynomial for each part and ties between parts instead of one motion; lines are met by lines of
their direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nakawari.models.cel.motions import Floats, Places
from nakawari.models.cel.rough import Lines, angle_of, by_direction, direction_of
from nakawari.ops.lines import distance_to

REACH, STEPS = 0.1, 14
"""How far off their chords parts are looked for, of the picture's larger side, and in how many steps."""
SPARSE = 3
"""Of the vertices only every so many are asked then."""
LEVELS = (4, 2, 1)
"""Parts are shifted together with those that are so many parts away, first many, then few."""
FAR_PX = 6.0
"""Lines that are farther from those of the rough are as good as lost."""
STAY, ALIKE = 0.04, 0.16
"""What a pixel off the chord, or off those around, has to gain: so many pixels by which lines come nearer, on
the average; and what one off those around has to gain in all."""
ROUNDS = ((10.0, 1, 3), (8.0, 3, 3), (6.0, 6, 4))
"""Pixels in which lines are looked for, terms of the polynomials, and how often."""
PRIOR_PX = (8.0, 3.0, 3.0, 1.5, 1.5, 1.5)
"""How large terms are expected to be: of a shift, of turning and growing, of bending."""
TIED_PX = 0.5
"""How far parts may come apart that lie side by side."""
CORRELATED_PX = 16.0
"""So much of a line wobbles as one."""
TURNED_PX = 10.0
"""What it costs a line to lie on one across it; 0.7 of that at half of a right angle."""
SLIDE = 0.05
"""How much a vertex is held along its line, of how much across it."""
WIDTH, NOISE, SURE = 0.55, 6.0, 1.5
"""What deviates by less than this share of half a line's width, and so many times the variance that wobbling
leaves, stays; what deviates by (1 + SURE) times as much, squared, goes all the way."""
AROUND = 2
"""How many parts away it is asked how surely all deviate."""
EDGE = 1.3
"""Beyond so many times its radius a part deviates as there."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What deviates as a whole.

    Attributes:
        lines: vertices of both keys, on their chords at the time of the rough.
        part: [N], of each vertex.
        beside: [L, 2, 2], places of two parts that lie side by side.
        tied, tie: [L, 2] and [L], which parts, and how closely, in [0, 1].
        centre, radius: [P, 2], [P], pixels.
    """

    lines: Lines
    part: Places
    beside: Floats
    tied: Places
    tie: Floats
    centre: Floats
    radius: Floats

    def basis(self, place: Floats, part: Places) -> Floats:
        """[N, 6], polynomials of places of parts."""
        u, v = np.clip((place - self.centre[part]) / self.radius[part, None], -EDGE, EDGE).T
        return np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], 1)

    def gone(self, terms: Floats, place: Floats, part: Places) -> Floats:
        """[N, 2], pixels: how far places of parts deviate; `terms` as `deviations` gives them."""
        return np.asarray(np.einsum("nk,nkc->nc", self.basis(place, part), terms[part]))

    def shares(self) -> Any:
        """[P, P], sparse: of each part's neighbours, how much each counts; rows add up to 1, or 0."""
        from scipy.sparse import coo_matrix

        many = len(self.centre)
        joined = coo_matrix((self.tie, tuple(self.tied.T)), (many, many)).tocsr()
        joined = joined + joined.T
        degree = np.maximum(np.asarray(joined.sum(1)).reshape(-1), 1e-9)
        return joined.multiply(1 / degree[:, None]).tocsr()


def deviations(parts: Parts, rough: Lines, shape: tuple[int, int]) -> tuple[Floats, float]:
    """Lead parts onto the lines of a rough.

    Args:
        parts: of both keys.
        rough: its lines.
        shape: (H, W) of the picture.

    Returns:
        [P, 6, 2], pixels, the terms of each part's polynomial; and the share of the rough's lines on which
        lines of the keys lie then.
    """
    scale = max(1.0, max(shape) / 640)
    shares = parts.shares()
    terms = np.zeros((len(parts.centre), len(PRIOR_PX), 2))
    terms[:, 0] = _shifted(parts, rough, shape, scale, shares)
    terms = _bent(parts, rough, terms, scale, shares)
    place = parts.lines.place + parts.gone(terms, parts.lines.place, parts.part)
    far, _ = _tree(place, parts.lines.way, scale).query(_turned(rough.place, rough.way, scale))
    return terms, float((far < FAR_PX * scale).mean())


def _shifted(parts: Parts, rough: Lines, shape: tuple[int, int], scale: float, shares: Any) -> Floats:
    """[P, 2]: by how much to shift each part, of all shifts within reach."""
    height, width = shape
    reach = REACH * max(shape)
    axis = np.linspace(-reach, reach, 2 * STEPS + 1)
    steps = np.stack(np.meshgrid(axis, axis), 2).reshape(-1, 2)
    steps = steps[np.hypot(*steps.T) <= reach + 1e-6]
    size = np.hypot(*steps.T)
    away = np.stack([np.minimum(distance_to(mask), FAR_PX * scale) for mask in by_direction(rough, shape)])
    some = slice(None, None, SPARSE)
    place, part = parts.lines.place[some], parts.part[some]
    way, many = direction_of(parts.lines.way[some]), len(parts.centre)
    cost = np.empty((many, len(steps)))
    for k, step in enumerate(steps):
        x, y = np.rint(place + step).astype(np.int64).T
        cost[:, k] = np.bincount(part, away[way, y.clip(0, height - 1), x.clip(0, width - 1)], many)
    count = np.bincount(part, minlength=many).astype(np.float64)
    whole = steps[np.argmin(cost.sum(0) / count.sum() + STAY * size)]
    shift = np.broadcast_to(whole, (many, 2))
    for level in LEVELS:
        pooled, total = _pooled(shares, cost, level), _pooled(shares, count, level)[:, None]
        unlike = np.linalg.norm(steps[None] - shift[:, None], axis=2)
        value = (pooled + ALIKE * unlike) / np.maximum(total, 1) + STAY * (size + unlike)
        shift = steps[value.argmin(1)]
    return np.asarray(shift)


def _pooled(shares: Any, values: Floats, hops: int) -> Floats:
    """What parts have, with what those around them have."""
    pooled = values
    for _ in range(hops):
        pooled = values + shares @ pooled
    return np.asarray(pooled)


def _bent(parts: Parts, rough: Lines, terms: Floats, scale: float, shares: Any) -> Floats:
    """Terms of the polynomials that bring lines onto those of the rough nearby, as far as they surely do."""
    place, way, part = parts.lines.place, parts.lines.way, parts.part
    basis, many = parts.basis(place, part), len(parts.centre)
    tree = _tree(rough.place, rough.way, scale)
    angle = angle_of(way)
    across = np.stack([-np.sin(angle), np.cos(angle)], 1)
    count, spread = np.zeros(many), scale
    for reach, used, often in ROUNDS:
        for _ in range(often):
            here = place + parts.gone(terms, place, part)
            far, which = tree.query(_turned(here, way, scale), distance_upper_bound=reach * scale)
            met = np.flatnonzero(np.isfinite(far))
            if not len(met):
                return np.zeros_like(terms)
            aim, on = rough.place[which[met]], across[met]
            off = np.abs(((aim - here[met]) * on).sum(1))
            spread = float(np.clip(1.5 * np.median(off), 0.5 * scale, 3 * scale))
            trust = 1 / (1 + (off / (2 * spread)) ** 2) ** 2 / (CORRELATED_PX * scale * spread**2)
            terms = _solved(parts, basis[met, :used], part[met], aim - place[met], on, trust, scale)
            count = np.bincount(part[met], minlength=many).astype(np.float64)
    gone = parts.gone(terms, place, part)
    size = np.bincount(part, (gone**2).sum(1), many) / np.maximum(np.bincount(part, minlength=many), 1)
    total = np.maximum(_pooled(shares, count, AROUND), 1)
    noise = (WIDTH * rough.half_px) ** 2 + NOISE * CORRELATED_PX * scale * spread**2 / total
    surely = np.clip((_pooled(shares, count * size, AROUND) / total / noise - 1) / SURE, 0, 1)
    # parts that go all the way and such that stay do not come apart
    trust = np.full(len(part), 1 / (CORRELATED_PX * scale * spread**2))
    return _solved(parts, basis, part, surely[part, None] * gone, across, trust, scale)


def _turned(place: Floats, way: Floats, scale: float) -> Floats:
    """[N, 4]: places in which those of other directions are farther away."""
    return np.concatenate([place, 0.5 * TURNED_PX * scale * way], 1)


def _tree(place: Floats, way: Floats, scale: float) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(_turned(place, way, scale))


def _solved(
    parts: Parts, basis: Floats, part: Places, want: Floats, across: Floats, trust: Floats, scale: float
) -> Floats:
    """[P, 6, 2]: the likeliest terms, by least squares.

    Args:
        parts: of the keys.
        basis: [N, K], at vertices that met a line: how many terms are used.
        part, want, across, trust: [N], [N, 2], [N, 2], [N]: their parts, how far they want to go, the
            direction across their line, and how much they are believed.
    """
    from scipy.sparse import coo_matrix, diags_array
    from scipy.sparse.linalg import spsolve

    used, many = basis.shape[1], len(parts.centre)

    def rows(basis: Floats, part: Places, along: Floats) -> Any:
        """[N, P·K·2], sparse: what terms move places along [N, 2]."""
        column = (part[:, None, None] * used + np.arange(used)[None, :, None]) * 2 + np.arange(2)
        row = np.broadcast_to(np.arange(len(part))[:, None, None], column.shape)
        value = basis[:, :, None] * along[:, None, :]
        return coo_matrix(
            (value.reshape(-1), (row.reshape(-1), column.reshape(-1))), (len(part), many * used * 2)
        ).tocsr()

    expected = np.repeat(np.array(PRIOR_PX[:used]) * scale, 2)
    matrix = diags_array(np.tile(1 / expected**2, many)).tocsc()
    right = np.zeros(many * used * 2)
    along = np.stack([across[:, 1], -across[:, 0]], 1)
    for way, share in ((across, 1.0), (along, SLIDE)):
        moved = rows(basis, part, way)
        weighted = moved.T @ diags_array(share * trust)
        matrix, right = matrix + weighted @ moved, right + weighted @ (want * way).sum(1)
    near = [parts.basis(parts.beside[:, i], parts.tied[:, i])[:, :used] for i in (0, 1)]
    for axis in np.eye(2):
        one, other = (rows(near[i], parts.tied[:, i], np.tile(axis, (len(parts.tie), 1))) for i in (0, 1))
        apart = one - other
        matrix = matrix + apart.T @ diags_array(parts.tie / (TIED_PX * scale) ** 2) @ apart
    terms = np.zeros((many, len(PRIOR_PX), 2))
    terms[:, :used] = spsolve(matrix.tocsc(), right).reshape(many, used, 2)
    return terms
