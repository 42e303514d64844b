"""A weight file of every row that needs one, at toy width: contracts can be asked of all of CATALOG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from nakawari import checkpoints
from nakawari.models import Row, find
from tests.models.seeded import seeded


def network(row: Row) -> tuple[str, str]:
    """Rows of which this is equal have one network."""
    _, config = TOYS[row.family](row.name)
    return row.family, str(config)


def toy_file(name: str, folder: Path) -> Path:
    """A file of ours for the row called `name`."""
    make, config = TOYS[find(name).family](name)
    net = make()
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    tensors = seeded(shapes)
    for key in tensors:
        if (
            ".tail." in key or ".layers.8." in key or "flow_head.2" in key
        ):  # what says flow: wild flow makes much of rounding
            tensors[key] *= 0.1
    path = folder / f"{name}.safetensors"
    checkpoints.save(path, tensors, checkpoints.Header(name, config))
    return path


def _rife(name: str):
    from nakawari.models.rife.net import IFNet
    from nakawari.models.rife.versions import VERSIONS

    config = VERSIONS[name]
    encoder = config.encoder and (4, config.encoder[1], config.encoder[2])
    config = replace(config, widths=(8,) * len(config.widths), encoder=encoder, context=config.context and 2)
    return lambda: IFNet(config), config.to_dict()


def _film(name: str):
    from nakawari.models.film.net import FilmConfig, FilmNet

    config = FilmConfig(width=4, levels=5, fused=4, motion=(4, 4, 8))
    return lambda: FilmNet(config), config.to_dict()


def _animeinterp(name: str):
    from dataclasses import asdict

    from nakawari.models.animeinterp.config import AnimeInterpConfig
    from nakawari.models.animeinterp.net import AnimeInterpNet

    config = AnimeInterpConfig("gma" if name.endswith("gma") else "none", iterations=1)
    return lambda: AnimeInterpNet(config), asdict(config)


TOYS: dict[str, Callable] = {"rife": _rife, "film": _film, "animeinterp": _animeinterp}
