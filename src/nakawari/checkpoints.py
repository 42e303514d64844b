"""Weight files: written whole or not at all, read without running anything that is in them.

Our own files are safetensors whose header says what they are: the model, its configuration, what it was
trained on, for how many steps, and the licence. Official PyTorch files are read with `weights_only=True`.
Loading is strict: every key that is missing, left over or of another shape is named.
"""

from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nakawari.errors import ModelError, OutputError
from nakawari.replacing import replace_file
from nakawari.torchscript import is_archive, read_archive

FORMAT = "nakawari/1"
_NAMED = 8
"""How many keys an error names before it only counts them."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a weight file says of itself.

    Attributes:
        model: CATALOG name, or the name of the family.
        config: keyword arguments of the family's configuration.
        data: what it was trained on, in words.
        steps: optimizer steps that the weights have seen.
        licence: of the weights.
        notes: anything else worth keeping: samples seen, commit, hardware, scores.
    """

    model: str
    config: dict[str, Any] = field(default_factory=dict)
    data: str = ""
    steps: int = 0
    licence: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    def to_metadata(self) -> dict[str, str]:
        """As safetensors keeps it: strings by name; whatever is no string is JSON."""
        values = asdict(self).items()
        return {"format": FORMAT} | {k: v if isinstance(v, str) else json.dumps(v) for k, v in values}

    @staticmethod
    def from_metadata(metadata: Mapping[str, str] | None, name: str) -> Header:
        """Read what `to_metadata` gave; `name` is the file, for the message.

        Raises:
            ModelError: it is not the header of one of our files.
        """
        values = dict(metadata or {})
        found = values.pop("format", None)
        if found != FORMAT:
            raise ModelError(f"{name} has no header of nakawari (format {found!r}; wanted {FORMAT!r}).")
        kinds = {"config": dict, "notes": dict, "steps": int}
        read: dict[str, Any] = {}
        for key in (f.name for f in fields(Header)):
            text = values.get(key)
            if text is None:
                raise ModelError(f"the header of {name} has no {key!r}.")
            read[key] = _json(text, kinds[key], f"{key!r} in the header of {name}") if key in kinds else text
        return Header(**read)


def as_arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """A header's `config`, or a part of it, as keyword arguments: JSON has made lists of tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}


def _json(text: str, kind: type, what: str) -> Any:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ModelError(f"{what} is not JSON: {error}.") from error
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ModelError(f"{what} is {text[:40]}; wanted {kind.__name__}.")
    return value


def write_atomic(path: Path, content: bytes) -> None:
    """`replacing.replace_file` of a file that a person named.

    Raises:
        OutputError: it cannot be written there.
    """
    try:
        replace_file(path, content)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error


def pack(tensors: Mapping[str, Tensor], header: Header | None = None) -> bytes:
    """Tensors as the content of a safetensors file; they may be on any device and in any memory format."""
    from safetensors.torch import save

    plain = {key: _plain(value) for key, value in tensors.items()}
    content: bytes = save(plain, None if header is None else header.to_metadata())
    return content


def _plain(tensor: Tensor) -> Tensor:
    """On the CPU, row-major, with memory of its own (safetensors refuses shared memory)."""
    tensor = tensor.detach().cpu()
    packed = tensor.contiguous()
    shared = packed.untyped_storage().nbytes() != packed.numel() * packed.element_size()
    return packed.clone() if shared else packed


def unpack(content: bytes, name: str = "the file") -> dict[str, Tensor]:
    """What `pack` gave, without the header.

    Raises:
        ModelError: it is cut short or no safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, Tensor] = load(content)
    except SafetensorError as error:
        raise ModelError(f"{name} is not a whole safetensors file: {error}.") from error
    return tensors


def save(
    path: str | Path, tensors: Mapping[str, Tensor], header: Header, dtype: torch.dtype | None = None
) -> None:
    """Write a weight file atomically.

    Args:
        path: `*.safetensors`.
        tensors: for example `net.state_dict()`.
        header: what the file says of itself.
        dtype: floating-point tensors are stored as this; None: as they are.

    Raises:
        OutputError: it cannot be written there.
    """
    if dtype is not None:
        tensors = {k: v.to(dtype) if v.is_floating_point() else v for k, v in tensors.items()}
    write_atomic(Path(path), pack(tensors, header))


def read_header(path: str | Path) -> Header:
    """The header of one of our files; the tensors are not read.

    Raises:
        ModelError: the file is absent, broken, or not ours.
    """
    from safetensors import SafetensorError, safe_open

    _check_file(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata()
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is not a whole safetensors file: {error}.") from error
    return Header.from_metadata(metadata, str(path))


def load(path: str | Path, dtype: torch.dtype | None = None) -> tuple[dict[str, Tensor], Header]:
    """The tensors and the header of one of our files, on the CPU.

    Args:
        path: `*.safetensors`.
        dtype: floating-point tensors come as this; None: as they are stored.

    Raises:
        ModelError: the file is absent, broken, or not ours.
    """
    header = read_header(path)
    tensors = unpack(_read(path), str(path))
    if dtype is not None:
        tensors = {k: v.to(dtype) if v.is_floating_point() else v for k, v in tensors.items()}
    return tensors, header


def load_pt(path: str | Path) -> dict[str, Any]:
    """The dictionary in an official PyTorch file (.pt, .pth, .pkl); no code in it is run.

    A TorchScript archive is read as the parameters and buffers that are in it, by their dotted names.

    Raises:
        ModelError: the file is absent, broken, or holds more than tensors and plain values.
    """
    _check_file(path)
    if is_archive(path):
        return dict(read_archive(path))
    try:
        with warnings.catch_warnings():  # what torch thinks of the file is said by the error alone
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own words go on to advise to run what is in the file
        named = re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error))
        code = f" (it asks for {named[1]}, which is not run)" if named else ""
        raise ModelError(
            f"{path} holds more than tensors, or is no PyTorch file{code}. Take it from its authors again."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path} cannot be read as a PyTorch file: {reason}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds a {type(content).__name__}; wanted a dictionary of tensors.")
    return content


def load_strictly(net: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy `tensors` into `net`; nothing is copied unless every key and shape fits.

    Args:
        net: parameters and buffers keep their type, device and memory format.
        tensors: as `net.state_dict()`.
        name: where the tensors come from, for the message.

    Raises:
        ModelError: naming the keys that are missing, left over, or of another shape.
    """
    wanted = net.state_dict()
    missing = [key for key in wanted if key not in tensors]
    extra = [key for key in tensors if key not in wanted]
    shapes = [
        f"{key} {list(tensors[key].shape)}, wanted {list(value.shape)}"
        for key, value in wanted.items()
        if key in tensors and tensors[key].shape != value.shape
    ]
    faults = [
        f"{word}: {_list(keys)}"
        for word, keys in (("missing", missing), ("left over", extra), ("of another shape", shapes))
        if keys
    ]
    if faults:
        raise ModelError(f"{name} does not fit {type(net).__name__}; {'; '.join(faults)}.")
    net.load_state_dict(dict(tensors), strict=True)


def _list(keys: list[str]) -> str:
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _check_file(path: str | Path) -> None:
    if not Path(path).is_file():
        raise ModelError(f"there is no weight file {path}.")


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
