"""Optional dependencies: the only place where an ImportError is caught."""

from __future__ import annotations

import importlib
from types import ModuleType

from nakawari.errors import MissingExtraError


def need(module: str, extra: str | None = None) -> ModuleType:
    """Import `module`, or say which extra to install.

    Args:
        module: dotted module name, such as `"ray"`.
        extra: the extra of nakawari that brings it; None when it is a core dependency.

    Raises:
        MissingExtraError: the module is not installed or does not import.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = f"nakawari[{extra}]" if extra else "nakawari"
        raise MissingExtraError(
            f"{module} cannot be imported ({error}). Install it with: pip install '{package}'"
        ) from error


def available(module: str) -> bool:
    """Whether `module` imports here."""
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True
