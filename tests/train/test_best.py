"""How `best` learns: its matcher from exact flow, then what weighs, from pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from nakawari import checkpoints
from nakawari.data.augment import Recipe
from nakawari.errors import InputError
from nakawari.models.best.matching import MatcherConfig
from nakawari.models.best.net import SLOTS, BestConfig, BestNet
from nakawari.models.fast.net import FastConfig
from nakawari.ops.warp import backward_warp, pixel_grid
from nakawari.train import best
from nakawari.train.mixture import Mixture, MixtureConfig, to_device_float
from nakawari.train.redrawn import redraw
from nakawari.train.sources import SourceConfig

TINY = BestConfig(
    MatcherConfig((12, 16, 16), hidden=16, detail=12, corrections=2, finer=1),
    FastConfig(look=6, widths=(8, 8, 8, 8), slots=SLOTS),
)
FLOWS = ("flow01", "flow10")


def batch_of(count: int, known: tuple[str, ...], losses: best.Losses) -> dict[str, torch.Tensor]:
    sources = (SourceConfig(canvas=(96, 96)),)
    recipe = Recipe(crop=(64, 64), moving=1.0)
    config = MixtureConfig(sources, augment=recipe, known=known).check()
    made = Mixture(config, 3, best.searcher(losses), prepare=best.prepare).batch(range(count))
    return to_device_float(made, channels_last=False)


def test_the_matcher_learns_flow() -> None:
    config = best.Losses(flow=1.0, redrawn=False)
    batch = batch_of(2, FLOWS, config)
    torch.manual_seed(0)
    net = best.build(TINY)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    off = []
    for step in range(50):
        terms = best.losses(net, batch, step, config)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        off.append(float(terms["off"]))
    assert off[-1] < 0.6 * off[0]


def test_what_weighs_learns_from_what_the_matcher_finds(tmp_path: Path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "matcher.safetensors"
    checkpoints.save(file, BestNet(TINY).state_dict(), checkpoints.Header("best", asdict(TINY)))
    config = best.Losses(matcher=str(file))
    batch = batch_of(2, (), config)
    assert batch["views"].shape == (2, SLOTS, 6, 64, 64)
    assert batch["present"][:, : SLOTS - 1].all()
    net = best.build(TINY)
    terms = best.losses(net, batch, 0, config)
    terms["loss"].backward()
    assert all(x.grad is None for x in net.matcher.parameters())
    assert any(x.grad is not None and x.grad.any() for x in net.weighing.parameters())


def test_a_matcher_must_be_named_where_pictures_are_learned_from() -> None:
    with pytest.raises(InputError, match=r"losses\.matcher"):
        best.searcher(best.Losses())


def test_it_draws_any_size() -> None:
    torch.manual_seed(0)
    batch = {
        "frame0": torch.rand(2, 3, 70, 90),
        "frame1": torch.rand(2, 3, 70, 90),
        "t": torch.tensor([0.3, 0.5]),
    }
    assert best.draw(best.build(TINY).eval(), batch).shape == (2, 3, 70, 90)


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
