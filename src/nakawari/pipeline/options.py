"""What is said to a model beside its name, checked before its weights are looked for."""

from __future__ import annotations

from typing import Any

from nakawari.errors import InputError


def check_options(options: dict[str, Any]) -> None:
    """Raise InputError where `tile` or `memory` is no value of theirs, or `unsure` is among them."""
    if "unsure" in options:
        raise InputError("unsure is said beside options, not in them.")
    if {"tile", "memory"} & set(options):
        from nakawari.models.tiles import parse_memory, parse_tile

        parse_tile(options.get("tile", "auto"))
        parse_memory(options.get("memory"))
