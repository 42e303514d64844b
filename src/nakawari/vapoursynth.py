"""nakawari as a VapourSynth filter: `nakawari.vapoursynth.interpolate(clip, ...)`.

A frame server asks for frames in any order, from several threads, and has not seen the whole clip. So
every frame of the clip is taken for a drawing of its own, and cuts are what the clip's frames say of
themselves (`_SceneChangeNext`, as `misc.SCDetect` and its like set it); or a plan that `nakawari plan --json`
made of the same clip says how each output frame is made, repeats, holds and cuts as in `nakawari smooth`.
"""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from nakawari.errors import InputError, PlanError
from nakawari.models import DEFAULT, load
from nakawari.models.base import Encoded, Interpolator, Pair
from nakawari.optional import need
from nakawari.pipeline.given import read_plan
from nakawari.timeline.plan import Plan, Slot
from nakawari.timeline.retime import LARGEST_FACTOR

_PAIRS = 4
"""Pairs that stay prepared: frames are asked for nearly in order, by a few threads at a time."""


def interpolate(
    clip: Any,
    model: str = DEFAULT,
    factor_num: int = 2,
    factor_den: int = 1,
    fps_num: int | None = None,
    fps_den: int | None = None,
    sc: bool = True,
    *,
    plan: Plan | str | Path | None = None,
    weights: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Any:
    """Draw the frames between those of a clip.

    Args:
        clip: RGB of 8 or 16 bits (RGB24, RGB48) or 32-bit float (RGBS, in [0, 1]), of one size.
        model, weights, device, precision: as `nakawari.load` takes them.
        factor_num, factor_den: output frames for each input frame.
        fps_num, fps_den: the output rate instead; `fps_den` is 1 where only the other is given.
        sc: honour `_SceneChangeNext`: where it is set, the frame stands until the next one.
        plan: how each output frame is made (a Plan, or the file of one); says rate and cuts itself.

    Returns:
        a clip of round(frames × factor) frames, of the same format. Frames that are not between two others
        are those of `clip`.

    Raises:
        InputError: the clip or a number cannot be used. PlanError: the plan is not one of this clip.
        ModelError: no such model. MissingExtraError: VapourSynth is not installed.
    """
    vs = need("vapoursynth", "vapoursynth")
    _check_clip(vs, clip)
    if plan is not None:
        made = read_plan(plan)
        first, second, rate = _by_plan(clip, made)
        moments = [None if slot.t is None else float(slot.t) for slot in made.slots]
    else:
        factor = _factor(clip, factor_num, factor_den, fps_num, fps_den)
        first, second = _by_factor(clip, factor)
        rate = clip.fps * factor
        moments = None
    artist = _Artist(load(model, weights, device, precision))

    def made_frame(n: int, f: list[Any]) -> Any:
        source, target = f
        if moments is not None:
            key, t = _pair_of(made.slots[n]), moments[n]
        else:
            place = n / factor
            number = int(place)
            key = (number, min(number + 1, clip.num_frames - 1))
            t = float(place - number)
            if sc and source.props.get("_SceneChangeNext"):
                t = 0.0
        if not t or key is None or key[0] == key[1]:
            return source
        return artist.draw(source, target, key, t)

    if clip.fps:
        first = first.std.AssumeFPS(fpsnum=rate.numerator, fpsden=rate.denominator)
    return first.std.ModifyFrame(clips=[first, second], selector=made_frame)


class _Artist:
    """Draws frames of VapourSynth, one at a time; remembers the last pairs."""

    def __init__(self, model: Interpolator) -> None:
        self._model = model
        self._lock = Lock()
        self._pairs: OrderedDict[tuple[int, int], Pair] = OrderedDict()
        self._encoded: OrderedDict[int, Encoded] = OrderedDict()

    def draw(self, source: Any, target: Any, key: tuple[int, int], t: float) -> Any:
        """A frame like `source`, at `t` of the way to `target`."""
        with self._lock:
            pair = self._pairs.pop(key, None)
            if pair is None:
                encoded = [self._known(n, frame) for n, frame in zip(key, (source, target), strict=True)]
                pair = self._model.prepare(*encoded)
            self._pairs[key] = pair
            while len(self._pairs) > _PAIRS:
                self._pairs.popitem(last=False)
            if pair.box is None:
                return source
            picture = np.asarray(self._model.at(pair, t))
        made = source.copy()
        for plane in range(3):
            np.asarray(made[plane])[:] = picture[..., plane]
        return made

    def _known(self, number: int, frame: Any) -> Encoded:
        encoded = self._encoded.pop(number, None)
        if encoded is None:
            planes = [np.asarray(frame[plane]) for plane in range(3)]
            encoded = self._model.encode(np.stack(planes, 2))
        self._encoded[number] = encoded
        while len(self._encoded) > _PAIRS:
            self._encoded.popitem(last=False)
        return encoded


def _check_clip(vs: Any, clip: Any) -> None:
    if not isinstance(clip, vs.VideoNode):
        raise InputError(f"clip is a {type(clip).__name__}; wanted a VapourSynth video clip.")
    if clip.format is None or not clip.width or not clip.height:
        raise InputError("the clip changes its format or size; wanted one of each.")
    if clip.format.id not in (vs.RGB24, vs.RGB48, vs.RGBS):
        raise InputError(
            f"the clip is {clip.format.name}; wanted RGB24, RGB48 or RGBS. Convert it first, such as with "
            "resize.Bicubic(format=vs.RGB24, matrix_in_s='709')."
        )


def _factor(
    clip: Any, factor_num: int, factor_den: int, fps_num: int | None, fps_den: int | None
) -> Fraction:
    numbers = {"factor_num": factor_num, "factor_den": factor_den, "fps_num": fps_num, "fps_den": fps_den}
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise InputError(f"{name} is {number}; wanted at least 1.")
    factor = Fraction(factor_num, factor_den)
    if fps_num is not None:
        if not clip.fps:
            raise InputError("the clip has no rate of its own; give factor_num and factor_den.")
        factor = Fraction(fps_num, fps_den or 1) / Fraction(clip.fps)
    elif fps_den is not None:
        raise InputError("fps_den is given without fps_num; wanted both, or neither.")
    if not 1 <= factor <= LARGEST_FACTOR:
        raise InputError(
            f"that is {factor} output frames for each input frame; wanted 1 to {LARGEST_FACTOR}."
        )
    return factor


def _by_factor(clip: Any, factor: Fraction) -> tuple[Any, Any]:
    """Clips of what each output frame comes from: the frame at or before it, and the one after that."""
    vs = need("vapoursynth", "vapoursynth")
    count = max(1, round(clip.num_frames * factor))
    following = clip[1:] + clip[-1] if clip.num_frames > 1 else clip
    chosen = []
    for source in (clip, following):
        spread = vs.core.std.Interleave([source] * factor.numerator) if factor.numerator > 1 else source
        picked = spread.std.SelectEvery(cycle=factor.denominator, offsets=[0])
        short = count - picked.num_frames
        chosen.append(
            picked.std.DuplicateFrames([picked.num_frames - 1] * short) if short > 0 else picked[:count]
        )
    return chosen[0], chosen[1]


def _by_plan(clip: Any, plan: Plan) -> tuple[Any, Any, Fraction]:
    if plan.clip is not None and plan.clip.frames != clip.num_frames:
        raise PlanError(f"the plan was made of {plan.clip.frames} frames; the clip has {clip.num_frames}.")
    plan.check(clip.num_frames)
    if plan.pairs:
        raise PlanError(
            "the plan chooses models or hints for single pairs, which only smooth takes; "
            'set "pairs" to [] in it.'
        )
    blank = clip[0] * len(plan.slots)
    sources = [slot.source for slot in plan.slots]
    targets = [slot.source if slot.target is None else slot.target for slot in plan.slots]
    first = blank.std.FrameEval(lambda n: clip[sources[n]])
    second = blank.std.FrameEval(lambda n: clip[targets[n]])
    return first, second, plan.rate


def _pair_of(slot: Slot) -> tuple[int, int] | None:
    return None if slot.target is None else (slot.source, slot.target)
