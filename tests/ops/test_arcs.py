"""Arcs: rotation about a pivot is followed exactly, and what is straight stays straight."""

import math

import pytest
import torch

from nakawari.ops.arcs import along_arc, arc_angles, distinctness
from nakawari.ops.warp import pixel_grid
from nakawari.tensors import ShapeError

SIZE = (60, 80)


def rotation(degrees: float, pivot=(40.0, 30.0), radius: float = 24.0, size=SIZE) -> torch.Tensor:
    """Flow of a disc that turns about its middle while all else stays."""
    place = pixel_grid(torch.zeros(1, 1, *size)) - torch.tensor(pivot)[:, None, None]
    angle = math.radians(degrees)
    turned = torch.cat(
        [
            math.cos(angle) * place[:, :1] - math.sin(angle) * place[:, 1:],
            math.sin(angle) * place[:, :1] + math.cos(angle) * place[:, 1:],
        ],
        1,
    )
    return (turned - place) * (place.norm(dim=1, keepdim=True) < radius)


def shift(x: float, y: float) -> torch.Tensor:
    return torch.tensor([float(x), float(y)]).reshape(1, 2, 1, 1).expand(1, 2, *SIZE).clone()


@pytest.mark.parametrize("degrees", [10, 30, -30, 45])
@pytest.mark.parametrize("known", ["before", "after", "both"])
def test_rotation_is_followed(degrees, known):
    on, back = rotation(degrees), rotation(-degrees)
    before = (back, on) if known != "after" else None
    after = (on, back) if known != "before" else None
    turn0, turn1 = arc_angles(on, back, before, after)
    for t in (0.25, 0.5, 0.9):
        truth0, truth1 = rotation(degrees * t), rotation(-degrees * (1 - t))
        inside = (truth0.abs().amax(1) > 0) & (truth1.abs().amax(1) > 0)
        length = on.norm(dim=1)[inside].mean()
        for made, truth in (
            (along_arc(on, turn0, t), truth0),
            (along_arc(back, -turn1, 1 - t), truth1),
        ):
            assert (made - truth).norm(dim=1)[inside].mean() < 0.02 * length
        chord = (on * t - truth0).norm(dim=1)[inside].mean()
        assert (along_arc(on, turn0, t) - truth0).norm(dim=1)[inside].mean() < 0.5 * chord


def test_large_pictures_are_asked_in_fewer_places():
    what = {"pivot": (500.0, 350.0), "radius": 280.0, "size": (701, 1003)}
    on, back = rotation(20, **what), rotation(-20, **what)
    turn0, turn1 = arc_angles(on, back, (back, on), None)
    assert turn0.shape == turn1.shape == (1, 1, 701, 1003)
    inside = (on.norm(dim=1) > 10)[:, None]
    assert (turn0[inside] - math.radians(20)).abs().median() < 0.01
    assert (turn1[inside] - math.radians(20)).abs().median() < 0.01


def test_both_keys_meet_on_the_way():
    turn = torch.full((1, 1, *SIZE), 0.7)
    for t in (0.2, 0.5, 0.8):
        there, rest = along_arc(shift(9, 4), turn, t), along_arc(-shift(9, 4), -turn, 1 - t)
        assert torch.allclose(there, shift(9, 4) + rest, atol=1e-4)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        (shift(-8, 0), None),  # goes straight on
        (shift(-2, 0), shift(20, 0)),  # only its speed changes, which is for the chart
        (shift(8, 0), None),  # swings back the way it came
        (shift(0, 0), None),  # has just begun
        (shift(8, -1), shift(-8, 1)),  # bounces
    ],
)
def test_what_tells_no_arc_is_straight(before, after):
    on = shift(8, 0)
    pairs = [None if flow is None else (flow, -flow) for flow in (before, after)]
    for turn in arc_angles(on, -on, *pairs):
        assert turn.abs().max() < 1e-4
        for t in (0.0, 0.3, 1.0):
            assert torch.allclose(along_arc(on, turn, t), on * t, atol=1e-3)


def test_matches_that_do_not_return_tell_nothing():
    on, wrong = rotation(30), shift(17, -9)
    turn0, turn1 = arc_angles(on, rotation(-30), (rotation(-30), wrong), None)
    assert max(turn0.abs().max(), turn1.abs().max()) < 0.05


def test_ends_are_the_keys():
    turn = torch.linspace(-3, 3, SIZE[0] * SIZE[1]).reshape(1, 1, *SIZE)
    assert torch.allclose(along_arc(shift(5, 7), turn, 1.0), shift(5, 7), atol=1e-4)
    assert along_arc(shift(5, 7), turn, 0.0).abs().max() == 0


def test_wild_flow_in_places_does_not_bend_what_is_right():
    on, back = rotation(20), rotation(-20)
    wild = torch.zeros(1, 1, *SIZE, dtype=torch.bool)
    wild[..., 24:36, 44:52] = True
    before = torch.where(wild, shift(9, -14), back), torch.where(wild, -shift(9, -14), on)
    turn0, _ = arc_angles(on, back, before, None)
    inside = (on.norm(dim=1) > 4)[:, None]
    assert (turn0[inside] - math.radians(20)).abs().median() < 0.05
    assert turn0.abs().max() < math.radians(26)


def test_flat_colour_and_straight_edges_tell_no_place():
    image = torch.ones(1, 3, *SIZE)
    image[..., 40:] = 0
    image[..., 20:30, 10:20] = 0
    told = distinctness(image)
    assert told[0, 0, 20, 20] > 0.3  # a corner
    assert told[0, 0, 50, 10] == 0  # flat
    assert told[0, 0, 50, 40] < 0.02  # an edge


def test_shapes_are_checked():
    with pytest.raises(ShapeError):
        arc_angles(shift(1, 1), torch.zeros(1, 2, 5, 5))
