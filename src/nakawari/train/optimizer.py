"""AdamW over named parts of a network, each at its own rate, and how the rate changes over a run."""

from __future__ import annotations

import math

import torch
from torch import nn

from nakawari.errors import InputError
from nakawari.train.config import Optim


def rate_of(name: str, rates: dict[str, float]) -> float:
    """What the learning rate of a parameter is multiplied by: the longest beginning of its name decides."""
    fitting = [start for start in rates if name == start or name.startswith(start.rstrip(".") + ".")]
    return rates[max(fitting, key=len)] if fitting else 1.0


def freeze(net: nn.Module, rates: dict[str, float]) -> None:
    """Take frozen parameters out of training, and let norms that are frozen keep their statistics.

    Raises:
        InputError: a beginning fits no parameter, or nothing is left to train.
    """
    names = [name for name, _ in net.named_parameters()]
    for start in rates:
        if all(rate_of(name, {start: 0.0}) for name in names):
            tops = sorted({name.split(".")[0] for name in names})
            raise InputError(
                f"optim.parts names {start!r}, which no parameter has; parts: {', '.join(tops)}."
            )
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(rate_of(name, rates) > 0)
    for name, module in net.named_modules():
        if name and rate_of(name, rates) == 0:
            module.eval()
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise InputError("optim.parts freezes everything; wanted one rate above 0.")


def make_optimizer(net: nn.Module, optim: Optim) -> torch.optim.AdamW:
    """AdamW that shrinks kernels and matrices, or all as `decays` says; `rate` in each group."""
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            shrinks = optim.decays == "all" or parameter.ndim >= 2
            groups.setdefault((rate_of(name, optim.parts), shrinks), []).append(parameter)
    told = [
        {"params": parameters, "rate": rate, "weight_decay": optim.weight_decay if shrinks else 0.0}
        for (rate, shrinks), parameters in sorted(groups.items(), key=lambda group: group[0], reverse=True)
    ]
    fused = next(net.parameters()).device.type in ("cpu", "cuda")
    betas = (optim.beta1, optim.beta2)
    return torch.optim.AdamW(told, optim.lr, betas, optim.epsilon, fused=fused)


def learning_rate(optim: Optim, step: int, steps: int, fresh_at: int) -> float:
    """The rate of a step as `schedule` says, times a ramp from where the optimizer began without a past."""
    ramp = min(1.0, (step - fresh_at + 1) / max(1, optim.warmup_steps))
    if optim.schedule == "steps":
        return ramp * optim.lr * optim.drop ** sum(step >= at for at in optim.drops)
    if optim.schedule == "linear":
        left = (steps - 1 - step) / max(1, steps - 1 - optim.warmup_steps)
        return ramp * (optim.final_lr + (optim.lr - optim.final_lr) * min(1.0, max(0.0, left)))
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / max(1, steps - 1))
    return ramp * (optim.final_lr + (optim.lr - optim.final_lr) * cosine)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Tell the optimizer the learning rate of this step; each part has its share."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["rate"]
