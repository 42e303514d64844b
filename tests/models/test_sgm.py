"""Segment-guided matching: as the released code does it, and what it is for."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from nakawari.errors import InputError, ModelError, ShapeError
from nakawari.models.animeinterp.descriptor import PaintDescriptor, VggDescriptor
from nakawari.models.animeinterp.matching import Penalties, mutual_matches
from nakawari.models.animeinterp.pictures import draw, flow_picture
from nakawari.models.animeinterp.piecewise import Gates, Pieces, piecewise_flow
from nakawari.models.animeinterp.sgm import PRESETS, Segmented, SegmentGuidedMatching
from nakawari.nn.vgg import load_vgg19
from nakawari.ops.lines import contour_map, contour_style
from nakawari.ops.regions import Regions, describe
from nakawari.ops.trapped_ball import by_area, fill, grow, merge
from tests.nn.seeded_vgg import seeded_vgg

GOLDEN = Path(__file__).parent / "golden" / "sgm_official.npz"
"""Two frames of our own cartoon generator (seed 11, number 25, 240×136), and what AnimeInterp's released
scripts (commit 223c5e6, with current library calls) made of them: fills, merged fills, label maps; then,
with VGG-19 weights drawn from seed 0, mutual matches and flow (kept in half precision). OpenCV 5.0.0."""


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return {
            key: file[key].astype(np.int32) if file[key].dtype == np.uint16 else file[key] for key in file
        }


@pytest.fixture(scope="module")
def vgg_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sgm") / "vgg.pth"
    torch.save(seeded_vgg(0), path)
    return path


@pytest.mark.parametrize("side", [0, 1])
def test_official_cuts_as_the_released_code_does(golden, side):
    picture, rules = golden[f"frame{side}"], PRESETS["official"]
    fills = fill(~contour_map(picture, contour_style(picture, "anime")), rules.balls, rules.most_floods)
    assert (fills == golden[f"fill{side}"]).mean() > 0.999
    assert (merge(golden[f"fill{side}"], picture) == golden[f"merged{side}"]).all()
    labels = by_area(grow(golden[f"merged{side}"]))
    pairs = np.unique(np.stack([labels.reshape(-1), golden[f"labels{side}"].reshape(-1)]), axis=1)
    assert pairs.shape[1] == labels.max() + 1 == golden[f"labels{side}"].max() + 1  # the same, renumbered


def test_official_matches_and_flows_as_the_released_code_does(golden, vgg_file):
    sgm = SegmentGuidedMatching("official", "anime", vgg_file)
    frames = []
    for side in (0, 1):
        picture, labels = golden[f"frame{side}"], golden[f"labels{side}"]
        regions = describe(picture, labels, int(labels.max()) + 1)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        frames.append(
            Segmented(
                picture, labels.shape, Pieces(grey, labels, regions), sgm.descriptor(picture, labels, regions)
            )
        )
    guide = sgm.match(*frames)
    assert guide.descriptor == "vgg19"
    for way in ("01", "10"):
        same = getattr(guide, f"partners{way}") == golden[f"partners{way}"]
        assert same.mean() >= 0.99
        ours, theirs = getattr(guide, f"flow{way}"), golden[f"flow{way}"]
        both = (ours != 0).any(0) & (theirs != 0).any(0)
        assert both.sum() > 0.95 * (theirs != 0).any(0).sum() > 1000
        assert np.hypot(*theirs)[both].mean() > 2  # agreement on no motion would say nothing
        assert np.hypot(*(ours - theirs))[both].mean() < 0.1


def scene(*parts, size=(120, 180)):
    """Outlined rectangles (left, top, width, height, colour) on light paper."""
    picture = np.full((*size, 3), (226, 222, 214), np.uint8)
    for left, top, width, height, colour in parts:
        cv2.rectangle(picture, (left, top), (left + width, top + height), colour, -1)
        cv2.rectangle(picture, (left, top), (left + width, top + height), (20, 16, 24), 2)
    return picture


RED, BLUE, GREEN = (200, 60, 50), (60, 80, 190), (70, 160, 80)


@pytest.fixture(scope="module", params=list(PRESETS))
def sgm(request):
    return SegmentGuidedMatching(request.param, "anime", None)


def test_pieces_are_followed_further_than_they_are_wide(sgm):
    frame0 = scene((12, 20, 26, 26, RED), (130, 70, 24, 30, BLUE))
    frame1 = scene((62, 24, 26, 26, RED), (90, 30, 24, 30, BLUE))
    flow01, flow10 = sgm(frame0, frame1)
    assert flow01.shape == flow10.shape == (2, 120, 180)
    assert flow01.dtype == torch.float32
    for centre0, centre1 in (((25, 33), (75, 37)), ((142, 85), (102, 45))):
        moved = np.subtract(centre1, centre0)
        assert np.abs(flow01[:, centre0[1], centre0[0]].numpy() - moved).max() < 1
        assert np.abs(flow10[:, centre1[1], centre1[0]].numpy() + moved).max() < 1


def test_what_has_no_partner_has_no_flow(sgm):
    frame0 = scene((12, 20, 26, 26, RED), (60, 70, 30, 30, GREEN))
    frame1 = scene((22, 20, 26, 26, RED))
    guide = sgm.guide(frame0, frame1)
    alone = guide.frame0.pieces.labels[85, 75]
    assert guide.partners01[alone] < 0
    assert (guide.flow01[:, guide.frame0.pieces.labels == alone] == 0).all()
    for forth, back in ((guide.partners01, guide.partners10), (guide.partners10, guide.partners01)):
        matched = np.flatnonzero(forth >= 0)
        assert (back[forth[matched]] == matched).all()
    assert (guide.flow01[:, ~guide.passed01[guide.frame0.pieces.labels]] == 0).all()


def test_a_frame_and_itself_do_not_move(sgm):
    frame = scene((12, 20, 26, 26, RED), (60, 50, 50, 40, GREEN), (70, 60, 20, 20, BLUE))
    flow01, flow10 = sgm(frame, frame)
    assert flow01.abs().max() < 0.05
    assert flow10.abs().max() < 0.05


def noise(size, seed):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)


def checks(size, step):
    """Squares of many colours in a net of lines: thousands of pieces."""
    random = np.random.default_rng(0)
    rows, columns = size[0] // step, size[1] // step
    colours = random.integers(90, 256, (rows, columns, 3), np.uint8)
    picture = colours.repeat(step, 0).repeat(step, 1)
    picture[::step] = picture[:, ::step] = picture[1::step] = picture[:, 1::step] = 0
    return picture


@pytest.mark.parametrize(
    "frames",
    [
        (np.full((64, 64, 3), 255, np.uint8), np.zeros((64, 64, 3), np.uint8)),
        (noise((64, 64), 0), noise((64, 64), 1)),
        (noise((1, 1), 0), noise((1, 1), 1)),
        (noise((3, 40), 0), noise((3, 40), 1)),
        (noise((200, 300), 0), np.full((200, 300, 3), 90, np.uint8)),
    ],
    ids=["solid", "noise", "pixel", "strip", "noise to solid"],
)
def test_any_frames_give_finite_flow(sgm, frames):
    for flow in sgm(*frames):
        assert flow.shape == (2, *frames[0].shape[:2])
        assert torch.isfinite(flow).all()


def test_thousands_of_pieces_are_matched():
    frame = checks((640, 1000), 12)
    guide = SegmentGuidedMatching("paper", "anime", None).guide(frame, frame)
    assert len(guide.partners01) > 4000
    assert (guide.partners01 >= 0).mean() > 0.95
    assert np.abs(guide.flow01).max() < 0.05


def test_pieces_of_one_pixel_take_part():
    labels = np.zeros((20, 20), np.int32)
    labels[5, 5], labels[10:16, 10:16] = 1, 2
    labels = by_area(labels)
    picture = np.where(labels[..., None] == 0, 0, 200).astype(np.uint8).repeat(3, 2)
    regions = describe(picture, labels, 3)
    pieces = Pieces(picture[..., 0], labels, regions)
    for gates in (None, Gates(smallest_px=0, largest_share=1)):
        flow, passed = piecewise_flow(pieces, pieces, np.arange(3), gates)
        assert np.isfinite(flow).all()
        assert passed[0] or gates is not None


def test_frames_of_every_kind_say_the_same():
    sgm = SegmentGuidedMatching("official", "anime", None)
    frames = scene((12, 20, 26, 26, RED)), scene((40, 24, 26, 26, RED))
    wanted = sgm(*frames)[0]
    assert wanted.abs().max() > 20
    tensors = [torch.from_numpy(f.transpose(2, 0, 1).copy())[None].float() / 255 for f in frames]
    batched = sgm(torch.cat([tensors[0], tensors[1]]), torch.cat([tensors[1], tensors[0]]))
    assert batched[0].shape == (2, 2, 120, 180)
    assert (batched[0][0] == wanted).all()
    assert (batched[0][1] == batched[1][0]).all()
    for kind in (np.uint16, np.float32):
        scaled = [f.astype(np.uint16) * 257 if kind == np.uint16 else (f / 255).astype(kind) for f in frames]
        assert (sgm(*scaled)[0] == wanted).all()


def test_large_frames_may_be_matched_reduced():
    frames = [
        cv2.resize(f, None, fx=3, fy=3) for f in (scene((12, 20, 26, 26, RED)), scene((62, 24, 26, 26, RED)))
    ]
    sgm = SegmentGuidedMatching("official", "anime", None, most_px=120 * 180)
    guide = sgm.guide(*frames)
    assert guide.flow01.shape == (2, 120, 180)
    flow01, flow10 = sgm(*frames)
    assert flow01.shape == flow10.shape == (2, 360, 540)
    assert np.abs(flow01[:, 99, 75].numpy() - (150, 12)).max() < 3
    assert (flow01[:, :50] == 0).all()
    assert (sgm(frames[0][:120, :180], frames[1][:120, :180])[0].shape) == (2, 120, 180)
    with pytest.raises(InputError, match="most_px is 0"):
        SegmentGuidedMatching(most_px=0)


def test_a_frame_is_cut_once_for_both_its_pairs(sgm):
    frames = [scene((12 + 20 * k, 20, 26, 26, RED)) for k in range(3)]
    one, two, three = (sgm.segment(frame) for frame in frames)
    assert (sgm.match(one, two).flow01 == sgm.guide(frames[0], frames[1]).flow01).all()
    assert (sgm.match(two, three).flow10 == sgm.guide(frames[1], frames[2]).flow10).all()


def regions_at(*places):
    """Regions of given area and centre."""
    area = np.array([a for a, _, _ in places])
    centre = np.array([(x, y) for _, x, y in places], float)
    return Regions(area, centre, np.zeros((len(places), 4), np.int64), np.zeros((len(places), 3)))


def test_a_video_s_frames_are_cut_once_and_few_are_kept(monkeypatch):
    sgm = SegmentGuidedMatching("official", "anime", None)
    cut = []
    monkeypatch.setattr(sgm, "descriptor", lambda *known: cut.append(1) or PaintDescriptor()(*known))
    sgm.descriptor.name = "paint"
    images = [
        torch.from_numpy(scene((12 + 9 * k, 20, 26, 26, RED)).transpose(2, 0, 1).copy())[None].float() / 255
        for k in range(6)
    ]
    for one, other in itertools.pairwise(images):
        sgm(one, other.clone())
    assert len(cut) == 6
    assert len(sgm._recent) == 3


def test_penalties_are_those_of_the_paper_and_of_the_released_code():
    rows = np.full((1, 4), 0.25, np.float32)
    lesser = np.array([[0.25, 0.25, 0.25, 0.22]], np.float32)  # affinity 0.97
    both = np.concatenate([rows, lesser])
    size = (300, 400)  # diagonal 500
    paper, official = PRESETS["paper"].penalties, PRESETS["official"].penalties

    def chosen(one, others, rule):
        return int(mutual_matches(rows, both, regions_at(one), regions_at(*others), size, rule)[0][0])

    here = (1000, 100, 100)
    assert chosen(here, [(1000, 172, 100), here], paper) == 0  # 14.4 %: not far for the paper
    assert chosen(here, [(1000, 178, 100), here], paper) == 1  # 15.6 %: costs 0.031, more than 0.03
    assert chosen(here, [(1000, 252, 100), here], official) == 1
    assert chosen(here, [(2900, 100, 100), here], official) == 0  # not three times as large
    assert chosen(here, [(3100, 100, 100), here], official) == 1  # costs 0.155
    assert chosen(here, [(60_000, 100, 100), here], paper) == 0  # costs 0.025
    assert chosen(here, [(80_000, 100, 100), here], paper) == 1  # costs 0.033


def test_matching_in_parts_is_matching_at_once(monkeypatch):
    from nakawari.models.animeinterp import matching

    random = np.random.default_rng(0)
    rows = [random.random((k, 20)).astype(np.float32) for k in (70, 55)]
    regions = [regions_at(*zip(*random.integers(1, 90, (3, k)), strict=True)) for k in (70, 55)]
    rule = Penalties(0.1, 0.2, "ratio", 0.05)
    whole = mutual_matches(*rows, *regions, (60, 80), rule)
    monkeypatch.setattr(matching, "ROWS", 16)
    parts = mutual_matches(*rows, *regions, (60, 80), rule)
    assert (whole[0] == parts[0]).all()
    assert (whole[1] == parts[1]).all()
    assert (whole[0] >= 0).sum() > 2


def test_descriptors_are_rows_that_add_up_to_one(vgg_file):
    picture = scene((12, 20, 26, 26, RED), (60, 50, 50, 40, GREEN))
    segmented = SegmentGuidedMatching("paper", "anime", None).segment(picture)
    labels, regions = segmented.pieces.labels, segmented.pieces.regions
    net = load_vgg19(vgg_file, "relu3_1")
    for descriptor in (
        PaintDescriptor(),
        VggDescriptor(net, ("relu1_1", "relu3_1"), official=False),
        VggDescriptor(net, ("relu1_1", "relu3_1"), official=True),
    ):
        rows = descriptor(picture, labels, regions)
        assert rows.min() >= 0
        np.testing.assert_allclose(rows.sum(1), 1, rtol=1e-4)


def test_a_piece_lost_at_a_coarse_scale_keeps_its_features_unless_official(vgg_file):
    picture = scene((12, 20, 26, 26, RED))
    labels = np.full(picture.shape[:2], 1, np.int32)
    labels[40, 62] = 0  # even coordinates: sampled by no coarser scale
    regions = describe(picture, labels, 2)
    net = load_vgg19(vgg_file, "relu3_1")
    kept, lost = (
        VggDescriptor(net, ("relu1_1", "relu3_1"), official)(picture, labels, regions)
        for official in (False, True)
    )
    assert kept[0, 64:].sum() > 0
    assert np.ptp(lost[0, 64:]) == 0


def test_the_weights_are_named_and_never_made_up(vgg_file, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    assert SegmentGuidedMatching().descriptor.name == "paint"
    cache = tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(vgg_file)
    assert SegmentGuidedMatching().descriptor.name == "vgg19"
    assert SegmentGuidedMatching(vgg=None).descriptor.name == "paint"
    with pytest.raises(ModelError, match="no weight file"):
        SegmentGuidedMatching(vgg=tmp_path / "absent.pth")


def test_wrong_use_is_one_clear_line(sgm):
    with pytest.raises(InputError, match="preset is 'best'"):
        SegmentGuidedMatching("best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="contours is 'Japan'"):
        SegmentGuidedMatching(contours="Japan")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="frame1"):
        sgm(scene(), scene(size=(120, 100)))
    with pytest.raises(ShapeError, match="frame1"):
        sgm(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))


def test_pictures_show_partners_in_one_colour(sgm):
    guide = sgm.guide(scene((12, 20, 26, 26, RED), (90, 70, 30, 30, GREEN)), scene((62, 24, 26, 26, RED)))
    shown = draw(guide)
    assert {name: picture.shape for name, picture in shown.items()} == {
        "frames": (120, 360, 3),
        "segments": (120, 360, 3),
        "matches": (120, 360, 3),
        "flow01": (120, 180, 3),
        "flow10": (120, 180, 3),
    }
    assert (shown["matches"][33, 25] == shown["matches"][37, 180 + 75]).all()
    assert (shown["matches"][85, 105] == 255).all()
    assert "mutual matches" in guide.summary()


def test_flow_is_white_where_it_is_zero_and_its_hue_is_its_direction():
    flow = np.zeros((2, 1, 3), np.float32)
    flow[0, 0, 1], flow[0, 0, 2] = 10, -10
    shown = flow_picture(flow, 10)
    assert shown[0].tolist() == [[255, 255, 255], [255, 0, 0], [0, 255, 255]]
