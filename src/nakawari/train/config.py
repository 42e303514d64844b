"""What a training run is told: TOML tables ↔ frozen dataclasses, checked key by key.

Every key has a type and a default; an unknown key is an error that suggests the nearest. Overrides are
written as on the command line, `optim.lr=1e-4`, and checked like the rest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from nakawari.errors import InputError

T = TypeVar("T")
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of a step.

    Attributes:
        size: samples of one optimizer step, over all processes.
        micro: samples that a process computes at once; 0: as many as make one pass. Gradients of several
            passes are accumulated. The result does not depend on it, but for rounding.
    """

    size: int = 16
    micro: int = 0


@dataclass(frozen=True, slots=True)
class Optim:
    """AdamW, its schedule and the average of weights.

    Attributes:
        lr: learning rate after warm-up; then half a cosine down to `final_lr`.
        final_lr: at the last step.
        warmup_steps: from 0 to `lr` in a straight line; again after a start from weights alone.
        weight_decay: on tensors of two axes and more (not on biases, norms and scalars).
        beta1, beta2, epsilon: of Adam.
        clip_norm: longest gradient; 0: any length.
        ema_decay: of the moving average of weights, reached gradually; 0: no average.
    """

    lr: float = 3e-4
    final_lr: float = 1e-6
    warmup_steps: int = 500
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    clip_norm: float = 1.0
    ema_decay: float = 0.999


@dataclass(frozen=True, slots=True)
class Compute:
    """Where and how it is computed; nothing here changes what is learned, but for rounding.

    Attributes:
        device: "auto", "cpu", "cuda", "cuda:1", "mps".
        precision: "bf16" computes the network in bfloat16 (weights, optimizer and losses stay float32).
        channels_last: memory format of images and convolutions.
        threads: of torch in this process; 0: torch's own choice.
        workers: processes that make batches; 0: the training process makes them itself.
        prefetch: batches that each worker makes ahead.
    """

    device: str = "auto"
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = True
    threads: int = 0
    workers: int = 0
    prefetch: int = 4


@dataclass(frozen=True, slots=True)
class Every:
    """How often it says what, in steps (0: never) and minutes.

    Attributes:
        log_steps: a line of losses.
        evaluate_steps: scores on fixed subsets, also at the start and the end.
        sheet_steps: a picture to look at, also at the end.
        checkpoint_minutes: what a kill can cost at most; 0: after each step.
    """

    log_steps: int = 50
    evaluate_steps: int = 1000
    sheet_steps: int = 1000
    checkpoint_minutes: float = 3.0


@dataclass(frozen=True, slots=True)
class Time:
    """How long it may last.

    Attributes:
        minutes: stop cleanly, with a checkpoint, when these are over; 0: no limit. The same command goes on.
    """

    minutes: float = 0.0


@dataclass(frozen=True, slots=True)
class Start:
    """What a new run begins with.

    Attributes:
        weights: a weight file of ours, loaded strictly; "": fresh weights.
        go_on: take schedule and data from the step that its header names; the optimizer warms up again.
            Otherwise it is the start of a new schedule.
    """

    weights: str = ""
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept on disk.

    Attributes:
        checkpoints: how many of the last ones.
        weights: number type of the weight file.
        part_mb: no file of a checkpoint is larger.
    """

    checkpoints: int = 2
    weights: Literal["float16", "float32"] = "float16"
    part_mb: int = 15


@dataclass(frozen=True, slots=True)
class Config:
    """All that a run is told.

    Attributes:
        task: a name in `task.TASKS`, or `module:attribute` of a Task.
        model: what the task builds.
        steps: of the optimizer, in all.
        seed: of weights and data.
        folder: of the run; "": `runs/` and the name of the file.
        licence, trained_on: go into the header of the weights.
        data, model_config, losses: tables that the task and the model read.
    """

    task: str = "interpolation"
    model: str = "fast"
    steps: int = 100_000
    seed: int = 0
    folder: str = ""
    licence: str = ""
    trained_on: str = ""
    batch: Batch = field(default_factory=Batch)
    optim: Optim = field(default_factory=Optim)
    compute: Compute = field(default_factory=Compute)
    every: Every = field(default_factory=Every)
    time: Time = field(default_factory=Time)
    start: Start = field(default_factory=Start)
    keep: Keep = field(default_factory=Keep)
    data: Table = field(default_factory=dict)
    model_config: Table = field(default_factory=dict)
    losses: Table = field(default_factory=dict)

    def check(self) -> Config:
        """Raise InputError where a value makes no sense; returns itself."""
        o, b = self.optim, self.batch
        wrong = [
            ("steps", self.steps, "at least 1", self.steps >= 1),
            ("batch.size", b.size, "at least 1", b.size >= 1),
            ("batch.micro", b.micro, "at least 0", b.micro >= 0),
            ("optim.lr", o.lr, "more than 0", o.lr > 0),
            ("optim.final_lr", o.final_lr, "at least 0", o.final_lr >= 0),
            ("optim.warmup_steps", o.warmup_steps, "at least 0", o.warmup_steps >= 0),
            ("optim.clip_norm", o.clip_norm, "at least 0", o.clip_norm >= 0),
            ("optim.ema_decay", o.ema_decay, "0 <= ema_decay < 1", 0 <= o.ema_decay < 1),
            ("compute.workers", self.compute.workers, "at least 0", self.compute.workers >= 0),
            ("compute.prefetch", self.compute.prefetch, "at least 1", self.compute.prefetch >= 1),
            ("time.minutes", self.time.minutes, "at least 0", self.time.minutes >= 0),
            ("keep.checkpoints", self.keep.checkpoints, "at least 1", self.keep.checkpoints >= 1),
            ("keep.part_mb", self.keep.part_mb, "at least 1", self.keep.part_mb >= 1),
        ]
        for name, value, wanted, good in wrong:
            if not good:
                raise InputError(f"{name} is {value}; wanted {wanted}.")
        return self


MAY_CHANGE = ("folder", "licence", "trained_on", "compute", "every", "time", "keep")
"""Tables and keys that may differ when a run goes on; the rest decides what is learned."""


def read_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a TOML file, with `key=value` overrides.

    Raises:
        InputError: the file is absent or no TOML, a key is unknown, or a value is of the wrong type.
    """
    try:
        table = tomllib.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}.") from error
    for text in overrides:
        _override(table, text)
    table.setdefault("folder", f"runs/{Path(path).stem}")
    return from_table(Config, table).check()


def _override(table: Table, text: str) -> None:
    """Put `a.b=value` into nested tables; a value that is no TOML is a string."""
    key, equals, value = text.partition("=")
    names = key.strip().split(".")
    if not equals or not all(names):
        raise InputError(f"{text!r} is not an override; wanted key=value, such as optim.lr=1e-4.")
    for name in names[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise InputError(f"{name} in {text!r} is a value, not a table.")
    try:
        table[names[-1]] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[names[-1]] = value.strip()


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


def differences(old: Config, new: Config) -> list[str]:
    """What decides the learning and is not alike: `key = old, not new`."""
    flat_old, flat_new = _flat(to_table(old), ""), _flat(to_table(new), "")
    keys = [k for k in {**flat_old, **flat_new} if k.split(".")[0] not in MAY_CHANGE and k != "batch.micro"]
    return [
        f"{key} = {flat_old.get(key)!r}, not {flat_new.get(key)!r}"
        for key in keys
        if flat_old.get(key) != flat_new.get(key)
    ]


def _flat(table: Table, where: str) -> Table:
    flat: Table = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{where}{key}.")
        else:
            flat[where + key] = list(value) if isinstance(value, tuple) else value
    return flat
