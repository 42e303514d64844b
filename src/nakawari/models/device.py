"""Which device and number type a model runs with."""

from __future__ import annotations

import torch

from nakawari.errors import BackendError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
PRECISION_NAMES = {kind: name for name, kind in PRECISIONS.items()}


def choose_device(name: str) -> torch.device:
    """The device called `name`; "auto" takes a GPU when there is one.

    Raises:
        BackendError: `name` is not a device, or not to be had here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        if torch.backends.mps.is_available():
            return torch.device("mps")
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BackendError(f"{name!r} is not a device; wanted auto, cpu, cuda, cuda:N or mps.") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BackendError(f"{name} was asked for, but torch sees {torch.cuda.device_count()} CUDA devices.")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise BackendError("mps was asked for, but torch cannot use it here.")
    if device.type not in ("cpu", "cuda", "mps"):
        raise BackendError(f"{name} is not supported; wanted auto, cpu, cuda, cuda:N or mps.")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The number type called `name`; "auto" is float32 on CPU and MPS, float16 on CUDA.

    Raises:
        BackendError: `name` is not a precision, or float16 was asked for on a CPU.
    """
    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if name not in PRECISIONS:
        raise BackendError(f"{name!r} is not a precision; wanted auto, {', '.join(PRECISIONS)}.")
    if name == "fp16" and device.type == "cpu":
        raise BackendError("fp16 was asked for on the CPU; wanted fp32 or bf16 there.")
    return PRECISIONS[name]
