"""Training by Ray Train: the curve and the weights of torchrun, over lost processes and stops."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.app import ray_training
from vasari.app.cli.main import main
from vasari.app.ray_cluster import RayCluster
from vasari.app.ray_training import LOSSES, NOTES, _mistakes_told, _tell, trained
from vasari.foundation.errors import ExitCode, PlanError, TrainingError
from vasari.foundation.runs import RunFolder

TIMED = ("images_per_second", "seconds")
SETTINGS = (
    "train.images=48",
    "train.batch=8",
    "train.log_every_steps=1",
    "train.save_every_seconds=0",
    "train.validate_every_images=0",
    "train.precision=float32",
    "objective.pictures.px=16",
    "objective.pictures.stored_px=16",
    "network.options.px=16",
)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Crops of photographs, and a cache of our own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, source in enumerate((data.astronaut(), data.coffee(), data.chelsea(), data.rocket())):
        for place in range(4):
            crop = source[20 * place : 20 * place + 96, 30 * place : 30 * place + 96]
            Image.fromarray(np.ascontiguousarray(crop)).save(folder / f"{number}{place}.png")
    return folder


def by_torchrun(photos: Path, run: Path) -> None:
    """The same training in two processes that torchrun starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    words = ["train", "dcgan", "--data", str(photos), "-o", str(run), *(f"--set={one}" for one in SETTINGS)]
    command = [sys.executable, *launcher, "-m", "vasari.app.cli.main", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment, check=False)
    assert done.returncode == 0, done.stderr


def curve(run: Path, validated: bool = True) -> list[dict[str, Any]]:
    lines = [{key: one for key, one in line.items() if key not in TIMED} for line in RunFolder(run).read_log()]
    return [line for line in lines if validated or "validation" not in line]


def assert_equal(one: Path, other: Path, validated: bool = True) -> None:
    """The same curve and weights; `validated`: looked at at the same steps too, which a run that was stopped is not."""
    assert curve(one, validated) == curve(other, validated)
    mine, others = RunFolder(one).read_checkpoint(), RunFolder(other).read_checkpoint()
    assert mine is not None and others is not None
    assert mine.tensors.keys() == others.tensors.keys()
    assert all(torch.equal(mine.tensors[name], others.tensors[name]) for name in mine.tensors)


def kill_one_that_trains(run: Path, killed: list[int]) -> None:
    """Once two steps are logged, end a process of the group by SIGKILL."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not killed:
        with contextlib.suppress(FileNotFoundError):
            if len(RunFolder(run).read_log()) >= 2:
                killed.extend(_training()[-1:])
        time.sleep(0.05)
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


def _training() -> list[int]:
    """The processes of Ray Train that descend from this one, and from nobody else on this machine."""
    found = []
    for pid in _descendants():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::RayTrainWorker"):
                found.append(pid)
    return sorted(found)


def _descendants() -> set[int]:
    """All processes that descend from this one, by their parents as /proc tells them."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
    found = set()
    for pid in parents:
        above = parents[pid]
        while above in parents and above != os.getpid():
            above = parents[above]
        if above == os.getpid():
            found.add(pid)
    return found


@pytest.mark.slow
def test_ray_trains_as_torchrun_does(
    cluster: str, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    by_torchrun(photos, tmp_path / "torchrun")
    asked = ("dcgan", (str(photos),))
    with RayCluster(cluster) as joined:
        done = trained(joined, *asked, tmp_path / "ray", SETTINGS, workers=2)
        assert done["finished"] and done["images_seen"] == 48
        assert "48 images (100.0 %)" in capfd.readouterr().err
        assert_equal(tmp_path / "ray", tmp_path / "torchrun")
        with pytest.raises(TrainingError, match="already holds a run"):
            trained(joined, *asked, tmp_path / "ray", SETTINGS, workers=2)
        # Stopped in the middle, and gone on with.
        short = (*SETTINGS, "train.stop_after_minutes=0.0001")
        stopped = trained(joined, *asked, tmp_path / "stopped", short, workers=2)
        assert stopped["stopped_by"] == "time" and stopped["images_seen"] < 48
        trained(joined, *asked, tmp_path / "stopped", SETTINGS, resume=True, workers=2)
        assert_equal(tmp_path / "stopped", tmp_path / "torchrun", validated=False)
    assert not (tmp_path / "ray" / NOTES).exists()


@pytest.mark.slow
def test_a_process_that_is_lost_is_started_anew_and_errors_come_through(
    cluster: str, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    longer = (*SETTINGS, "train.images=800")
    with RayCluster(cluster) as joined:
        trained(joined, "dcgan", (str(photos),), tmp_path / "whole", longer, workers=2)
        killed: list[int] = []
        killer = threading.Thread(target=kill_one_that_trains, args=(tmp_path / "killed", killed))
        killer.start()
        trained(joined, "dcgan", (str(photos),), tmp_path / "killed", longer, workers=2)
        killer.join()
        assert len(killed) == 1
        assert "A process was lost" in capfd.readouterr().err
        assert_equal(tmp_path / "killed", tmp_path / "whole")
        (tmp_path / "none").mkdir()
        with pytest.raises(TrainingError, match="No picture was found") as told:
            trained(joined, "dcgan", (str(tmp_path / "none"),), tmp_path / "empty", SETTINGS, workers=2)
        assert "--data" in told.value.remedy


def test_only_descendants_are_ever_killed() -> None:
    with subprocess.Popen(["sh", "-c", "sleep 60 & wait"], start_new_session=True) as child:
        try:
            deadline = time.monotonic() + 20
            children = Path(f"/proc/{child.pid}/task/{child.pid}/children")
            while not (grandchildren := children.read_text().split()) and time.monotonic() < deadline:
                time.sleep(0.02)
            assert {child.pid, int(grandchildren[0])} <= _descendants()
            assert not {os.getpid(), os.getppid(), 1} & _descendants()
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def test_a_mistake_is_told_with_its_place_and_a_lost_peer_is_not_taken_for_one() -> None:
    def mistaken() -> dict[str, Any]:
        return {"finished": [][1]}

    def stopped() -> dict[str, Any]:
        raise PlanError("No room.", remedy="make some")

    def waiting() -> dict[str, Any]:
        torch.distributed.all_reduce(torch.ones(1))  # there is no group
        return {}

    line = mistaken.__code__.co_firstlineno + 1
    with pytest.raises(TrainingError, match=rf"test_ray_training\.py:{line}: IndexError: list index") as told:
        _mistakes_told(mistaken)
    assert "--resume" in told.value.remedy
    with pytest.raises(PlanError, match="No room"):
        _mistakes_told(stopped)
    with pytest.raises(ValueError, match="process group"):
        _mistakes_told(waiting)
    assert _mistakes_told(lambda: {"finished": True}) == {"finished": True}


def test_groups_are_tried_again_for_lost_processes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ray.exceptions import RayError
    from ray.train import WorkerGroupError

    failures: dict[int, Exception] = {}
    begun: list[bool] = []

    def fail(asked: dict[str, Any], *_: object) -> None:
        begun.append(asked["resume"])
        raise WorkerGroupError("of no use", dict(failures))

    monkeypatch.setattr(ray_training, "_in_the_background", fail)
    run = ({"resume": False}, RunFolder(tmp_path), 2, 0.0)
    failures |= {0: RuntimeError("Connection closed by peer"), 1: TrainingError("A mistake.", remedy="report it")}
    with pytest.raises(TrainingError, match="^A mistake"):
        ray_training._until_it_ends(*run)
    assert begun == [False]
    failures[1] = RayError("The worker died.")
    with pytest.raises(TrainingError, match=rf"lost {LOSSES} times, with nothing saved in between: The worker died\."):
        ray_training._until_it_ends(*run)
    assert begun == [False, False, *[True] * (LOSSES - 1)]
    assert capsys.readouterr().err.count("A process was lost (The worker died)") == LOSSES - 1


def test_what_the_first_process_says_is_told_line_by_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = tmp_path / "said.txt"
    assert _tell(said, 0) == 0
    said.write_text("16 images\n32 im")
    told = _tell(said, 0)
    assert capfd.readouterr().err == "16 images\n"
    said.write_text("16 images\n32 images\n")
    assert _tell(said, told) == len(said.read_bytes())
    assert capfd.readouterr().err == "32 images\n"


def test_a_cluster_needs_its_engine_to_train(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "dcgan", "--data", str(photos), "-o", str(tmp_path / "run"), "--address", "auto"]
    assert main(words) == ExitCode.USAGE
    assert "--engine ray" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*words[:-2], "--engine", "ray", "--set", "train.batch=x"]) == ExitCode.USAGE
