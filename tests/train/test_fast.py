"""How `fast` learns: flow, from scenes that know it and are drawn anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nakawari.data.augment import Recipe
from nakawari.models.fast.matching import Matcher, MatcherConfig
from nakawari.ops.warp import backward_warp, pixel_grid
from nakawari.train import fast, redrawn
from nakawari.train.mixture import Mixture, MixtureConfig, to_device_float
from nakawari.train.redrawn import redraw
from nakawari.train.sources import SourceConfig

TINY = MatcherConfig((12, 16, 16), hidden=16, detail=12, corrections=2, finer=1)
FLOWS = ("flow01", "flow10")


def batch_of(count: int, known: tuple[str, ...]) -> dict[str, torch.Tensor]:
    sources = (SourceConfig(canvas=(96, 96)),)
    config = MixtureConfig(sources, augment=Recipe(crop=(64, 64), moving=1.0), known=known).check()
    return to_device_float(Mixture(config, 3).batch(range(count)), channels_last=False)


def test_the_matcher_learns_flow() -> None:
    config = fast.Losses(redrawn=False)
    batch = batch_of(2, FLOWS)
    torch.manual_seed(0)
    net = fast.build(TINY)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    off = []
    for step in range(50):
        terms = fast.losses(net, batch, step, config)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        off.append(float(terms["off"]))
    assert off[-1] < 0.6 * off[0]


def test_the_number_of_corrections_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = set()
    steps = Matcher.steps

    def counted(self: Matcher, *frames: torch.Tensor, count: tuple[int, int]) -> object:
        counts.add(count)
        return steps(self, *frames, count=count)

    monkeypatch.setattr(Matcher, "steps", counted)
    net = fast.build(replace(TINY, corrections=4, finer=2))
    batch = batch_of(1, FLOWS)
    for step in range(12):
        fast.losses(net, batch, step, fast.Losses())
    assert len(counts) > 1
    assert counts <= {(3, 1), (3, 2), (4, 1), (4, 2)}


def test_it_draws_any_size() -> None:
    torch.manual_seed(0)
    batch = {
        "frame0": torch.rand(2, 3, 70, 90),
        "frame1": torch.rand(2, 3, 70, 90),
        "t": torch.tensor([0.3, 0.5]),
    }
    assert fast.draw(fast.build(TINY).eval(), batch).shape == (2, 3, 70, 90)


def smooth(height: int, width: int) -> torch.Tensor:
    place = pixel_grid(torch.empty(1, 2, height, width))[0]
    return torch.stack([0.5 + 0.4 * torch.sin(place.sum(0) / k) for k in (9, 14, 23)])[None]


def test_a_frame_drawn_anew_still_has_its_flow() -> None:
    torch.manual_seed(2)
    wide = smooth(160, 220)
    frames = wide[..., 20:140, 10:190].repeat(4, 1, 1, 1), wide[..., 17:137, 18:198].repeat(4, 1, 1, 1)
    flow = torch.tensor([-8.0, 3.0])[:, None, None].expand(4, 2, 120, 180)
    batch = {"frame0": frames[0], "frame1": frames[1], "flow01": flow, "flow10": -flow}
    made = redraw(batch)
    inner = (..., slice(30, -30), slice(30, -30))
    bent = (made["flow01"] - flow)[inner].abs().amax((1, 2, 3))
    assert (bent > 1).any()
    assert (made["frame0"] != batch["frame0"]).any()
    unlit = {**made, "frame0": batch["frame0"]}
    torch.manual_seed(2)
    again = redraw(batch)
    assert (again["frame1"] == made["frame1"]).all()
    for own, other, way in (("frame0", "frame1", "flow01"), ("frame1", "frame0", "flow10")):
        off = (backward_warp(unlit[other], made[way]) - unlit[own]).abs().mean(1, keepdim=True)[inner]
        quiet = [n for n in range(4) if float((made["frame1"][n] - batch["frame1"][n]).mean().abs()) < 0.01]
        assert quiet
        assert float(off[quiet].mean()) < 0.04


def test_shades_and_lines_are_of_one_frame_alone() -> None:
    """They darken some frames, and are no motion."""
    torch.manual_seed(5)
    grey = torch.full((24, 3, 96, 128), 0.8)
    drawn = redrawn.drawn_on(grey)
    darker = (drawn < grey).any(1).float().mean((1, 2))
    assert (drawn <= grey).all()
    assert 4 <= int((darker > 0).sum()) < 24
    assert float(darker.max()) < 0.6
