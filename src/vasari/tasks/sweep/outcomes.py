"""What became of a run: read from, and written to, its folder, so that a sweep needs no memory of its own.

SWEEP/plan.toml                  what was asked for
SWEEP/runs/KEY/                  a run's folder (see `foundation.runs`), named by its trial, seed and digest
SWEEP/runs/KEY/outcome.json      how it ended, written once, when it has
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.runs import RunFolder

OUTCOME_FILE = "outcome.json"
FINISHED, PRUNED, FAILED = "finished", "pruned", "failed"
STATES = (FINISHED, PRUNED, FAILED)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    `metrics` are those of its last validation, `troubles` the kinds that were seen (see `tasks.stability`), `seconds`
    of training, `wall_seconds` of the whole process, `peak_bytes` the most memory it held.
    """

    state: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    images_seen: int = 0
    seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_bytes: int = 0
    skipped_steps: int = 0
    troubles: tuple[str, ...] = ()
    error: str = ""


def run_folder(folder: Path, key: str) -> Path:
    """The folder of a run."""
    return folder / "runs" / key


def read_outcome(folder: Path, key: str) -> Outcome | None:
    """How a run ended, or None where it has not."""
    path = run_folder(folder, key) / OUTCOME_FILE
    if not path.is_file():
        return None
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    metrics = {name: math.nan if value is None else float(value) for name, value in values["metrics"].items()}
    return Outcome(**{**values, "metrics": metrics, "troubles": tuple(values["troubles"])})


def write_outcome(folder: Path, key: str, outcome: Outcome) -> None:
    """Write how a run ended; what is not finite is null, as JSON has no word for it."""
    metrics = {name: value if math.isfinite(value) else None for name, value in outcome.metrics.items()}
    text = json.dumps({**asdict(outcome), "metrics": metrics}, indent=2)
    write_whole(run_folder(folder, key) / OUTCOME_FILE, f"{text}\n".encode())


def curve(folder: Path, key: str, metric: str) -> list[tuple[int, float]]:
    """(images seen, value) of every validation of a run so far."""
    lines = RunFolder(run_folder(folder, key)).read_log()
    return [
        (int(line["images_seen"]), float(line["validation"][metric]))
        for line in lines
        if metric in line.get("validation", {})
    ]


def troubles(folder: Path, key: str) -> tuple[str, ...]:
    """The kinds of trouble that a run's log tells of, each once."""
    lines = RunFolder(run_folder(folder, key)).read_log()
    return tuple(dict.fromkeys(str(line["kind"]) for line in lines if line.get("event") == "trouble"))
