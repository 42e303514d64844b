"""Tables of TOML ↔ dataclasses: every key has a type, and one that is unknown or mistyped is named."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nakawari.errors import InputError

T = TypeVar("T")
Table = dict[str, Any]


def from_table(cls: type[T], table: Table, where: str = "") -> T:
    """A dataclass from a table; nested dataclasses from nested tables.

    Args:
        cls: a dataclass whose fields all have defaults (or must be given).
        table: what TOML gave.
        where: dotted name of the table, for messages.

    Raises:
        InputError: a key is unknown (the nearest is suggested), missing, or of the wrong type.
    """
    hints = get_type_hints(cls)
    names = [f.name for f in fields(cls)]  # type: ignore[arg-type]
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in names:
            near = get_close_matches(key, names, n=1, cutoff=0.5)
            hint = f"Did you mean {prefix}{near[0]}?" if near else f"Keys: {', '.join(names)}."
            raise InputError(f"there is no key {prefix}{key}. {hint}")
    values = {key: _value(hints[key], value, prefix + key) for key, value in table.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise InputError(f"the table {where or 'of the file'} is not whole: {error}.") from error


def _value(hint: Any, value: Any, name: str) -> Any:
    if is_dataclass(hint):
        if not isinstance(value, dict):
            raise InputError(f"{name} is {value!r}; wanted a table.")
        return from_table(hint, value, name)  # type: ignore[arg-type]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in arguments:
            raise InputError(f"{name} is {value!r}; wanted {' or '.join(map(repr, arguments))}.")
        return value
    if origin in (Union, UnionType):  # X | None: TOML has no null, so a value that is there is an X
        return _value(next(a for a in arguments if a is not type(None)), value, name)
    if origin is tuple:
        return _items(arguments, value, name)
    if origin is dict or hint is dict:
        if not isinstance(value, dict):
            raise InputError(f"{name} is {value!r}; wanted a table.")
        entry = arguments[1] if arguments else Any
        return {key: _value(entry, each, f"{name}.{key}") for key, each in value.items()}
    return _scalar(hint, value, name)


def _items(arguments: tuple[Any, ...], value: Any, name: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} is {value!r}; wanted a list.")
    kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
    if len(kinds) != len(value):
        raise InputError(f"{name} has {len(value)} values; wanted {len(kinds)}.")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_value(kind, each, f"{name}[{i}]") for i, (kind, each) in pairs)


def _scalar(hint: Any, value: Any, name: str) -> Any:
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        kinds = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
        raise InputError(f"{name} is {value!r}; wanted {kinds.get(hint, hint)}.")
    return value


def to_table(config: Any) -> Table:
    """A dataclass as nested tables, lists and values."""
    table: Table = {}
    for each in fields(config):
        value = getattr(config, each.name)
        if value is not None:
            table[each.name] = to_table(value) if is_dataclass(value) else value
    return table


def to_toml(config: Any) -> str:
    """A dataclass as TOML text that `read_config` takes back."""
    return "\n".join(_lines(to_table(config), "")) + "\n"


def _lines(table: Table, where: str) -> list[str]:
    lines = [f"{_key(key)} = {_text(v)}" for key, v in table.items() if not isinstance(v, dict)]
    for key, value in table.items():
        if isinstance(value, dict):
            name = where + _key(key)
            lines += ["", f"[{name}]", *_lines(value, name + ".")]
    return lines


def _key(key: str) -> str:
    bare = key.replace("-", "").replace("_", "").isalnum() and key.isascii()
    return key if bare else json.dumps(key, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_text(v)}" for k, v in value.items()) + "}"
    return repr(value)
