"""Shards on a real Ray cluster: the file is that of one machine, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import nakawari as nk
from nakawari.errors import BackendError, InputError
from nakawari.optional import available
from nakawari.pipeline.cluster import Cluster, SharedFile
from nakawari.pipeline.shards import Shard, cut
from nakawari.timeline.plan import Plan, Reason, Shot, Slot
from tests.video.media import pictures, write_video

needs_ray = pytest.mark.skipif(not available("ray"), reason="ray is not installed")


def plan_of(shots, factor=2):
    """Slots at `factor` times the input's rate; every other one lies between."""
    frames = shots[-1].last + 1
    slots = []
    for number in range(frames * factor):
        source, part = divmod(number, factor)
        pts = Fraction(number, 24 * factor)
        target = source + 1 if part and source + 1 < frames else None
        reason = Reason.BETWEEN if target else Reason.SOURCE
        slots.append(Slot(pts, source, target, Fraction(part, factor) if target else None, reason))
    return Plan("in.mkv", Fraction(24 * factor), tuple(shots), (), tuple(slots))


def test_shards_begin_at_cuts_and_long_shots_are_divided():
    shots = [Shot(0, 4, Fraction(1)), Shot(5, 30, Fraction(1)), Shot(31, 33, Fraction(1))]
    times = [Fraction(n, 24) for n in range(34)]
    shards = cut(plan_of(shots), times, least=8, most=20)
    assert [(shard.first, shard.end) for shard in shards] == [(0, 10), (10, 30), (30, 50), (50, 62), (62, 68)]
    assert [shard.begins for shard in shards] == [0, 5, 15, 25, 31]
    assert all(shard.time == times[shard.begins] for shard in shards)


def test_a_plan_of_one_slot_is_one_shard():
    plan = plan_of([Shot(0, 0, Fraction(1))], factor=1)
    assert cut(plan, [Fraction(3)]) == [Shard(0, 1, 0, Fraction(3))]


def test_a_file_that_is_another_on_a_node_is_not_taken_for_it(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    file = SharedFile.of(path)
    assert file.local() == path
    path.write_bytes(b"abd")
    with pytest.raises(InputError, match="not the same file on this node"):
        file.local()


def dies_once(task):
    """The number squared; kills its process the first time that it is asked for number 3."""
    number, folder = task
    with (Path(folder) / f"{number}").open("a") as file:
        file.write("x")
    if number == 3 and (Path(folder) / "3").stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def refuses(task):
    if task == "surely":
        raise ValueError("of a kind that nobody foresaw")
    raise InputError(f"{task} is refused.")


@needs_ray
def test_a_lost_worker_costs_its_shard_only(cluster, tmp_path):
    with Cluster(cluster.address) as ours:
        found = dict(ours.run(dies_once, [(number, str(tmp_path)) for number in range(6)]))
        assert found == {number: number**2 for number in range(6)}
        assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == {
            "0": 1, "1": 1, "2": 1, "3": 2, "4": 1, "5": 1,
        }  # fmt: skip
        with pytest.raises(InputError, match=r"^7 is refused\.$"):
            list(ours.run(refuses, [7]))
        with pytest.raises(BackendError, match="has 1 CPUs and 5 GPUs"):
            list(ours.run(refuses, [7], gpus=5))
        ends = dict(ours.outcomes(refuses, ["surely", "perhaps"]))
        assert isinstance(ends[0], BackendError)
        assert "of a kind that nobody foresaw" in str(ends[0])
        assert str(ends[1]) == "perhaps is refused."


@needs_ray
def test_the_file_is_that_of_one_machine_though_a_node_is_lost(cluster, tmp_path, monkeypatch):
    source = write_video(tmp_path / "in.mkv", pictures(30, 48, 32), sound="flac")
    words = {"factor": 2, "model": "blend", "encode": {"codec": "ffv1"}}
    nk.smooth(source, tmp_path / "alone.mkv", **words)
    lost = cluster.add_node(num_cpus=1)
    told = []

    def progress(stage, done, total):
        told.append((stage, done, total))
        if stage == "render" and done and lost in cluster.list_all_nodes():
            cluster.remove_node(lost, allow_graceful=False)

    monkeypatch.setattr("nakawari.pipeline.distribute.cut", lambda plan, times: cut(plan, times, 6, 8))
    report = nk.smooth(source, tmp_path / "out.mkv", ray=cluster.address, progress=progress, **words)
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "alone.mkv").read_bytes()
    assert not (tmp_path / "out.mkv.resume").exists()
    assert told[-1] == ("render", 60, 60)
    assert report.work.drawn + report.work.copied == 60
    assert lost not in cluster.list_all_nodes()


@needs_ray
def test_a_file_that_nodes_do_not_see_is_shipped(cluster, tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(os.urandom(1000))
    with Cluster(cluster.address) as ours:
        shared = ours.share(path)
        assert shared.parts == ()
        hidden = replace(shared, path=str(tmp_path / "nowhere" / "x.bin"), parts=tuple(_put(path)))
        (found,) = dict(ours.run(length_of, [hidden])).values()
    assert found == path.read_bytes()


def _put(path):
    import ray

    yield ray.put(path.read_bytes())


def length_of(file):
    return file.local().read_bytes()


def test_a_cluster_that_is_not_there_is_one_line(tmp_path):
    if not available("ray"):
        pytest.skip("ray is not installed")
    with (
        pytest.raises(BackendError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"),
        Cluster("127.0.0.1:9"),
    ):
        pass
