"""The folder of a run: what it was told, how it went, and checkpoints from which it goes on exactly.

    config.toml           the resolved configuration
    starts.jsonl          a line for each start: versions, device, commit, from which step
    metrics.jsonl         a line for each report of losses and of scores
    sheets/000001000.png  pictures to look at
    weights.safetensors   the averaged weights, newest; `nakawari.load` needs nothing else
    best.safetensors      the best so far, where `[stop]` looks for it
    weights-000001000.safetensors   those of a step that `keep.at` names
    checkpoints/000001000/manifest.json, state.000, state.001, …
    failed/               the batch at which a loss stopped being a number

Whatever is written gets its name only when it is whole, so a kill at any moment leaves the last checkpoint or
the next one. The parts of a state, joined, are one safetensors file; they are small enough to travel.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

import nakawari
from nakawari import checkpoints
from nakawari.errors import InputError, ModelError, OutputError
from nakawari.train.config import Config, differences, read_config
from nakawari.train.tables import to_toml

_MB = 1 << 20


@dataclass(slots=True)
class State:
    """All that training goes on from.

    Attributes:
        net, ema: the network, and the one that holds its averaged weights.
        optimizer: AdamW over `net.parameters()`.
        step: optimizer steps taken; the next one learns from the samples of this step.
        fresh_at: the step at which the optimizer began without a past; warm-up counts from it.
        seconds: of training, over all starts.
        sums: of losses since the last line of the log.
        counted: steps in `sums`.
    """

    net: nn.Module
    ema: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    fresh_at: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=dict)
    counted: int = 0

    def add(self, losses: dict[str, float]) -> None:
        """Count a step's losses for the next line of the log."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.counted += 1

    def means(self) -> dict[str, float]:
        """Of the losses since the last line."""
        return {name: total / self.counted for name, total in self.sums.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Weights, averaged weights and the optimizer's moments by name."""
        found = {f"net/{key}": value for key, value in self.net.state_dict().items()}
        found |= {f"ema/{key}": value for key, value in self.ema.state_dict().items()}
        for name, parameter in self.net.named_parameters():
            moments = self.optimizer.state.get(parameter, {})
            found |= {f"{key}/{name}": value for key, value in moments.items()}
        return found

    def load_tensors(self, tensors: dict[str, Tensor], name: str) -> None:
        """Put back what `tensors` gave; every tensor keeps the memory format of its weight.

        Raises:
            ModelError: they are not of this network.
        """
        for prefix, net in (("net/", self.net), ("ema/", self.ema)):
            part = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            checkpoints.load_strictly(net, part, name)
        named = dict(self.net.named_parameters())
        for key, value in tensors.items():
            kind, _, owner = key.partition("/")
            if kind in ("net", "ema"):
                continue
            if owner not in named:
                raise ModelError(f"{name} has moments of {owner!r}, which {type(self.net).__name__} lacks.")
            parameter = named[owner]
            like = torch.empty_like(parameter if value.ndim else value, device=parameter.device)
            self.optimizer.state[parameter][kind] = like.copy_(value)


class Run:
    """A run folder, in which only the first process writes (but for a batch that failed)."""

    def __init__(self, config: Config, header: dict[str, Any], writes: bool = True) -> None:
        self.config = config
        self.header = header
        self.writes = writes
        self.folder = Path(config.folder)
        self.checkpoints = self.folder / "checkpoints"

    @property
    def begun(self) -> bool:
        """Whether there is a checkpoint to go on from; a folder without may be begun otherwise."""
        return bool(self._all())

    def open(self) -> None:
        """Make the folder, or check that it is of this configuration; clear what a kill left.

        Raises:
            InputError: a run that was told otherwise is there.
            OutputError: the folder cannot be made.
        """
        if not self.writes:
            return
        told = self.folder / "config.toml"
        if told.exists() and (self.begun or (self.folder / "weights.safetensors").exists()):
            unlike = differences(read_config(told), self.config)
            if unlike:
                raise InputError(
                    f"{self.folder} was begun with {'; '.join(unlike)}. Name another folder=…, or begin it "
                    f"with start.weights={self.folder}/weights.safetensors."
                )
        try:
            for folder in (self.checkpoints, self.folder / "sheets"):
                folder.mkdir(parents=True, exist_ok=True)
            for part in self.checkpoints.glob("*.part"):
                shutil.rmtree(part)
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be used: {error.strerror or error}.") from error
        checkpoints.write_atomic(told, to_toml(self.config).encode())

    def save(self, state: State) -> None:
        """Write a checkpoint and the averaged weights, and drop the oldest checkpoint."""
        if not self.writes:
            return
        content = checkpoints.pack(state.tensors())
        size = self.config.keep.part_mb * _MB
        parts = [content[i : i + size] for i in range(0, len(content), size)]
        manifest = {
            "step": state.step,
            "fresh_at": state.fresh_at,
            "seconds": state.seconds,
            "sums": state.sums,
            "counted": state.counted,
            "parts": len(parts),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        final = self.checkpoints / f"{state.step:09d}"
        if not final.exists():
            part = final.with_name(final.name + ".part")
            try:
                part.mkdir()
                for number, piece in enumerate(parts):
                    checkpoints.write_atomic(part / f"state.{number:03d}", piece)
                checkpoints.write_atomic(part / "manifest.json", json.dumps(manifest).encode())
                part.rename(final)
                _sync(self.checkpoints)
            except OSError as error:
                raise OutputError(f"{final} cannot be written: {error.strerror or error}.") from error
        self.save_weights(state)
        for old in self._all()[: -self.config.keep.checkpoints]:
            doomed = old.with_name(old.name + ".part")
            old.rename(doomed)  # a half-deleted checkpoint must not bear a checkpoint's name
            shutil.rmtree(doomed)

    def save_weights(self, state: State, name: str = "weights.safetensors") -> None:
        """Write the averaged weights, with all that is known of them in the header."""
        kind = torch.float16 if self.config.keep.weights == "float16" else torch.float32
        notes = {
            "samples": state.step * self.config.batch.size,
            "seconds": round(state.seconds),
            "optim": {"lr": self.config.optim.lr, "ema_decay": self.config.optim.ema_decay},
            "version": nakawari.__version__,
        }
        known = {**self.header, "notes": notes | self.header.get("notes", {})}
        header = checkpoints.Header(steps=state.step, licence=self.config.licence, **known)
        checkpoints.save(self.folder / name, state.ema.state_dict(), header, kind)

    def _all(self) -> list[Path]:
        return sorted(path for path in self.checkpoints.glob("*") if path.name.isdigit())

    def restore(self, state: State) -> bool:
        """Go on from the last checkpoint; False when there is none.

        Raises:
            ModelError: it is damaged, or of another network.
        """
        found = self._all()
        if not found:
            self._forget_after(-1)
            return False
        try:
            manifest = json.loads((found[-1] / "manifest.json").read_bytes())
            content = b"".join(
                (found[-1] / f"state.{number:03d}").read_bytes() for number in range(manifest["parts"])
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{found[-1]} is damaged ({error}); remove it to go on from an earlier one."
            ) from error
        if hashlib.sha256(content).hexdigest() != manifest["sha256"]:
            raise ModelError(f"{found[-1]} is damaged (sha256); remove it to go on from an earlier one.")
        state.load_tensors(checkpoints.unpack(content, str(found[-1])), str(found[-1]))
        for key in ("step", "fresh_at", "seconds", "sums", "counted"):
            setattr(state, key, manifest[key])
        self._forget_after(state.step)
        return True

    def _forget_after(self, step: int) -> None:
        """Drop lines of the log that the steps to come will write again, and a line that a kill cut short."""
        path = self.folder / "metrics.jsonl"
        if self.writes and path.exists():
            kept = [json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step]
            checkpoints.write_atomic(path, "".join(kept).encode())

    def rows(self) -> list[dict[str, Any]]:
        """The metrics so far."""
        path = self.folder / "metrics.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [row for line in lines if (row := _row(line))]

    def log(self, row: dict[str, Any]) -> None:
        """Add a line to the metrics."""
        self._add("metrics.jsonl", row)

    def note(self, row: dict[str, Any]) -> None:
        """Add a line to the list of starts."""
        self._add("starts.jsonl", row)

    def _add(self, name: str, row: dict[str, Any]) -> None:
        if self.writes:
            with (self.folder / name).open("a") as file:
                file.write(json.dumps(row) + "\n")

    def sheet(self, step: int, image: npt.NDArray[np.uint8]) -> None:
        """Keep an H×W×3 RGB picture as PNG."""
        import cv2

        good, content = cv2.imencode(".png", image[..., ::-1])
        if not good:
            raise OutputError(f"the sample sheet of step {step} cannot be written as PNG.")
        checkpoints.write_atomic(self.folder / "sheets" / f"{step:09d}.png", content.tobytes())

    def fail(self, step: int, rank: int, batch: dict[str, Tensor]) -> Path:
        """Keep the batch at which training failed; returns where."""
        path = self.folder / "failed" / f"{step:09d}-{rank}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoints.write_atomic(path, checkpoints.pack(batch))
        return path


def _row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except json.JSONDecodeError:
        return None
    return row if isinstance(row, dict) and "step" in row else None


def _sync(folder: Path) -> None:
    """Make sure that a rename in `folder` outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def surroundings(device: torch.device, processes: int) -> dict[str, Any]:
    """What this start runs on: versions, device, and the commit where there is one."""
    git = shutil.which("git")
    commit = ""
    if git:
        asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    return {
        "nakawari": nakawari.__version__,
        "commit": commit,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "processes": processes,
        "threads": torch.get_num_threads(),
    }
