"""classic: the in-between that needs no weights.

    motion.py     how motion sees a key: grey, and the distance to lines; both are searched for flow
    sprites.py    flat regions that jump further than flow can look, matched by colour, size and shape
    candidates.py the motions that a pixel of the new picture may have
    synthesis.py  each counts as much as the keys agree on it

What each part brought when it was added, in dB, on hand-drawn clips and on vector animations (a few dozen
triplets of `benchmarks/peers.py`; the start is the baseline there, flow on grey and one splat):

    choosing among motions at t          +0.3    0.0     lines and shapes stay whole; no holes
    agreeing with the splatted colours    0.0   +0.25    what passes over flat colour stays
    having the lines that landed          0.0    0.0     lines are missed less: 18.2 -> 17.8 on the mean
    flow on distance to lines            +0.05  +0.2     thin figures that move by more than their width
    global shift                         +0.2    0.0     1.7 in a clip of one figure walking over white
    sprites                               0.0    0.0     a disc that jumps three diameters is whole
    believing all where none is certain  +0.3   +0.1     what cannot be followed smears instead of tearing
    motion at half size when large        0.0   +0.1     and a third of the time

and on 40 scenes in which the camera moves (dB, and how far lines are off):

    layers with their outline in both    +0.7    18.2 -> 12.8    figures are not cut to pieces where they meet
    what is outside of a key              +0.5   12.4 -> 11.3    what a pan brings in is solid to the border
    leaving flow, from beside it          +0.1   with the one before
    search around no shift as well         0.0    what stands before a pan stays whole, in other light too

Tried and left out, because each brought less than 0.1 dB and nothing to the eye: choosing the flow of each
key by photometric cost (it loses smoothness), finer search, sharper importance (-0.6 on vector animations),
a median filter of the motion, credit for lines that both keys show, and going back to the splatted colours
where keys disagree. Ten variational refinements in place of the preset's five lose 0.08 dB and a sixth more
time. Taking one key's side where the two disagree, softly, was tried by nearness to the splatted colours
(lines shorter in four hand-drawn clips, longer in two groups; -0.02 dB), by landed weight (-0.04 dB) and by
darkness (-0.12 dB); none was good in every group. Taking one key's side whole, wherever a region tears, looks
better on the hardest pairs (figures and faces are whole, in the pose of one key) and measures worse: -0.36 dB
on hand-drawn clips and longer lines where keys disagree, -0.4 dB where lines of both keys are lost. Leaving
out a key whose own flow does not lead to the pixel loses 0.1 dB; an agreement window of 3 or 9 pixels gains
nothing. Candidates of more searches (quarter size, larger patches, half-size keys, saturation) gain 0.02 to
0.05 dB each, and take a fifth more time. Odds that are smoothed over 9 pixels gain 0.03 dB and lose SSIM. A
motion fitted to the flow of each flat region, turning and scaling, gains 0.1 dB in one group of vector
animations and nothing elsewhere (0.1 dB on drawings, and -0.7 on textures, where it is trusted even if it
fits badly). An average of the keys is never mixed in.

Where both keys are equal, only what `cover` says may change: pixels for which a moving candidate won, or on
which pixels land that surely move, but not beside still edges (captions, painted backgrounds); sprites; and
specks amid what cannot be followed.

An option, `unsure`, says how parts stand whose motion is lost (`Judged.lost`): "draw" lets one key fade into
the other, "hold" shows key 0, "nearest" the nearer one (along the global shift, where there is one).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nakawari.models.arcs import Curved
from nakawari.models.base import Drawn
from nakawari.models.classic import motion
from nakawari.models.classic.candidates import Candidates, Field, Turns, find_candidates, trusted
from nakawari.models.classic.motion import Bytes, Floats, Flows, Look
from nakawari.models.classic.sprites import Sprite, erase, find_sprites
from nakawari.models.classic.synthesis import FADES, Choice, Judged, by_agreement, enlarge, lay, stands
from nakawari.models.costs import COSTS
from nakawari.models.unsure import Unsure, check_unsure, share_of_second
from nakawari.ops.following import lookup
from nakawari.ops.gather import NOTHING_KNOWN, Known, mix_along
from nakawari.ops.search import Search, carried, dense_search, global_shift, search_around
from nakawari.ops.warp import resize_flow
from nakawari.tensors import to_frame


@dataclass(slots=True)
class Encoded:
    """What is known of one key: its pixels, 0-255, and how motion sees it."""

    rgb: Bytes
    look: Look


@dataclass(slots=True)
class State:
    """All about a pair that does not depend on t.

    `rgb0`, `rgb1` and `fields` are at working size and know nothing of the sprites.
    """

    rgb0: Bytes
    rgb1: Bytes
    fields: list[Field]
    shifts: list[tuple[int, int]]
    sprites: list[Sprite]
    size: tuple[int, int]
    turns: Turns | None = None
    """At working size."""
    choices: dict[tuple[float, Unsure], Choice] = field(default_factory=dict)
    """What was chosen at the last t, because alpha is drawn after colour with the same."""
    known: Known = NOTHING_KNOWN
    """Where flow tells what is in front: the motion of the keys' pixels, at working size."""
    stands: Floats | None = None
    """Where one key stands, at working size; None: not known yet."""


class Classic(Curved):
    """Regions, dense inverse search and splatting; runs on the CPU whatever the device.

    The search is coarse to fine and needs room around a change: with 64 pixels it loses 0.3 dB.
    """

    context_px = 160
    knows_stillness = True
    evens_light = True
    side_by_side = True
    cost = COSTS["classic"]
    options: Mapping[str, Any] = {"unsure": "draw"}

    def _adjust(self, options: dict[str, Any]) -> None:
        check_unsure(options["unsure"])
        self.options = options

    def _encode(self, image: Tensor) -> list[Encoded]:
        return [_encode(_bytes(one)) for one in image]

    def _prepare(
        self, image0: Tensor, image1: Tensor, features0: list[Encoded], features1: list[Encoded]
    ) -> list[State]:
        return [_prepare(key0, key1) for key0, key1 in zip(features0, features1, strict=True)]

    def _at(self, state: list[State], t: float, image0: Tensor, image1: Tensor) -> Drawn:
        drawn = [
            _draw(one, self._chosen_at(one, t), t, _planes(key0), _planes(key1))
            for one, key0, key1 in zip(state, image0, image1, strict=True)
        ]
        image = _stack([picture for picture, _ in drawn]).to(image0.device, image0.dtype)
        return Drawn(image, _stack([cover for _, cover in drawn])[:, None].to(image0.device))

    def _chosen_at(self, state: State, t: float) -> Choice:
        unsure: Unsure = self.options["unsure"]
        if (t, unsure) not in state.choices:
            found = _candidates(state, t)
            judged = Judged.of(found)
            lost = judged.lost(*FADES) if unsure == "draw" else _stands(state, found, judged)
            state.choices = {(t, unsure): by_agreement(found, judged, lost, share_of_second(unsure, t))}
        return state.choices[t, unsure]

    def _flows(self, state: list[State]) -> tuple[Tensor, Tensor]:
        sides = [[_flow(one, side) for one in state] for side in (0, 1)]
        return torch.cat(sides[0]).to(self.device), torch.cat(sides[1]).to(self.device)

    def _bend(self, state: list[State], turn0: Tensor, turn1: Tensor) -> None:
        for number, one in enumerate(state):
            for sprite in one.sprites:
                sprite.turn = float(turn0[number, 0].cpu().numpy()[sprite.mask0].mean())
            small = [_resized(turn[number, 0].cpu().numpy(), one.rgb0.shape[:2]) for turn in (turn0, turn1)]
            one.turns = Turns(*small)
            one.choices, one.stands = {}, None


def _candidates(state: State, t: float) -> Candidates:
    return find_candidates(state.rgb0, state.rgb1, state.fields, state.shifts, t, state.turns, state.known)


def _stands(state: State, found: Candidates, judged: Judged) -> Floats:
    """Where one key stands: decided once for a pair, half way, or parts would come and go."""
    if state.stands is None:
        if found.t != 0.5:
            found = _candidates(state, 0.5)
            judged = Judged.of(found)
        state.stands = stands(found, judged)
    return state.stands


def _stack(arrays: list[npt.NDArray[Any]]) -> Tensor:
    """As `torch.stack`, but one array is not copied."""
    return torch.from_numpy(arrays[0])[None] if len(arrays) == 1 else torch.from_numpy(np.stack(arrays))


def _encode(rgb: Bytes) -> Encoded:
    size = motion.working_size(*rgb.shape[:2])
    small = rgb
    if size != rgb.shape[:2]:
        small = np.asarray(cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return Encoded(rgb, motion.look(small))


def _prepare(key0: Encoded, key1: Encoded) -> State:
    look0, look1 = key0.look, key1.look
    height, width = key0.rgb.shape[:2]
    finest = 1 if look0.grey.shape == (height, width) else 0
    shift = global_shift(look0.grey, look1.grey)
    search = dense_search(finest=finest)
    flows = _searched(look0, look1, shift, search)
    errors = [
        motion.largest(cv2.absdiff(own.rgb, lookup(other.rgb, flow)))
        for own, other, flow in ((look0, look1, flows[0]), (look1, look0, flows[1]))
    ]
    sprites = find_sprites(look0.rgb, look1.rgb, *errors)
    if sprites:
        bare0 = motion.look(erase(look0.rgb, look1.rgb, sprites, first=True))
        bare1 = motion.look(erase(look1.rgb, look0.rgb, sprites, first=False))
        look0, look1 = bare0, bare1
        flows = _searched(look0, look1, shift, search)
    lines = carried(search_around(look0.distance, look1.distance, shift, dense_search(finest=1)), shift)
    return State(
        look0.rgb,
        look1.rgb,
        fields=[trusted(each, look0, look1) for each in (flows, lines)],
        shifts=[(0, 0)] if shift == (0, 0) else [(0, 0), shift],
        sprites=[sprite.enlarged(height, width) for sprite in sprites],
        size=(height, width),
    )


def _searched(look0: Look, look1: Look, shift: tuple[int, int], search: Search) -> Flows:
    """What search finds on grey around a shift, and where that does not explain the keys, around none."""
    flows = search_around(look0.grey, look1.grey, shift, search)
    if shift == (0, 0):
        return flows
    rough = dense_search(finest=1)
    return motion.far_better(
        look0.rgb,
        look1.rgb,
        carried(flows, shift),
        lambda: search_around(look0.grey, look1.grey, (0, 0), rough),
    )


def _draw(
    state: State, choice: Choice, t: float, image0: Floats, image1: Floats
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The picture [3, H, W] of two keys [3, H, W], and its cover."""
    along = choice.motions, choice.weights, t, choice.bends
    cover = enlarge(choice.cover, *image0.shape[1:])
    if not state.sprites:
        return mix_along(image0, image1, *along), cover
    own, other = (np.ascontiguousarray(image.transpose(1, 2, 0)) for image in (image0, image1))
    bare = erase(own, other, state.sprites, first=True), erase(other, own, state.sprites, first=False)
    planes = [np.ascontiguousarray(image.transpose(2, 0, 1)) for image in bare]
    picture = np.ascontiguousarray(mix_along(planes[0], planes[1], *along).transpose(1, 2, 0))
    cover = cover.copy()
    for sprite in state.sprites:
        cover |= lay(picture, own, other, sprite, t)
    return np.ascontiguousarray(picture.transpose(2, 0, 1)), cover


def _flow(state: State, side: int) -> Tensor:
    """The flow of one key to the other at picture size, [1, 2, H, W], sprites and all."""
    small = np.ascontiguousarray(state.fields[0][side].flow.transpose(2, 0, 1))
    flow = resize_flow(torch.from_numpy(small)[None], state.size)
    for sprite in state.sprites:
        mask = torch.from_numpy(sprite.mask1 if side else sprite.mask0)
        move = torch.tensor(sprite.move)[:, None] * (-1 if side else 1)
        flow[0, :, mask] = move.expand(2, int(mask.sum()))
    return flow


def _resized(picture: Floats, size: tuple[int, int]) -> Floats:
    if picture.shape == size:
        return picture
    return np.asarray(cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA), np.float32)


def _bytes(image: Tensor) -> Bytes:
    return to_frame(image[None])


def _planes(image: Tensor) -> Floats:
    return image.float().contiguous().cpu().numpy()


def build(name: str, weights: object, device: torch.device, precision: torch.dtype) -> Classic:
    """The CATALOG entry."""
    return Classic(name, device)
