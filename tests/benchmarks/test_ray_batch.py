"""The proof of Ray's engine, smaller: workers killed in a batch, and a database restarted in an index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "ray_batch.py"


def _run(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(PROGRAM), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("place", [(), ("--s3",)], ids=["folder", "bucket"])
def test_a_batch_whose_workers_are_killed_is_that_of_the_local_engine(place: tuple[str, ...]) -> None:
    found = _run("kill", "--pictures", "60", "--every", "20", "--model", "narrow", *place)
    assert found["files_that_differ"] == found["told_twice_in_the_ledger"] == 0
    assert found["done"] == [60, 60]
    assert found["failed"] == [1, 1]


@pytest.mark.slow
def test_an_index_by_workers_goes_on_over_restarts_of_the_database() -> None:
    found = _run("index", "--pictures", "40", "--restarts", "2")
    assert found["restarts"] == 2
    assert found["vectors_that_differ"] == found["failed"] == 0
