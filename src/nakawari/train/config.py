"""What a training run is told: TOML tables ↔ frozen dataclasses, checked key by key.

Every key has a type and a default; an unknown key is an error that suggests the nearest. Overrides are
written as on the command line, `optim.lr=1e-4`, and checked like the rest.

A file may build on others: `base = "other.toml"`, or a list of them, beside the file; each lays its keys over
those of the one before, and the file its own over them all. `out=DIR` is short for `folder=DIR`, and
`init=PATH` for `start.weights=PATH`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from nakawari.errors import InputError
from nakawari.train.tables import Table, from_table, to_table


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
        lr: learning rate after warm-up.
        schedule: "cosine" goes down to `final_lr` in half a cosine; "linear" in a straight line from the end
            of the warm-up (with it, one cycle as RAFT has it); "steps" multiplies by `drop` at each step
            that `drops` names, and stays as it is otherwise.
        final_lr: at the last step, of "cosine" and "linear".
        drops, drop: of "steps".
        warmup_steps: from 0 to `lr` in a straight line; again after a start from weights alone.
        parts: by the beginning of a parameter's name, what its learning rate is multiplied by; 0 freezes it
            (its norms too). The longest beginning that fits counts; what none fits has 1.
        weight_decay: on tensors of two axes and more (not on biases, norms and scalars), or on all.
        decays: which: "kernels" or "all".
        beta1, beta2, epsilon: of Adam.
        clip_norm: longest gradient; 0: any length.
        ema_decay: of the moving average of weights, reached gradually; 0: no average.
    """

    lr: float = 3e-4
    schedule: Literal["cosine", "linear", "steps"] = "cosine"
    final_lr: float = 1e-6
    drops: tuple[int, ...] = ()
    drop: float = 0.1
    warmup_steps: int = 500
    parts: dict[str, float] = field(default_factory=dict)
    weight_decay: float = 1e-4
    decays: Literal["kernels", "all"] = "kernels"
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
        weights: a weight file, ours or one that another project released, loaded strictly; "random": fresh
            weights, said so; "required": the recipe goes on from a starting state, and one of these two must
            be given; "": fresh weights, for recipes that begin with them.
        wants: what a recipe that requires a starting state was published with, in words.
        drop: beginnings of names in the file that are left out.
        fresh: beginnings of names that the file may lack; they begin with random weights.
        go_on: take schedule and data from the step that its header names; the optimizer warms up again.
            Otherwise it is the start of a new schedule.
    """

    weights: str = ""
    wants: str = ""
    drop: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    go_on: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """When to stop early. The best averaged weights are kept beside the last ones, as `best.safetensors`.

    Attributes:
        patience: evaluations without a better score, after which it stops; 0: never.
        split: the fixed subset that is looked at; "": the first one.
        score: of it: "psnr", "ssim" (more is better), "chamfer" or "loss" (less is). A loss that gives up
            decibels for sharp pictures would stop at once by "psnr".
    """

    patience: int = 0
    split: str = ""
    score: Literal["psnr", "ssim", "chamfer", "loss"] = "psnr"


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept on disk.

    Attributes:
        checkpoints: how many of the last ones.
        at: steps whose averaged weights are kept as well, as `weights-000001000.safetensors`: starting states
            of runs that go on from the middle of this one.
        weights: number type of the weight file.
        part_mb: no file of a checkpoint is larger.
    """

    checkpoints: int = 2
    at: tuple[int, ...] = ()
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
    stop: Stop = field(default_factory=Stop)
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
            ("optim.lr", o.lr, "more than 0 and finite", 0 < o.lr < math.inf),
            ("optim.final_lr", o.final_lr, "at least 0 and finite", 0 <= o.final_lr < math.inf),
            ("optim.weight_decay", o.weight_decay, "at least 0 and finite", 0 <= o.weight_decay < math.inf),
            ("optim.beta1", o.beta1, "0 <= beta1 < 1", 0 <= o.beta1 < 1),
            ("optim.beta2", o.beta2, "0 <= beta2 < 1", 0 <= o.beta2 < 1),
            ("optim.epsilon", o.epsilon, "more than 0 and finite", 0 < o.epsilon < math.inf),
            ("optim.warmup_steps", o.warmup_steps, "at least 0", o.warmup_steps >= 0),
            ("optim.drop", o.drop, "more than 0", o.drop > 0),
            ("optim.parts", o.parts, "at least 0 each", all(rate >= 0 for rate in o.parts.values())),
            ("stop.patience", self.stop.patience, "at least 0", self.stop.patience >= 0),
            ("optim.clip_norm", o.clip_norm, "at least 0", o.clip_norm >= 0),
            ("optim.ema_decay", o.ema_decay, "0 <= ema_decay < 1", 0 <= o.ema_decay < 1),
            ("compute.threads", self.compute.threads, "at least 0", self.compute.threads >= 0),
            ("compute.workers", self.compute.workers, "at least 0", self.compute.workers >= 0),
            ("compute.prefetch", self.compute.prefetch, "at least 1", self.compute.prefetch >= 1),
            ("time.minutes", self.time.minutes, "at least 0", self.time.minutes >= 0),
            ("keep.checkpoints", self.keep.checkpoints, "at least 1", self.keep.checkpoints >= 1),
            ("keep.at", self.keep.at, "steps from 1 on", all(step >= 1 for step in self.keep.at)),
            ("keep.part_mb", self.keep.part_mb, "at least 1", self.keep.part_mb >= 1),
        ]
        for each in fields(self.every):
            period = getattr(self.every, each.name)
            wrong.append((f"every.{each.name}", period, "at least 0", period >= 0))
        for name, value, wanted, good in wrong:
            if not good:
                raise InputError(f"{name} is {value}; wanted {wanted}.")
        if self.start.weights == REQUIRED:
            wants = f" ({self.start.wants})" if self.start.wants else ""
            raise InputError(f"this recipe goes on from a starting state: init=PATH{wants}, or init=random.")
        if self.stop.patience and not self.every.evaluate_steps:
            raise InputError("stop.patience counts evaluations; wanted every.evaluate_steps above 0 as well.")
        return self


REQUIRED, RANDOM = "required", "random"
"""What `start.weights` may be beside a file."""

SHORT = {"out": "folder", "init": "start.weights"}
"""Overrides that people type."""

MAY_CHANGE = ("folder", "licence", "trained_on", "compute", "every", "time", "keep")
"""Tables and keys that may differ when a run goes on; the rest decides what is learned."""


def read_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration in a TOML file, with `key=value` overrides.

    Raises:
        InputError: the file is absent or no TOML, a key is unknown, or a value is of the wrong type.
    """
    table = _read_table(Path(path), ())
    for text in overrides:
        _override(table, text)
    table.setdefault("folder", f"runs/{Path(path).stem}")
    return from_table(Config, table).check()


def _read_table(path: Path, above: tuple[Path, ...]) -> Table:
    """A file's table, laid over those that it builds on."""
    if path.resolve() in above:
        raise InputError(f"{path} builds on itself.")
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}.") from error
    bases = own.pop("base", [])
    bases = [bases] if isinstance(bases, str) else bases
    if not isinstance(bases, list) or not all(isinstance(base, str) for base in bases):
        raise InputError(f"base in {path} is {bases!r}; wanted a file or a list of files.")
    table: Table = {}
    for base in bases:
        table = _laid_over(table, _read_table(path.parent / base, (*above, path.resolve())))
    return _laid_over(table, own)


def _laid_over(under: Table, over: Table) -> Table:
    """Tables are merged key by key; anything else, lists too, is replaced."""
    merged = dict(under)
    for key, value in over.items():
        before = merged.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[key] = _laid_over(before, value) if both else value  # type: ignore[arg-type]
    return merged


def _override(table: Table, text: str) -> None:
    """Put `a.b=value` into nested tables; a value that is no TOML is a string."""
    key, equals, value = text.partition("=")
    names = SHORT.get(key.strip(), key.strip()).split(".")
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
