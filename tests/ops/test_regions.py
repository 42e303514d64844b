"""Flat regions, their statistics and their matching."""

from __future__ import annotations

import numpy as np
import pytest

from nakawari.ops.regions import (
    contacts,
    describe,
    intersections,
    join_alike,
    label_regions,
    match_regions,
    pool,
)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (23, 31)], ids=str)
def test_labels_are_the_connected_parts_of_one_colour(size):
    measure = pytest.importorskip("skimage.measure")
    colours = np.random.default_rng(0).integers(0, 3, size)
    labels, count = label_regions(np.repeat(colours[..., None] * 60, 3, 2).astype(np.uint8))
    wanted = measure.label(colours, connectivity=1, background=-1)
    assert count == wanted.max()
    pairs = set(zip(labels.reshape(-1).tolist(), wanted.reshape(-1).tolist(), strict=True))
    assert len(pairs) == count


def test_slow_gradients_are_one_region_and_edges_are_not():
    ramp = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 3, 2).repeat(10, 0)
    assert label_regions(ramp)[1] == 1
    ramp[:, 30:] = np.minimum(ramp[:, 30:] + 12, 255)
    assert label_regions(ramp)[1] == 2


def test_statistics_are_those_of_the_pixels():
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[5:9, 10:16] = (200, 100, 50)
    labels, count = label_regions(picture)
    found = describe(picture, labels, count)
    assert found.area.tolist() == [600 - 24, 24]
    assert found.centre[1].tolist() == [12.5, 6.5]
    assert found.box[1].tolist() == [10, 5, 16, 9]
    assert found.colour[1].tolist() == [200, 100, 50]


def scene(*squares):
    picture = np.full((60, 120, 3), 230, np.uint8)
    for x, colour in squares:
        picture[20:30, x : x + 10] = colour
    labels, count = label_regions(picture)
    return describe(picture, labels, count), np.arange(1, count)


def test_regions_find_their_partners_by_colour():
    one, ones = scene((10, (200, 0, 0)), (40, (0, 0, 200)))
    other, others = scene((60, (0, 0, 200)), (90, (200, 0, 0)))
    assert sorted(match_regions(one, other, ones, others, 134.0)) == [(1, 2), (2, 1)]


def test_twins_leave_doubt():
    one, ones = scene((10, (200, 0, 0)))
    other, others = scene((60, (200, 0, 0)), (90, (200, 0, 0)))
    assert match_regions(one, other, ones, others, 134.0) == []
    assert match_regions(one, other, ones, others[:0], 134.0) == []


def test_pooling_is_the_mean_of_each_label():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (7, 9)).astype(np.int32)
    features = random.normal(size=(5, 7, 9)).astype(np.float32)
    pooled = pool(features, labels, 6)
    for k in range(4):
        np.testing.assert_allclose(pooled[k], features[:, labels == k].mean(1), rtol=1e-5)
    assert (pooled[4:] == 0).all()


def test_rows_overlap_by_their_smaller_values():
    random = np.random.default_rng(0)
    one, other = (random.random((k, 37)).astype(np.float32) for k in (5, 8))
    wanted = np.minimum(one[:, None], other[None]).sum(2)
    np.testing.assert_allclose(intersections(one, other), wanted, rtol=1e-5)


def test_contacts_count_shared_edges_both_ways():
    labels = np.array([[0, 0, 1], [2, 2, 1]], np.int32)
    pairs, lengths = contacts(labels, 3)
    found = {tuple(pair): int(length) for pair, length in zip(pairs.tolist(), lengths, strict=True)}
    assert found == {(0, 1): 1, (1, 0): 1, (0, 2): 2, (2, 0): 2, (1, 2): 1, (2, 1): 1}


def test_small_regions_join_the_nearest_colour_and_large_ones_stay():
    labels = np.ones((20, 40), np.int32)
    labels[:, 20:] = 2
    labels[8:11, 19:22] = 3  # touches both
    labels[0:2, 0:2] = 4
    labels[15, 30] = 5
    labels[14, 30] = labels[16, 30] = labels[15, 29] = labels[15, 31] = 0  # a point between lines
    picture = np.full((20, 40, 3), 200, np.uint8)
    picture[:, 20:] = 100
    picture[labels == 3] = 110
    joined = join_alike(labels, picture, small=9, sliver=100)
    assert joined[9, 20] == joined[5, 35]
    assert joined[0, 0] == joined[5, 5]
    assert joined[5, 5] != joined[5, 35]
    assert joined[15, 30] == 0
    picture[labels == 3] = 0  # of neither colour: a sliver that is not small stays
    assert len(np.unique(join_alike(labels, picture, small=8, sliver=100))) == 4
