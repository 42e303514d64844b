"""Measure the memory that RIFE and FILM take a pixel, with random parameters.

    python benchmarks/memory.py [NAME ...]

Prints rows for `src/nakawari/models/costs.py`. Each model runs in a process of its own, at 960×540; the peak
of resident memory, less what the loaded model takes before, is divided by the padded pixels.
"""

from __future__ import annotations

import resource
import subprocess
import sys

SIZE = (540, 960)


def resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(name: str) -> float:
    import torch

    from nakawari.models.base import Interpolator

    model: Interpolator
    if name.startswith("film"):
        from nakawari.models.film.model import Film
        from nakawari.models.film.net import FilmConfig, FilmNet

        model = Film(name, FilmNet(FilmConfig()))
    else:
        from nakawari.models.rife.model import Rife
        from nakawari.models.rife.net import IFNet
        from nakawari.models.rife.versions import VERSIONS

        model = Rife(name, IFNet(VERSIONS[name]))
    model.adjust(tile="off")
    small = torch.rand(2, 1, 3, 64, 64)
    model(small[0], small[1], 0.5)
    frame0, frame1 = torch.rand(2, 1, 3, *SIZE)
    before = resident()
    model(frame0, frame1, 0.5)
    height, width = (-(-side // model.multiple) * model.multiple for side in SIZE)
    return (resident() - before) / (height * width)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(round(measure(sys.argv[2])))
        return
    from nakawari.models import CATALOG

    names = sys.argv[1:] or [row.name for row in CATALOG if row.family in ("rife", "film")]
    for name in names:
        out = subprocess.run(
            [sys.executable, __file__, "--one", name], capture_output=True, text=True, check=True
        )
        print(f'    "{name}": {out.stdout.strip()},', flush=True)


if __name__ == "__main__":
    main()
