"""Parameters out of a TorchScript archive, read as data.

An archive is a zip file: `data.pkl` describes the module and names its tensors, whose bytes lie in `data/`,
and `code/` holds the program. Loading one with torch compiles and may run that program. Here it is not
looked at: the description is read by an unpickler that knows tensors and plain containers, and takes every
class of the program for a bag of attributes.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nakawari.errors import ModelError

_TYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
}


def is_archive(path: str | Path) -> bool:
    """Whether the file is a TorchScript archive."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as file:
        names = {name.partition("/")[2] for name in file.namelist()}
    return {"data.pkl", "constants.pkl"} <= names


def read_archive(path: str | Path) -> dict[str, Tensor]:
    """Parameters and buffers by dotted name, on the CPU, of the types they are stored in.

    Raises:
        ModelError: it is cut short, or holds what is neither a tensor nor a plain container.
    """
    try:
        with zipfile.ZipFile(path) as file:
            name = next(name for name in file.namelist() if name.partition("/")[2] == "data.pkl")
            root = name.removesuffix("data.pkl")
            with file.open(name) as description:
                module = _Reader(description, lambda key: file.read(f"{root}data/{key}")).load()
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise ModelError(f"{path} cannot be read as a TorchScript archive: {error}.") from error
    except (ValueError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is a broken TorchScript archive: {error}.") from error
    return dict(_tensors(module, ""))


class _Bag:
    """An object of the program: its attributes, and nothing that it does."""

    def __setstate__(self, state: Any) -> None:
        self.attributes = state if isinstance(state, dict) else {}


class _Reader(pickle.Unpickler):
    """Knows tensors, containers and bags."""

    def __init__(self, file: Any, storage: Callable[[str], bytes]) -> None:
        super().__init__(file)
        self._storage = storage
        self._kept: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return _Bag
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if module == "torch.jit._pickle":
            return lambda value, *_: value
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which is no tensor or plain container")

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype):
            raise pickle.UnpicklingError(f"it holds a {kind!r} where a storage was wanted")
        if key not in self._kept:
            self._kept[key] = torch.frombuffer(bytearray(self._storage(str(key))), dtype=dtype)
        if self._kept[key].numel() < count:
            raise pickle.UnpicklingError(f"data/{key} is cut short")
        return self._kept[key]


def _tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Tensor:
    return storage.as_strided(size, stride, offset)  # refuses what lies outside of the storage


def _tensors(value: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, _Bag):
        for key, inner in value.attributes.items():
            yield from _tensors(inner, f"{name}.{key}" if name else str(key))
