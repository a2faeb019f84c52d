"""What schemathesis makes up out of the OpenAPI document never ends in a 5xx."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(__file__).parents[3] / "benchmarks" / "api_fuzz.py"


@pytest.mark.slow
def test_no_request_ends_in_a_5xx() -> None:
    command = [sys.executable, str(COMMAND), "--examples", "25", "--seed", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["requests"] > 200 and not told["failures"]
