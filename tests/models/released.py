"""Random weights under the names and shapes of the released files, and what the released code makes of them.

Drawn so that the network does something worth comparing: flows of 5 to 50 pixels, and shares and gates that
are neither all nor nothing. `golden/animeinterp.safetensors` and `golden/animeinterp-gma.safetensors` hold
what the released code (lisiyao21/AnimeInterp 223c5e6, Soooda/AFI ef6e4e5) computed in double precision with
these weights and `frames()`: at most 251 numbers of each intermediate result.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).parent / "golden"
SIZE = (140, 164)
"""Divisible by 4, as the released code needs, and not by 8, so that it resizes."""
T = 0.375
MOST = 251
GAINS = {
    "animeinterp": {
        "fnet.conv2": 0.2,
        "encoder.convc1": 0.02,
        "flow_head.conv2": 0.5,
        "mask.2": 12,
        "attention2.conv3": 2,
        "model_tail.3": 0.01,
    },
    "animeinterp-gma": {
        "aggregator.to_v": 0.1,
        "encoder.convc1": 0.02,
        "flow_head.conv2": 0.42,
        "mask.2": 12,
        "attention2.conv3": 2,
        "model_tail.3": 0.15,
    },
}
"""So that agreement does not drown the rest, and of last layers: flow, shares, error attention, picture."""


def shapes(model):
    lines = (HERE / f"{model}.keys").read_text().split("\n")
    pairs = [line.split() for line in lines if line]
    return {
        name: () if dims == "scalar" else tuple(int(side) for side in dims.split("x")) for name, dims in pairs
    }


def tensors(model, seed=0):
    """As a file of the project holds them, without the prefix of DataParallel."""
    random = np.random.default_rng(seed)
    made = {}
    for name, shape in shapes(model).items():
        made[name] = _tensor(name, shape, random, GAINS[model])
    for name in list(made):  # a shortcut's norm is there twice
        if ".norm3." in name:
            twin = name.replace(".norm3.", ".downsample.1.")
            made[twin] = made[name]
    return made


def _tensor(name, shape, random, gains):
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if name.endswith("rel_ind"):
        return torch.arange(shape[0])[None] - torch.arange(shape[0])[:, None] + shape[0] - 1
    values = random.standard_normal(shape)
    if name.endswith("gamma"):
        return torch.tensor([0.5])
    if name.endswith("running_var"):
        return torch.from_numpy(0.5 + values**2).float()
    if len(shape) == 1:
        slope = "prelu" in name or name.endswith((".0.weight", ".2.weight"))
        scaled = 0.25 + 0.05 * values if slope else 0.05 * values
        if "norm" in name and name.endswith("weight"):
            scaled = 1 + 0.2 * values
        return torch.from_numpy(scaled).float()
    gain = (2 / prod(shape[1:])) ** 0.5
    for part, factor in gains.items():
        gain *= factor if part in name else 1
    return torch.from_numpy(gain * values).float()


def frames(size=SIZE):
    """Two smooth pictures [1, 3, H, W] in [0, 1] with something moved, and coarse flows of two blocks."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float64)

    def picture(shift):
        planes = [
            0.5 + 0.3 * np.sin((x - shift) / (5 + c)) * np.cos(y / (7 - c)) + 0.002 * c * (x - y)
            for c in range(3)
        ]
        made = np.stack(planes)
        made[:, height // 4 : height // 2, width // 4 + int(2 * shift) : width // 2 + int(2 * shift)] = 0.15
        return torch.from_numpy(made.clip(0, 1)).float()[None]

    flow01, flow10 = torch.zeros(2, 1, 2, height, width)
    flow01[:, 0, height // 4 : height // 2, width // 4 : width // 2] = 12
    flow10[:, 0, height // 4 : height // 2, width // 4 + 12 : width // 2 + 12] = -12
    flow01[:, 1, height // 2 :, : width // 3] = -7.5
    flow10[:, 1, height // 2 :, : width // 3] = 7.5
    return picture(0), picture(6), (flow01, flow10)


def some(value):
    """At most MOST numbers, evenly spread."""
    flat = value.detach().reshape(-1)
    return flat[:: -(-len(flat) // MOST)].to(torch.float32).contiguous()
