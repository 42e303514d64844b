"""The ComfyUI node, loaded from its folder as ComfyUI loads custom nodes."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nakawari.errors import InputError

FOLDER = Path(__file__).parents[1] / "integrations" / "comfyui" / "nakawari_nodes"


@pytest.fixture(scope="module")
def node() -> Any:
    """As ComfyUI does: the folder's __init__.py under a name of its own, then NODE_CLASS_MAPPINGS."""
    name = f"custom_nodes.{FOLDER.name}"
    spec = importlib.util.spec_from_file_location(name, FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert set(module.NODE_CLASS_MAPPINGS) == set(module.NODE_DISPLAY_NAME_MAPPINGS)
    (kind,) = module.NODE_CLASS_MAPPINGS.values()
    return kind()


def batch(count: int) -> torch.Tensor:
    images = np.full((count, 24, 48, 3), 0.8, np.float32)
    for n in range(count):
        images[n, 6:18, 4 + 5 * n : 14 + 5 * n] = (0.1, 0.3, 0.2)
    return torch.from_numpy(images)


def call(node: Any, **words: Any) -> tuple[torch.Tensor, torch.Tensor]:
    kinds = node.INPUT_TYPES()
    defaults = {name: kind[1]["default"] for name, kind in kinds["required"].items() if len(kind) > 1}
    assert set(words) <= {*kinds["required"], *kinds["optional"]}
    return getattr(node, node.FUNCTION)(**{**defaults, "model": "blend", **words})


def test_counts_and_keys(node: Any) -> None:
    images = batch(4)
    made, mask = call(node, images=images, multiplier=3)
    assert made.shape == (10, 24, 48, 3)
    assert made.dtype == torch.float32
    assert torch.equal(made[::3], images)
    assert mask.shape == (10, 24, 48)
    assert not mask.any()
    looped, _ = call(node, images=images, multiplier=3, loop=True)
    assert looped.shape[0] == 12
    assert torch.equal(looped[:10], made)
    assert not torch.equal(looped[10], images[3])
    assert not torch.equal(looped[11], images[0])


def test_a_number_for_each_pair(node: Any) -> None:
    made, _ = call(node, images=batch(4), multipliers="2, 1 4")
    assert made.shape[0] == 8
    with pytest.raises(InputError, match="2 multipliers for 3 pairs"):
        call(node, images=batch(4), multipliers="2, 1")
    with pytest.raises(InputError, match="'0' is not a number"):
        call(node, images=batch(2), multipliers="0")


def test_a_mask_moves_with_its_image(node: Any) -> None:
    images = batch(2)
    mask = torch.ones(2, 24, 48)
    for n in range(2):
        mask[n, 6:18, 4 + 5 * n : 14 + 5 * n] = 0
    made, clear = call(node, images=images, mask=mask, model="classic")
    assert made.shape == (3, 24, 48, 3)
    assert torch.equal(clear[0], mask[0])
    assert torch.equal(clear[2], mask[1])
    opaque = torch.nonzero(clear[1, 12] < 0.5).flatten()
    assert 4 <= int(opaque.min()) <= 9
    assert 13 <= int(opaque.max()) <= 18
    with pytest.raises(InputError, match="the mask is"):
        call(node, images=images, mask=mask[:, :10])


def test_one_image_comes_back(node: Any) -> None:
    for loop in (False, True):
        made, _ = call(node, images=batch(1), loop=loop)
        assert torch.equal(made, batch(1))
