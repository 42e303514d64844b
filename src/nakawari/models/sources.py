"""Where weights come from: what each project released, at which address, and where it lies here.

A digest is "sha256:HEX", or "git:HEX" where the project keeps the file in its repository, whose name for
it is a hash of the content. Where a project published neither, what was downloaded is recognised by its
keys, and its SHA-256 is written down beside it, so that `verify` notices later damage.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from nakawari.errors import ModelError
from nakawari.models.rife.versions import VERSIONS

BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A weight file that a project released.

    Attributes:
        name: what `nakawari models get` is asked for: a row of CATALOG, or a starting state.
        file: its name here.
        url: its public address; None: it is got by hand, as `note` says.
        digest: what its content hashes to; "" where nobody published that.
        licence: of the weights, as their project states it.
        note: where the project tells about it, and how to get it by hand.
        variant: files of one name are told apart by this; the first is the default.
    """

    name: str
    file: str
    url: str | None
    digest: str
    licence: str
    note: str
    variant: str = ""


_AFI = "https://github.com/Soooda/AFI/raw/ef6e4e514b9359f7717a4640b9567c86811435f0/checkpoints"
_GMA = "https://github.com/zacjiang/GMA/raw/2f1fd29468a86a354d44dd25d107930b3f175043/checkpoints"
_AFI_NOTE = "https://github.com/Soooda/AFI keeps it under checkpoints/"
_VS_RIFE = "https://github.com/HolyWu/vs-rife/releases/download/model"
_VS_RIFE_NOTE = "https://github.com/HolyWu/vs-rife keeps a copy of each release of https://github.com/hzwer/Practical-RIFE"
_RIFE_NOTE = "download {} as the README of https://github.com/hzwer/{} tells, and take flownet.pkl out of it"
_FILM_NOTE = (
    "download the SavedModel {} as the README of https://github.com/google-research/frame-interpolation "
    "tells, and export it with https://github.com/dajes/frame-interpolation-pytorch"
)
_BY_HAND = {
    "rife": _RIFE_NOTE.format("the model of the paper", "ECCV2022-RIFE"),
    "rife-m": _RIFE_NOTE.format("RIFE_m", "ECCV2022-RIFE"),
    "rife-2r": _RIFE_NOTE.format("the model at double resolution", "ECCV2022-RIFE"),
    "rife-hd3": _RIFE_NOTE.format("a v3 of the model list", "Practical-RIFE"),
    "film-l1": _FILM_NOTE.format("L1"),
    "film-vgg": _FILM_NOTE.format("VGG"),
    "film-style": "download film_net_fp32.pt from https://github.com/dajes/frame-interpolation-pytorch/releases",
}
"""Files that lie in archives or behind pages: how to get them."""

SOURCES: tuple[Source, ...] = (
    Source(
        "animeinterp",
        "anime_interp_full.ckpt",
        "https://www.dropbox.com/s/oc8juclx1775qib/anime_interp_full.ckpt?dl=1",
        "",
        "MIT (README of the project)",
        "https://github.com/lisiyao21/AnimeInterp links to it under “Code”",
    ),
    Source(
        "animeinterp-gma",
        "afi-atd12k-49.pth",
        f"{_AFI}/ATD12K/49.pth",
        "git:4af02847c66907d0e4c9eb551ac6ea3f5d074f13",
        "MIT",
        f"{_AFI_NOTE}ATD12K/49.pth",
        "l1",
    ),
    Source(
        "animeinterp-gma",
        "afi-style-49.pth",
        f"{_AFI}/Style/49.pth",
        "git:59e248cdf849403336b6d3720b3b29a08c940e8e",
        "MIT",
        f"{_AFI_NOTE}Style/49.pth",
        "style",
    ),
    Source(
        "animeinterp-gma",
        "afi-atd12k-style-49.pth",
        f"{_AFI}/ATD12K-Style/49.pth",
        "git:8e7ec9ec5f0400eb485c6c4ebc5bfb2ec27a79ee",
        "MIT",
        f"{_AFI_NOTE}ATD12K-Style/49.pth",
        "l1-style",
    ),
    Source(
        "animeinterp-gma",
        "afi-qvi960-199.pth",
        f"{_AFI}/QVI960/199.pth",
        "git:5ff7ac4a9d72d1745939d4750c2fff97c2795b14",
        "MIT",
        f"{_AFI_NOTE}QVI960/199.pth",
        "qvi960",
    ),
    Source(
        "animeinterp-gma",
        "afi-animeinterp+gma.pth",
        f"{_AFI}/animeinterp+gma.pth",
        "git:3c67107339ee8fbc9e1c660c688a9e47aa28e355",
        "MIT",
        f"{_AFI_NOTE}animeinterp+gma.pth",
        "start",
    ),
    Source(
        "gma-sintel",
        "gma-sintel.pth",
        f"{_GMA}/gma-sintel.pth",
        "git:4a18602892b78de4c991ddb264262d5e38bdbd66",
        "WTFPL",
        "https://github.com/zacjiang/GMA keeps it under checkpoints/",
    ),
    Source(
        "raft-sintel",
        "raft-sintel.pth",
        None,
        "",
        "BSD-3-Clause",
        "its project ships it in an archive: download "
        "https://dl.dropboxusercontent.com/s/4j4z58wuv8o0mfz/models.zip and take raft-sintel.pth out of it",
    ),
    *(
        Source(
            name,
            f"{name}.pt" if name.startswith("film") else f"{name}.pkl",
            None,
            "",
            "Apache-2.0" if name.startswith("film") else "MIT",
            note,
        )
        for name, note in _BY_HAND.items()
    ),
    *(
        Source(name, file, f"{_VS_RIFE}/{file}", "", "MIT", _VS_RIFE_NOTE)
        for name, file in (
            (name, f"flownet_v{name.removeprefix('rife-').replace('-', '.')}.pkl") for name in VERSIONS
        )
        if name.startswith("rife-4")
    ),
)


def weights_folder() -> Path:
    """Where downloaded weights lie: NAKAWARI_WEIGHTS, or the user's cache."""
    chosen = os.environ.get("NAKAWARI_WEIGHTS")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    return Path(base).expanduser() / "nakawari" / "weights"


def find_source(name: str, variant: str | None = None) -> Source:
    """The file called `name`; the first of its variants unless one is named.

    Raises:
        ModelError: there is none, with what there is.
    """
    wanted = name.replace("_", "-").lower()
    rows = [source for source in SOURCES if source.name == wanted]
    if not rows:
        raise ModelError(_no_download(wanted))
    if variant is None:
        return rows[0]
    for source in rows:
        if source.variant == variant:
            return source
    variants = ", ".join(source.variant for source in rows if source.variant) or "none"
    raise ModelError(f"{wanted} has no variant {variant!r}; its variants: {variants}.")


def _no_download(name: str) -> str:
    """Why there is no row called `name`, and what to do."""
    from difflib import get_close_matches

    from nakawari.models import CATALOG

    kinds = {row.name: row.weights for row in CATALOG}
    if name not in kinds:
        near = get_close_matches(name, [source.name for source in SOURCES], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return f"no weights of {name!r} are known.{hint} `nakawari models list` shows what there is."
    why = "it has no weights" if kinds[name] == "none" else "its weights are shipped"
    return f"{name} needs no download: {why}."


def weights_of(name: str) -> Path:
    """The downloaded file of a row.

    Raises:
        ModelError: it is not here; the message says how to get it.
    """
    held = held_weights(name)
    if held is not None:
        return held
    source = find_source(name)
    how = f"`nakawari models get {name}` downloads them" if source.url else source.note
    raise ModelError(f"{name} needs weights, and there are none: {how}; or name a file with --weights FILE.")


def held_weights(name: str) -> Path | None:
    """The file of a row that lies in the weights folder, its default before its variants; None: none does."""
    for source in SOURCES:
        path = weights_folder() / source.file
        if source.name == name and path.is_file():
            return path
    return None


def digest_of(path: Path, kind: str = "sha256") -> str:
    """The digest of a file's content, of `kind` "sha256" or "git"."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    try:
        if kind == "git":
            digest.update(f"blob {path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    return f"{kind}:{digest.hexdigest()}"


def note_digest(path: Path) -> str:
    """Write a file's SHA-256 beside it, as `sha256sum` does; returns it."""
    from nakawari.checkpoints import write_atomic

    digest = digest_of(path)
    line = f"{digest.removeprefix('sha256:')}  {path.name}\n"
    write_atomic(_beside(path), line.encode())
    return digest


def noted_digest(path: Path) -> str:
    """What `note_digest` wrote; "" where it did not."""
    note = _beside(path)
    return f"sha256:{note.read_text(encoding='utf-8').split()[0]}" if note.is_file() else ""


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def check_digest(path: Path, source: Source) -> str:
    """What is wrong with a downloaded file: "" when its content is what it should be.

    The published digest counts; without one, that which was noted when the file came.
    """
    wanted = source.digest or noted_digest(path)
    if not wanted:
        return "nobody published its digest, and none was noted when it came"
    found = digest_of(path, wanted.partition(":")[0])
    return "" if found == wanted else f"its digest is {found}; wanted {wanted}"
