"""The workbench killed again and again, in short: `benchmarks/kill_workbench.py` does it 50 times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kill_workbench.py"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    ["server --kills 4", "workers --kills 6 --jobs 20", "postgres --restarts 2 --jobs 20"],
    ids=lambda words: words.split()[0],
)
def test_nothing_is_lost_and_nothing_seen_by_halves(words: str) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT.name, *words.split()], cwd=SCRIPT.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["wrong"] == [] and found["jobs"] > 0
