"""Measure the memory that models take a pixel, with random parameters.

    python benchmarks/memory.py [NAME ...]

Prints rows for `src/nakawari/models/costs.py`: bytes a padded pixel when all is drawn at once (at 960x540),
and what is held of the whole picture when it is drawn in the smallest windows (at 1920x1080). Each runs in a
process of its own; the peak of resident memory, less what the loaded model takes before, is divided by the
pixels.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from typing import Any

SIZES = {"off": (540, 960), "384": (1080, 1920)}


def resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def load(name: str) -> Any:
    from nakawari.models import find
    from nakawari.models import load as load_row

    family = find(name).family
    if family == "film":
        from nakawari.models.film.model import Film
        from nakawari.models.film.net import FilmConfig, FilmNet

        return Film(name, FilmNet(FilmConfig()))
    if family == "rife":
        from nakawari.models.rife.model import Rife
        from nakawari.models.rife.net import IFNet
        from nakawari.models.rife.versions import VERSIONS

        return Rife(name, IFNet(VERSIONS[name]))
    if family == "animeinterp":
        from nakawari.models.animeinterp.config import AnimeInterpConfig
        from nakawari.models.animeinterp.model import AnimeInterp
        from nakawari.models.animeinterp.net import AnimeInterpNet

        config = AnimeInterpConfig("gma" if name.endswith("gma") else "none")
        return AnimeInterp(name, AnimeInterpNet(config))
    return load_row(name, device="cpu")


def measure(name: str, tile: str) -> float:
    import torch
    import torch.nn.functional as F

    model = load(name)
    model.adjust(tile=tile)
    small = torch.rand(2, 1, 3, 64, 64)
    model(small[0], small[1], 0.5)
    height, width = SIZES[tile]
    # A soft picture that pans by a few pixels: noise would make motion of what is none.
    wide = F.interpolate(torch.rand(1, 3, height // 8, width // 8), size=(height, width + 8), mode="bilinear")
    frame0, frame1 = wide[..., 8:].clone(), wide[..., :-8].clone()
    frame1[..., height // 4 : height // 2, width // 4 : width // 2] = 0.1
    before = resident()
    model(frame0, frame1, 0.5)
    height, width = (-(-side // model.multiple) * model.multiple for side in (height, width))
    return (resident() - before) / (height * width)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(round(measure(sys.argv[2], sys.argv[3])))
        return
    from nakawari.models import CATALOG

    for name in sys.argv[1:] or [row.name for row in CATALOG]:
        found = []
        for tile in SIZES:
            words = [sys.executable, __file__, "--one", name, tile]
            found.append(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())
        print(f'    "{name}": ({", ".join(found)}),', flush=True)


if __name__ == "__main__":
    main()
