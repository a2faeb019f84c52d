"""Training in other processes: killed and resumed, and two at once."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vasari.foundation.errors import TrainingError
from vasari.foundation.runs import RunFolder
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import train

PROGRAM = Path(__file__).parent / "toy_objectives.py"
TIMED = ("images_per_second", "seconds")
PATIENCE_SECONDS = 120.0


def curve(run: RunFolder) -> list[dict[str, Any]]:
    return [{key: one for key, one in line.items() if key not in TIMED} for line in run.read_log()]


def start(kind: str, run: RunFolder, options: dict[str, Any], *launcher: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, *launcher, str(PROGRAM), kind, str(run.path), json.dumps(options)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"})


def wait_for_lines(run: RunFolder, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(run.read_log()) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [pytest.param(0, marks=pytest.mark.slow), 1])
def test_a_killed_run_resumes_to_the_same_curve(workers: int, tmp_path: Path, toys: ModuleType) -> None:
    options = {"images": 160, "batch": 4, "log_every_steps": 2, "precision": "float32", "validate_every_images": 64}
    whole, killed = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "killed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        train(toys.Restoration(), TrainPlan(**options), whole)  # type: ignore[arg-type]
    finally:
        torch.set_num_threads(threads)
    # Checkpoints come at moments that have nothing to do with the lines of the log, or with the kill.
    hurried = {**options, "save_every_seconds": 0.05, "workers": workers, "pause_seconds": 0.005}
    chance = random.Random(workers)
    process = start("restoration", killed, hurried)
    wait_for_lines(killed, chance.randrange(3, 18), process)
    time.sleep(chance.uniform(0, 0.1))
    process.kill()
    process.communicate()
    assert len(killed.read_log()) < len(whole.read_log())
    process = start("restoration", killed, {**hurried, "pause_seconds": 0.0})
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, told.decode()
    assert curve(killed) == curve(whole)
    one, other = whole.read_checkpoint(), killed.read_checkpoint()
    assert one is not None and other is not None
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert not list(tmp_path.rglob("*.part"))


def test_two_processes_give_what_one_gives(tmp_path: Path, toys: ModuleType) -> None:
    options = {"images": 48, "batch": 8, "micro_batches": 2, "log_every_steps": 1, "precision": "float32"}
    alone, together = RunFolder(tmp_path / "alone"), RunFolder(tmp_path / "together")
    train(toys.PlainRestoration(), TrainPlan(**options), alone)  # type: ignore[arg-type]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port))
    process = start("plain-restoration", together, options, *launcher)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, told.decode()
    lines, others = curve(alone), curve(together)
    assert len(lines) == len(others) == 7
    for line, other in zip(lines, others, strict=True):
        line.pop("validation", None), other.pop("validation", None)
        assert other == pytest.approx(line, rel=1e-4)
    one, other_checkpoint = alone.read_checkpoint(), together.read_checkpoint()
    assert one is not None and other_checkpoint is not None
    for name, tensor in one.tensors.items():
        if "exp_avg" not in name:
            torch.testing.assert_close(other_checkpoint.tensors[name], tensor, rtol=1e-4, atol=1e-5)


def test_a_folder_is_trained_in_by_one_process(tmp_path: Path, toys: ModuleType) -> None:
    run = RunFolder(tmp_path / "run")
    with run.held(), pytest.raises(TrainingError, match="Another process is training"):
        train(toys.Restoration(), TrainPlan(images=8, batch=4), run)
