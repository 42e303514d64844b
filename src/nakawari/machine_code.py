"""Where numba keeps the machine code of kernels: in the user's cache, as the package may be read-only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nakawari.optional import need


def cache_folder() -> Path:
    """The user's folder for compiled kernels; a temporary one where the home folder cannot be written."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or "~/.cache"
    try:
        folder = Path(base).expanduser() / "nakawari" / "numba"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        owner = str(os.getuid()) if hasattr(os, "getuid") else "user"
        return Path(tempfile.gettempdir()) / f"nakawari-numba-{owner}"


def kept(compiling: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of numba's that caches, with the machine code in `cache_folder`."""

    def decorate(function: Callable[..., Any]) -> Any:
        numba = need("numba")
        chosen = numba.config.CACHE_DIR
        if not chosen:  # NUMBA_CACHE_DIR wins
            numba.config.CACHE_DIR = str(cache_folder())
        try:
            return compiling(function)
        finally:
            numba.config.CACHE_DIR = chosen

    return decorate
