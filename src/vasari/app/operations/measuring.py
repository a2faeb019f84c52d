"""Operations that measure and train: evaluate, train, sweep."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.app.operations.operation import Errand, part_of
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import option
from vasari.tasks.evaluate.plan import EvaluatePlan

LOOK_EVERY_S = 1.0
TAIL_BYTES = 65536


@dataclass(frozen=True)
class EvaluateFields(EvaluatePlan):
    """How results are measured, and against what."""

    against: tuple[str, ...] = option((), "REFERENCES of the truth, or of a set; empty: pictures are described")


@dataclass(frozen=True)
class TrainFields:
    """What is trained; the inputs are the sources of its pictures."""

    recipe: str = option("", "a recipe that ships, as vasari train --list tells them")
    set: tuple[str, ...] = option((), "changes of the recipe, as train.batch=32")

    def __post_init__(self) -> None:
        from vasari.tasks.recipe import read_recipe, shipped

        if self.recipe not in shipped():
            raise PlanError(f"There is no recipe {self.recipe!r}.", remedy=f"choose from: {', '.join(shipped())}")
        read_recipe(self.recipe, self.set)


@dataclass(frozen=True)
class SweepFields:
    """What a sweep is asked for; the inputs are the sources of its pictures."""

    plan: str = option("", "the sweep's plan as TOML text, as vasari sweep takes it; its recipe is one that ships")


def evaluate(errand: Errand) -> dict[str, Any]:
    """Measure results against a truth, a set, or by themselves."""
    from vasari.tasks.evaluate import report
    from vasari.tasks.evaluate.evaluating import evaluate as evaluated

    fields: EvaluateFields = errand.plan
    result = _gathered(errand.inputs, errand.output / ".inputs" / "result")
    truth = [Path(one) for one in fields.against]
    against = _gathered(truth, errand.output / ".inputs" / "truth") if truth else None
    outcome = evaluated(
        result, against, part_of(EvaluatePlan, fields), (), lambda done, all: errand.advance(done, all, "")
    )
    page = report.write_report(outcome, errand.output)
    return {**outcome.to_dict(), "report": page.name}


def train(errand: Errand) -> dict[str, Any]:
    """Train a model by a recipe; cut off, it goes on from its newest checkpoint to the same curve."""
    from vasari.tasks.recipe import read_recipe, train_recipe

    fields: TrainFields = errand.plan
    run = errand.output / "run"
    total = read_recipe(fields.recipe, fields.set).train.images
    with _watched(run, total, errand):
        done = train_recipe(fields.recipe, tuple(errand.inputs), run, fields.set, resume=(run / "recipe.toml").exists())
    if not done["finished"] and str(done["stopped_by"]).startswith("SIG"):
        raise InterruptedError(f"stopped by {done['stopped_by']}")
    return {key: value for key, value in done.items() if isinstance(value, (str, int, float, bool))}


def sweep(errand: Errand) -> dict[str, Any]:
    """Carry out a sweep; cut off, it goes on with the runs that are missing."""
    from vasari.foundation.atomic_files import write_whole
    from vasari.tasks.sweep.plan import read_sweep
    from vasari.tasks.sweep.running import sweep as swept

    plan = write_whole(errand.output / "plan.toml", errand.plan.plan.encode())
    asked = read_sweep(plan)
    if asked.plan.recipe.endswith(".toml") or asked.plan.data:
        raise PlanError("The plan names files.", remedy="name a recipe that ships, and give the data as inputs")
    data = tuple(str(path) for path in errand.inputs)
    done = swept(
        asked,
        data,
        errand.output / "sweep",
        watch=lambda run, outcome, over, all: errand.advance(over, all, run.trial.name),
    )
    return {"runs": len(done.runs), "over": len(done.outcomes)}


@contextmanager
def _watched(run: Path, total: int, errand: Errand) -> Iterator[None]:
    """Tell now and then how far a training is, by its log."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_EVERY_S):
            errand.advance(_images_seen(run / "log.jsonl"), float(total), "")

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _images_seen(log: Path) -> float:
    """What the last whole line of a training's log tells; 0 where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            lines = file.read().split(b"\n")[:-1]
        return float(json.loads(lines[-1])["images_seen"])
    except (OSError, IndexError, ValueError, KeyError):
        return 0.0


def _gathered(paths: Sequence[Path], folder: Path) -> Path:
    """One file or folder as it is; several files as a folder of links."""
    if len(paths) == 1:
        return paths[0]
    twice = next((name for name, count in Counter(path.name for path in paths).items() if count > 1), None)
    if twice is not None:  # of one folder, in which the second would take the place of the first
        raise PlanError(f"Several of the files are called {twice}.", remedy="give each a name of its own")
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.is_dir():
            raise PlanError(f"{path.name} is a folder among several inputs.", remedy="name one folder, or files")
        link = folder / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    return folder
