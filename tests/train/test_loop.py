"""The loop: exact however it is interrupted or shared out, and plain when it fails."""

import json
import math
import multiprocessing
import os
import random
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from nakawari import checkpoints
from nakawari.errors import InputError, ModelError, TrainingError
from nakawari.train.config import Config
from nakawari.train.loop import train
from nakawari.train.optimizer import learning_rate
from nakawari.train.tables import from_table

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
TASK = "tests.train.toy:Toy"


def config(folder: Path, **changes: Any) -> Config:
    """A short run; `optim__lr=1` changes `optim.lr`."""
    table: dict[str, Any] = {
        "task": TASK, "model": "toy", "steps": 12, "seed": 3, "folder": str(folder), "licence": "MIT",
        "batch": {"size": 4}, "optim": {"lr": 1e-2, "warmup_steps": 3},
        "compute": {"device": "cpu", "threads": 1},
        "every": {"log_steps": 5, "evaluate_steps": 6, "sheet_steps": 12, "checkpoint_minutes": 0},
        "keep": {"weights": "float32"},
    }  # fmt: skip
    for key, value in changes.items():
        *tables, name = key.split("__")
        where = table
        for each in tables:
            where = where.setdefault(each, {})
        where[name] = value
    return from_table(Config, table).check()


def final_state(folder: Path) -> dict[str, torch.Tensor]:
    last = max((folder / "checkpoints").iterdir())
    parts = sorted(last.glob("state.*"))
    return checkpoints.unpack(b"".join(part.read_bytes() for part in parts))


def assert_equal(one: Path, other: Path) -> None:
    state, wanted = final_state(one), final_state(other)
    assert state.keys() == wanted.keys()
    assert [name for name in state if not torch.equal(state[name], wanted[name])] == []
    assert learned(one) == learned(other)


def learned(folder: Path) -> list[dict[str, Any]]:
    """The log without its clocks."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in ("samples_per_s", "wait")} for row in rows]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert train(config(folder)).reason == "done"
    return folder


def test_it_learns(tmp_path: Path) -> None:
    train(config(tmp_path, steps=150, every__checkpoint_minutes=9, every__evaluate_steps=150))
    scores = [row["psnr"] for row in learned(tmp_path) if row["kind"] == "evaluate"]
    assert scores[-1] > scores[0] + 3


def test_what_a_run_leaves(whole: Path) -> None:
    tensors, header = checkpoints.load(whole / "weights.safetensors")
    assert (header.model, header.steps, header.licence, header.config) == ("toy", 12, "MIT", {"width": 8})
    assert header.notes["samples"] == 48
    averaged = {k.removeprefix("ema/"): v for k, v in final_state(whole).items() if k.startswith("ema/")}
    assert all(torch.equal(tensors[name], averaged[name]) for name in averaged)
    assert len(list((whole / "checkpoints").iterdir())) == 2
    picture = cv2.imread(str(whole / "sheets" / "000000012.png"))
    assert picture.shape == (16, 16, 3)
    rows = learned(whole)
    assert [(r["kind"], r["step"]) for r in rows] == [
        ("evaluate", 0), ("train", 5), ("evaluate", 6), ("train", 10), ("train", 12), ("evaluate", 12),
    ]  # fmt: skip
    assert {"loss", "charge", "gradient", "lr", "samples"} <= rows[1].keys()
    assert rows[1]["charge"] == pytest.approx(2 * rows[1]["loss"])
    assert json.loads((whole / "starts.jsonl").read_text())["torch"] == torch.__version__


@pytest.mark.parametrize("stops", [(1,), (5, 6), (4, 11)])
def test_interrupted_runs_end_alike(
    whole: Path, tmp_path: Path, stops: tuple[int, ...], monkeypatch: Any
) -> None:
    from nakawari.train.clock import Clock

    for stop in stops:
        steps = iter(range(1, 100))
        before = (
            int(max((tmp_path / "checkpoints").iterdir()).name) if (tmp_path / "checkpoints").exists() else 0
        )
        monkeypatch.setattr(Clock, "over", lambda _, s=steps, b=before, e=stop: next(s) + b >= e)
        outcome = train(config(tmp_path, every__checkpoint_minutes=9))
        assert (outcome.step, outcome.reason) == (stop, "time")
    monkeypatch.undo()
    assert train(config(tmp_path)).reason == "done"
    assert_equal(tmp_path, whole)


def test_a_finished_run_stays_as_it_is(whole: Path) -> None:
    before = final_state(whole)
    assert train(config(whole)).step == 12
    assert all(torch.equal(value, before[name]) for name, value in final_state(whole).items())


def test_time_box_stops_and_saves(tmp_path: Path) -> None:
    outcome = train(config(tmp_path, steps=10**6, time__minutes=0.01, every__checkpoint_minutes=9))
    assert outcome.reason == "time"
    assert int(max((tmp_path / "checkpoints").iterdir()).name) == outcome.step > 0
    assert checkpoints.read_header(tmp_path / "weights.safetensors").steps == outcome.step


def test_a_signal_stops_and_saves(tmp_path: Path) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    timer.start()
    outcome = train(config(tmp_path, steps=10**6, every__checkpoint_minutes=9))
    assert outcome.reason == "signal"
    assert int(max((tmp_path / "checkpoints").iterdir()).name) == outcome.step > 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_passes_change_only_rounding(tmp_path: Path) -> None:
    for name, micro in (("one", 4), ("four", 1)):
        train(config(tmp_path / name, batch__micro=micro, data__noise=0.0))
    one, four = final_state(tmp_path / "one"), final_state(tmp_path / "four")
    assert all(torch.allclose(one[n], four[n], atol=1e-5) for n in one if n.startswith("net/"))


def test_workers_change_nothing(whole: Path, tmp_path: Path) -> None:
    train(config(tmp_path, compute__workers=2, compute__prefetch=2))
    assert_equal(tmp_path, whole)


def test_memory_format_changes_only_rounding(whole: Path, tmp_path: Path) -> None:
    train(config(tmp_path, compute__channels_last=False))
    one, other = final_state(tmp_path), final_state(whole)
    assert all(torch.allclose(one[n], other[n], atol=1e-4) for n in one if n.startswith("net/"))


def test_bfloat16_keeps_weights_in_float32(tmp_path: Path) -> None:
    train(config(tmp_path, compute__precision="bf16"))
    assert all(value.dtype == torch.float32 for value in final_state(tmp_path).values())


def test_parts_are_small_and_join(tmp_path: Path) -> None:
    train(config(tmp_path, steps=2, model_config__width=160, keep__part_mb=1))
    last = max((tmp_path / "checkpoints").iterdir())
    sizes = [part.stat().st_size for part in sorted(last.glob("state.*"))]
    assert len(sizes) > 3
    assert max(sizes) == 1 << 20
    assert train(config(tmp_path, steps=2, model_config__width=160, keep__part_mb=1)).step == 2


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    train(config(tmp_path, steps=2))
    part = max((tmp_path / "checkpoints").iterdir()) / "state.000"
    content = bytearray(part.read_bytes())
    content[-1] ^= 1
    part.write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        train(config(tmp_path, steps=2))


def test_what_a_kill_leaves_is_cleared(tmp_path: Path) -> None:
    train(config(tmp_path, steps=2))
    (tmp_path / "checkpoints" / "000000003.part").mkdir()
    (tmp_path / "checkpoints" / "000000003.part" / "state.000").write_bytes(b"x")
    with (tmp_path / "metrics.jsonl").open("a") as log:
        log.write('{"step": 99}\n{"kind": "tra')
    train(config(tmp_path, steps=2))
    assert not list((tmp_path / "checkpoints").glob("*.part"))
    assert all(row["step"] <= 2 for row in learned(tmp_path))


def test_a_kill_before_the_first_checkpoint_leaves_no_log(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"kind": "evaluate", "step": 0, "psnr": 1.0}\n')
    train(config(tmp_path))
    assert learned(tmp_path) == learned(whole)


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    train(config(tmp_path, steps=2))
    with pytest.raises(InputError, match=r"begun with optim\.lr = 0\.01, not 0\.5"):
        train(config(tmp_path, steps=2, optim__lr=0.5))


def test_weights_alone_warm_up_again(whole: Path, tmp_path: Path) -> None:
    weights = str(whole / "weights.safetensors")
    train(config(tmp_path / "on", steps=14, start__weights=weights, start__go_on=True, every__log_steps=1))
    rows = [row for row in learned(tmp_path / "on") if row["kind"] == "train"]
    assert [row["step"] for row in rows] == [13, 14]
    assert rows[0]["lr"] == pytest.approx(learning_rate(config(tmp_path).optim, 12, 14, 12))
    assert rows[0]["lr"] < learning_rate(config(tmp_path).optim, 12, 14, 0)
    train(config(tmp_path / "anew", steps=1, start__weights=weights, every__log_steps=1))
    anew, old = final_state(tmp_path / "anew"), final_state(whole)
    assert all((anew[n] - old["ema" + n[3:]]).abs().max() < 0.02 for n in anew if n.startswith("net/"))
    with pytest.raises(ModelError, match="does not fit"):
        train(config(tmp_path / "other", model_config__width=16, start__weights=weights))


def test_a_loss_that_is_no_number_stops_with_its_batch(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"at step 7 charge, loss, gradient is not a finite"):
        train(config(tmp_path, data__break_at=30, batch__micro=2))
    (kept,) = (tmp_path / "failed").iterdir()
    batch = checkpoints.unpack(kept.read_bytes())
    assert batch["frame0"].shape[0] == 2
    assert math.isnan(batch["frame0"][0, 0, 0, 0])  # samples 30 and 31: the second pass of step 7
    state = final_state(tmp_path)
    assert all(bool(value.isfinite().all()) for value in state.values())
    assert int(max((tmp_path / "checkpoints").iterdir()).name) == 7


def test_a_gradient_that_is_no_number_stops(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at step 4 gradient is not a finite"):
        train(config(tmp_path, data__break_gradient=4))
    assert len(list((tmp_path / "failed").iterdir())) == 1
    assert all(bool(value.isfinite().all()) for value in final_state(tmp_path).values())


def test_learning_rate_warms_up_and_comes_down() -> None:
    optim = Config().optim
    rates = [learning_rate(optim, step, 5000, 0) for step in range(5000)]
    assert rates[0] == pytest.approx(optim.lr / optim.warmup_steps)
    assert np.argmax(rates) == pytest.approx(optim.warmup_steps, abs=10)
    assert rates[-1] == pytest.approx(optim.final_lr)
    assert all(np.diff(rates[optim.warmup_steps :]) <= 0)


# -- several processes, and kills ------------------------------------------------------------------


def begin(wanted: Config, **environment: str) -> Any:
    """Train in a forked process with a session of its own, so that a kill reaches its workers too."""

    def work() -> None:
        os.setsid()
        os.environ.update(environment)
        with open(os.devnull, "w") as sys.stderr:
            train(wanted)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def kill(process: Any) -> None:
    """As abruptly as it can be, with all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.join(30)


def end(process: Any) -> int:
    process.join(300)  # a busy machine is no fault
    assert process.exitcode is not None, "it hangs"
    return process.exitcode


def ranks(wanted: Config, **environment: str) -> list[Any]:
    """Two processes that train together, as torchrun would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), **environment}
    return [begin(wanted, RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in range(2)]


@pytest.mark.parametrize("lost", ["0", "1"])
def test_two_processes_equal_one_and_outlive_a_lost_rank(tmp_path: Path, lost: str) -> None:
    train(config(tmp_path / "one", batch__size=8, batch__micro=4))
    together = config(tmp_path / "two", batch__size=8)
    assert all(end(process) for process in ranks(together, KILL_RANK=lost, KILL_STEP="6"))
    names = [path.name for path in (tmp_path / "two" / "checkpoints").iterdir() if path.name.isdigit()]
    assert int(max(names)) in (5, 6)
    assert not any(end(process) for process in ranks(together))
    one, two = final_state(tmp_path / "one"), final_state(tmp_path / "two")
    assert one.keys() == two.keys()
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-6), name


def test_two_processes_equal_the_doubled_batch_in_one_pass(tmp_path: Path) -> None:
    train(config(tmp_path / "one", batch__size=8, data__noise=0.0))
    assert not any(
        end(process) for process in ranks(config(tmp_path / "two", batch__size=8, data__noise=0.0))
    )
    one, two = final_state(tmp_path / "one"), final_state(tmp_path / "two")
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_stops_and_saves(tmp_path: Path, number: int) -> None:
    process = begin(config(tmp_path, steps=10**6, every__checkpoint_minutes=9, compute__workers=2))
    log = tmp_path / "metrics.jsonl"
    while not (log.exists() and '"train"' in log.read_text()):
        process.join(0.05)
        assert process.exitcode is None
    os.killpg(process.pid, number)
    assert end(process) == 0
    assert checkpoints.read_header(tmp_path / "weights.safetensors").steps >= 5


def test_killed_at_random_moments_it_ends_alike(tmp_path: Path) -> None:
    steps, chance, kills = 160, random.Random(0), 0
    train(config(tmp_path / "whole", steps=steps))
    broken = config(tmp_path / "broken", steps=steps, compute__workers=1)
    for _ in range(4):
        process = begin(broken)
        process.join(chance.uniform(0.05, 0.5))
        if process.exitcode is not None:
            break
        kill(process)
        kills += 1
    assert end(begin(broken)) == 0
    assert kills >= 2
    assert_equal(tmp_path / "broken", tmp_path / "whole")
