"""AnimeInterp and AFI as they were released, beside ours: how far flows and frames lie apart, on a CPU.

    python benchmarks/released.py --theirs animeinterp=AnimeInterp animeinterp-gma=AFI
        [--size 540 960] [--coarse matched none] [--json OUT.json]

Folders are clones of lisiyao21/AnimeInterp (223c5e6; its variant without cupy runs) and Soooda/AFI (ef6e4e5,
which wants einops), unchanged but that `.cuda()` does nothing and `grid_sample` aligns corners, as the README
of the first says. Parameters are drawn from a seed (tests/models/released.py), saved by the released code in
its own layout and loaded by `nakawari.load`. Frames are two drawings of a clip of NAKAWARI_DATA.

flows differ      largest difference, pixels
frames differ     largest difference, and the share of values above 0.0001: each with its own flows
equal flows       the same, both with the flows of the released code
shifted flows     the same, ours against ours with its flows shifted at random, by no more than flows differ
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.models.released import GAINS, tensors

import nakawari as nk
from nakawari.models.animeinterp.sgm import SegmentGuidedMatching

T = 0.375
NEAR = 1e-4
CODE = {
    "animeinterp": ("AnimeInterp_no_cupy", "AnimeInterpNoCupy", "model_state_dict"),
    "animeinterp-gma": ("AnimeInterp", "AnimeInterp", "state_dict"),
}
LARGER = {
    "animeinterp": {"flow_head.conv2": 0.27, "mask.2": 8},
    "animeinterp-gma": {"flow_head.conv2": 0.4, "mask.2": 8},
}
"""Gains with which flow at this size spans what real flow does; those of the tests are for tiny pictures."""


def released(name: str, folder: Path) -> nn.Module:
    """Their network, with parameters drawn from a seed."""
    package = types.ModuleType("models")
    package.__path__ = [str(folder / "models")]
    for loaded in [key for key in sys.modules if key == "models" or key.startswith("models.")]:
        del sys.modules[loaded]
    sys.modules["models"] = package
    module, network, _ = CODE[name]
    net = getattr(importlib.import_module(f"models.{module}"), network)(path=None)
    GAINS[name].update(LARGER[name])
    net.load_state_dict(tensors(name), strict=True)
    return net.eval()


def frames(size: tuple[int, int]) -> list[Tensor]:
    found = []
    with Image.open(Path(os.environ["NAKAWARI_DATA"]) / "anita" / "02.gif") as clip:
        for number in (clip.n_frames // 2, clip.n_frames // 2 + 1):
            clip.seek(number)
            picture = cv2.resize(np.array(clip.convert("RGB")), size[::-1])
            found.append(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255)
    return found


def apart(one: Tensor, other: Tensor) -> dict[str, float]:
    difference = (one.clamp(0, 1) - other.clamp(0, 1)).abs()
    return {"most": float(difference.max()), "above": float((difference > NEAR).float().mean())}


def compare(name: str, folder: Path, size: tuple[int, int], matched: bool) -> dict[str, Any]:
    net, (height, width) = released(name, folder), size
    first, second = frames(size)
    wide = [F.pad(x, (0, -width % 4, 0, -height % 4), mode="replicate") for x in (first, second)]
    coarse = SegmentGuidedMatching("official", "anime", None)(*wide) if matched else None
    with tempfile.TemporaryDirectory() as kept:
        path = Path(kept) / f"{name}.pth"
        torch.save({CODE[name][2]: nn.DataParallel(net).state_dict()}, path)
        guide = (lambda *_: coarse) if matched else None
        ours: Any = nk.load(name, path, device="cpu", precision="fp32", guide=guide, tile="off")
    ours.keeps_still = False
    with torch.no_grad():
        theirs, *flows = net(*wide, *(coarse or (None, None)), T)[:3]
        pair = ours.prepare(first, second)

        def draw(with_flows: list[Tensor]) -> Tensor:
            made: Tensor = ours.net.draw(*wide, *pair.state.scales, with_flows, T)
            return made[..., :height, :width]

        own, theirs = list(pair.state.flows), theirs[..., :height, :width]
        far = max(float((a - b).abs().max()) for a, b in zip(own, flows, strict=True))
        torch.manual_seed(0)
        shifted = [flow + far * (2 * torch.rand_like(flow) - 1) for flow in own]
        made = draw(own)
        lengths = torch.cat([flow.norm(dim=1).flatten()[::7] for flow in flows])
        return {
            "model": name,
            "size": [width, height],
            "coarse": float((coarse[0] != 0).any(1).float().mean()) if coarse else 0.0,
            "flows, px (5 %, median, 95 %)": np.quantile(lengths.numpy(), (0.05, 0.5, 0.95))
            .round(1)
            .tolist(),
            "flows differ": far,
            "frames differ": apart(made, theirs),
            "equal flows": apart(draw(flows), theirs),
            "shifted flows": apart(draw(shifted), made),
        }


def as_their_readme_says() -> None:
    torch.Tensor.cuda = lambda self, *_, **__: self  # type: ignore[assignment,method-assign]
    sample = F.grid_sample
    F.grid_sample = lambda *args, **options: sample(*args, **{**options, "align_corners": True})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--theirs", nargs="+", required=True, metavar="MODEL=FOLDER")
    parser.add_argument("--size", type=int, nargs=2, default=(540, 960), metavar=("H", "W"))
    parser.add_argument("--coarse", nargs="+", default=("matched", "none"), choices=("matched", "none"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="rows are added to those that are in the file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    as_their_readme_says()
    rows = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.is_file() else []
    for name, folder in (word.split("=", 1) for word in arguments.theirs):
        for coarse in arguments.coarse:
            rows.append(compare(name, Path(folder), tuple(arguments.size), coarse == "matched"))
            print(json.dumps(rows[-1]), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
