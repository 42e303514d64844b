"""Measure the memory that models take a pixel, with random parameters.

    python benchmarks/memory.py [NAME ...]
    python benchmarks/memory.py --encoders [CODEC ...]

Prints rows for `src/nakawari/models/costs.py`: bytes a padded pixel when all is drawn at once (at 960x540),
and what is held of the whole picture when it is drawn in the smallest windows (at 1920x1080). Each runs in a
process of its own; the peak of resident memory, less what the loaded model takes before, is divided by the
pixels. `--encoders` prints as how many pictures of its pixel format each encoder takes memory, for each of
its presets, after 90 pictures of 1280x720: rows for `src/nakawari/video/encoders.py`.
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


def measure_encoder(codec: str, preset: str) -> float:
    import tempfile
    from dataclasses import replace
    from fractions import Fraction
    from pathlib import Path

    import av
    import cv2

    from nakawari.pipeline.demo_clip import picture
    from nakawari.video.encoders import EncodeOptions
    from nakawari.video.frames import Colour, Frame, Info
    from nakawari.video.open import open_writer

    info = Info("x", 1280, 720, Fraction(24), Fraction(1, 24), "yuv420p", 8, Colour())
    options = EncodeOptions(codec=codec, preset=preset or None)
    with tempfile.TemporaryDirectory() as name:
        writer = open_writer(Path(name, "out.mkv"), info, Fraction(24), options, overwrite=True)
        form = writer.encoding.pix_fmt
        writer.abort()
        frames = []
        for number in range(2):
            native = av.VideoFrame.from_ndarray(cv2.resize(picture(4 * number), (1280, 720)), "rgb24")
            frames.append(Frame(number, Fraction(0), Fraction(1, 24), native.reformat(format=form), Colour()))
        bits = frames[0].native.format.components[0].bits
        info = replace(info, pix_fmt=form, bits=bits)
        writer = open_writer(Path(name, "out.mkv"), info, Fraction(24), options, overwrite=True)
        before = resident()
        for number in range(90):
            writer.copy(frames[number % 2], Fraction(number, 24))
        writer.finish()
    return (resident() - before) / sum(plane.buffer_size for plane in frames[0].native.planes)


def encoders(names: list[str]) -> None:
    from nakawari.video.encoders import ENCODERS

    cards = ("nvenc", "qsv", "amf")
    for codec in names or [name for name in ENCODERS if not name.endswith(cards)]:
        for preset in ENCODERS[codec].presets or ("",):
            words = [sys.executable, __file__, "--encoder", codec, preset]
            found = subprocess.run(words, capture_output=True, text=True, check=False)
            print(codec, preset, found.stdout.strip() or "cannot be opened", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--encoders"]:
        encoders(sys.argv[2:])
        return
    if sys.argv[1:2] == ["--encoder"]:
        print(round(measure_encoder(sys.argv[2], sys.argv[3])))
        return
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
