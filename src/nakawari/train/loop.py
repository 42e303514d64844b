"""The training loop, from top to bottom.

It is exact: a run that was interrupted at any moment, on any rank, and started again ends, on a CPU, with bit
for bit the weights of a run that was not. Three decisions make that simple instead of laborious:

    data         sample i is a pure function of (seed, i), and the step says which samples it learns from
    chance       all generators are seeded from (seed, first sample) before each pass, so none of them has a
                 past that would have to be saved
    checkpoints  hold the rest (weights, averaged weights, moments, step), and get a name when they are whole

For the same reasons the split of a batch into passes and processes changes only the order of additions.
"""

from __future__ import annotations

import copy
import logging
import math
import random
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from nakawari.errors import TrainingError
from nakawari.train.clock import Clock, stop_signals
from nakawari.train.config import Config
from nakawari.train.early import since_best
from nakawari.train.loader import Schedule, batches
from nakawari.train.optimizer import freeze, learning_rate, make_optimizer, set_learning_rate
from nakawari.train.parallel import FlatGradients, Place, joined
from nakawari.train.run import Run, State, surroundings
from nakawari.train.start import begin_with
from nakawari.train.task import Task, find_task

log = logging.getLogger(__name__)

Losses = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a start ended: after `step` steps, because `reason` ("done", "early", "time", "signal")."""

    step: int
    reason: str


def train(config: Config) -> Outcome:
    """Train, or go on where the run folder is.

    Raises:
        TrainingError: a loss or gradient is not a finite number; the batch is kept.
        NakawariError: as config, task, run folder and weights say.
    """
    with joined(config.compute) as place, stop_signals() as stop:
        clock = Clock(config)
        prepare_torch(config, place)
        seed(config.seed, 0)
        task = find_task(config, place.device)
        run = Run(config, task.header(), place.first)
        data = task.data()  # what is missing is said before there is a folder
        state = begin(config, task, run, place)
        schedule = Schedule.of(config.batch, place.rank, place.world)
        gradients = FlatGradients(state.net)
        steps = (state.step, config.steps)
        early = enough(config, task, run)
        leave = early
        with closing(batches(data, schedule, steps, config.compute, place.device)) as source:
            while state.step < config.steps and not leave:
                set_learning_rate(state.optimizer, rate_at(config, state, state.step))
                gradients.zero()
                said: list[Losses] = []
                for number in range(schedule.passes):
                    with clock.waiting():
                        batch = next(source)
                    seed(config.seed, schedule.indices(state.step, number).start)
                    with autocast(config, place):
                        losses = task.step(state.net, batch, state.step)
                    (losses["loss"] / schedule.passes).backward()  # type: ignore[no-untyped-call]
                    said.append({name: value.detach().float() for name, value in losses.items()})
                place.average(gradients.flat)
                norm = gradients.flat.norm()
                means, leave = consult(place, said, norm, stop.asked or clock.over() or early)
                if not all(map(math.isfinite, means.values())):
                    run.save(state)
                    broken = broken_pass(said, means)
                    if broken is not None:
                        indices = schedule.indices(state.step, broken)
                        run.fail(state.step, place.rank, data.batch(indices))
                    raise failure(run, state, means)
                gradients.clip(norm, config.optim.clip_norm)
                state.optimizer.step()
                average_weights(state, config.optim.ema_decay)
                state.step += 1
                state.add(means)
                tell(config, task, run, state, clock)
                if state.step in config.keep.at and run.writes:
                    run.save_weights(state, f"weights-{state.step:09d}.safetensors")
                if config.every.evaluate_steps and state.step % config.every.evaluate_steps == 0:
                    early = enough(config, task, run)  # all leave together, after the next step
                if leave or state.step == config.steps or clock.checkpoint_due():
                    state.seconds += clock.since_checkpoint()
                    run.save(state)
    if state.step == config.steps:
        return Outcome(state.step, "done")
    return Outcome(state.step, "early" if early else "signal" if stop.asked else "time")


def prepare_torch(config: Config, place: Place) -> None:
    """Threads of this process, and on a GPU the fast kinds of product and convolution."""
    if config.compute.threads:
        torch.set_num_threads(config.compute.threads)
    if place.device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True


def seed(base: int, sample: int) -> None:
    """Seed all generators from the run's seed and a sample's number."""
    first, second = (int(word) for word in np.random.SeedSequence((base, sample)).generate_state(2))
    torch.manual_seed(first << 32 | second)
    np.random.seed(second)
    random.seed(first)


def autocast(config: Config, place: Place) -> torch.autocast:
    """Bfloat16 where it was asked for."""
    return torch.autocast(place.device.type, torch.bfloat16, enabled=config.compute.precision == "bf16")


def begin(config: Config, task: Task, run: Run, place: Place) -> State:
    """The state to train from: the last checkpoint, or given weights, or fresh ones."""
    net = task.build().to(place.device)
    if config.compute.channels_last:
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    freeze(net.train(), config.optim.parts)
    state = State(net, ema, make_optimizer(net, config.optim))
    if not run.begun:  # a starting state that does not fit leaves no folder
        state.step = state.fresh_at = begin_with(config.start, (net, ema), config.model)
    run.open()
    resumed = run.restore(state)
    place.agree(state.step, "the step to go on from")
    if place.first:
        log.info("%s: step %d of %d on %s", run.folder, state.step, config.steps, place.device)
    run.note({"step": state.step, **surroundings(place.device, place.world)})
    if not resumed:
        evaluate(config, task, run, state)
    return state


def rate_at(config: Config, state: State, step: int) -> float:
    """The learning rate of a step."""
    return learning_rate(config.optim, step, config.steps, state.fresh_at)


def enough(config: Config, task: Task, run: Run) -> bool:
    """Whether the scores say that it is time to stop early."""
    if not config.stop.patience:
        return False
    ago = since_best(run.rows(), config.stop, task.splits)
    return ago is not None and ago >= config.stop.patience


def consult(place: Place, said: list[Losses], norm: Tensor, leave: bool) -> tuple[dict[str, float], bool]:
    """Mean losses (and "gradient", its length) over passes and processes, and whether anyone wants to leave.

    The only place where a step waits for the device.
    """
    names = sorted(said[0])
    own = [torch.stack([losses[name] for losses in said]).mean() for name in names]
    spoken = torch.stack([*own, norm, norm.new_tensor(float(leave))])
    place.average(spoken)
    *values, leaving = spoken.tolist()
    return dict(zip([*names, "gradient"], values, strict=True)), leaving > 0


def broken_pass(said: list[Losses], means: dict[str, float]) -> int | None:
    """The pass of this process in which a loss broke; the first one when only the gradient did."""
    for number, losses in enumerate(said):
        if not all(bool(value.isfinite()) for value in losses.values()):
            return number
    return 0 if all(math.isfinite(value) for name, value in means.items() if name != "gradient") else None


def failure(run: Run, state: State, means: dict[str, float]) -> TrainingError:
    """What to say when something is not a number."""
    faults = ", ".join(name for name, value in means.items() if not math.isfinite(value))
    return TrainingError(
        f"at step {state.step} {faults} is not a finite number. The batch is in {run.folder}/failed and the "
        "state before it is saved; try a lower optim.lr, or compute.precision=fp32."
    )


def average_weights(state: State, decay: float) -> None:
    """Move the averaged weights towards the weights; early on further, so that the beginning is forgotten."""
    age = state.step - state.fresh_at
    move = get_ema_multi_avg_fn(min(decay, (1 + age) / (10 + age)))  # type: ignore[no-untyped-call]
    move(list(state.ema.parameters()), list(state.net.parameters()), None)
    for old, new in zip(state.ema.buffers(), state.net.buffers(), strict=True):
        old.copy_(new)


def tell(config: Config, task: Task, run: Run, state: State, clock: Clock) -> None:
    """Write the losses, scores and pictures that are due."""
    every, last = config.every, state.step == config.steps
    if every.log_steps and (last or state.step % every.log_steps == 0):
        rate = rate_at(config, state, state.step - 1)
        samples = state.step * config.batch.size
        row: dict[str, Any] = {
            "kind": "train",
            "step": state.step,
            "samples": samples,
            "lr": rate,
            **state.means(),
        }
        row |= clock.speed(state.counted * config.batch.size)
        run.log(row)
        if run.writes:
            log.info("step %d: loss %.5f, %s samples/s", state.step, row["loss"], row["samples_per_s"])
        state.sums, state.counted = {}, 0
    with clock.pausing():
        if every.evaluate_steps and (last or state.step % every.evaluate_steps == 0):
            evaluate(config, task, run, state)
        if every.sheet_steps and (last or state.step % every.sheet_steps == 0) and run.writes:
            run.sheet(state.step, task.sheet(state.ema))


@torch.no_grad()
def evaluate(config: Config, task: Task, run: Run, state: State) -> None:
    """Score the averaged weights on every fixed subset (the first process; the others wait for it)."""
    if not run.writes or not config.every.evaluate_steps:
        return
    for split in task.splits:
        scores = task.evaluate(state.ema, split)
        log.info("step %d, %s: %s", state.step, split, scores)
        run.log({"kind": "evaluate", "step": state.step, "split": split, **scores})
    if config.stop.patience and since_best(run.rows(), config.stop, task.splits) == 0:
        run.save_weights(state, "best.safetensors")
