"""Real sweeps of a few steps: trained in processes, killed, gone on with, stopped early, diverging."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.runs import RunFolder
from vasari.tasks.recipe import train_recipe
from vasari.tasks.sweep.analysis import findings
from vasari.tasks.sweep.jobs import Job
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, PRUNED, Outcome, read_outcome, run_folder, write_outcome
from vasari.tasks.sweep.plan import read_sweep
from vasari.tasks.sweep.process import train_job
from vasari.tasks.sweep.report import write_report
from vasari.tasks.sweep.running import Swept, sweep
from vasari.tasks.sweep.trials import runs

PLAN = """
recipe = "tiny.toml"
validations = 2
seeds = 1
[axes.optimizer]
adam = {"train.optimizer" = "adam"}
wild = {"train.optimizer" = "sgd", "train.learning_rate" = 1e38}
lion = {"train.optimizer" = "lion", "train.learning_rate" = 1e-4}
"""


def killed_after_the_first(path: Path, pictures: Path, folder: Path) -> None:
    """Run `vasari sweep` and kill it when its first run is over."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "sweep", str(path), "--data", str(pictures)]
    process = subprocess.Popen([*command, "-o", str(folder)], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 200
        while not list(folder.glob("runs/*/outcome.json")):
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_a_sweep_is_killed_and_goes_on_past_a_run_that_diverges(
    written: Callable[[str], Path], pictures: Path, tmp_path: Path
) -> None:
    folder, path = tmp_path / "sweep", written(PLAN)
    killed_after_the_first(path, pictures, folder)
    asked = read_sweep(path)
    first = next(run.key for run in runs(asked, (str(pictures),)))
    before = (run_folder(folder, first) / "outcome.json").stat().st_mtime_ns
    told: list[tuple[str, str]] = []
    swept = sweep(
        asked,
        (str(pictures),),
        folder,
        jobs=2,
        watch=lambda run, outcome, over, of: told.append((run.trial.name, outcome.state)),
    )
    assert (run_folder(folder, first) / "outcome.json").stat().st_mtime_ns == before
    states = {run.trial.name: swept.outcomes[run.key] for run in swept.runs}
    assert {name: one.state for name, one in states.items()} == {"adam": FINISHED, "wild": FAILED, "lion": FINISHED}
    assert states["adam"].images_seen == 32 and states["adam"].peak_bytes > 10**7
    assert "not finite" in states["wild"].error
    assert "adam" not in {name for name, _ in told}
    assert not list(folder.glob("runs/*lion*/checkpoints/*"))

    chosen_can_be_trained(swept, pictures, tmp_path)
    # Another sweep of the same finds nothing to do; one with a seed more does only that.
    assert sweep(asked, (str(pictures),), folder).outcomes == swept.outcomes
    spent = replace(asked, plan=replace(asked.plan, seeds=2, images=1))
    assert sweep(spent, (str(pictures),), folder).outcomes == swept.outcomes  # the budget is used up


def chosen_can_be_trained(swept: Swept, pictures: Path, tmp_path: Path) -> None:
    write_report(swept)
    found = findings(swept)
    assert found.best is not None and found.best.trial.name in ("adam", "lion")
    chosen = swept.folder / "chosen.toml"
    done = train_recipe(chosen, (pictures,), tmp_path / "chosen", ("train.images=8",))
    assert done["finished"] and done["images_seen"] == 8
    # The run that it was chosen for began alike.
    ours, theirs = (
        next(line for line in RunFolder(path).read_log() if line.get("step") == 1)
        for path in (tmp_path / "chosen", next(swept.folder.glob(f"runs/{found.best.trial.name}-*")))
    )
    assert ours["critic.critic"] == pytest.approx(theirs["critic.critic"], rel=1e-5)


def test_a_hopeless_run_stops_early(written: Callable[[str], Path], pictures: Path, tmp_path: Path) -> None:
    pruned = 'validations = 4\npruner = "median"\nprune_after_runs = 1'
    text = PLAN.replace("validations = 2", pruned)
    asked, folder = read_sweep(written(text)), tmp_path / "sweep"
    adam, _, lion = runs(asked, (str(pictures),))
    run = RunFolder(run_folder(folder, adam.key))
    run.begin({})
    for images in (8, 16, 24, 32):  # one that is better than any real one
        run.log({"images_seen": images, "validation": {"kernel_distance": -100.0}})
    write_outcome(folder, adam.key, Outcome(FINISHED, {"kernel_distance": -100.0}, 32))
    job = Job(lion.key, lion.recipe, (str(pictures),), (adam.key,), "kernel_distance", "min", asked.plan)
    outcome = train_job(folder, job)
    assert outcome is not None and outcome.state == PRUNED and outcome.images_seen < 32
    assert read_outcome(folder, lion.key) == outcome
    unmatched = replace(job, key="alone", before=())
    outcome = train_job(folder, unmatched)
    assert outcome is not None and outcome.state == FINISHED and outcome.images_seen == 32


def test_a_metric_that_the_validation_does_not_return_fails_the_run(
    written: Callable[[str], Path], pictures: Path, tmp_path: Path
) -> None:
    asked = read_sweep(written(PLAN))
    adam = runs(asked, (str(pictures),))[0]
    job = Job(adam.key, adam.recipe, (str(pictures),), (), "psnr", "max", asked.plan)
    outcome = train_job(tmp_path / "sweep", job)
    assert outcome is not None and outcome.state == FAILED and "psnr" in outcome.error


def test_a_folder_among_the_pictures_is_refused(written: Callable[[str], Path], pictures: Path) -> None:
    with pytest.raises(PlanError, match="lies among the pictures"):
        sweep(read_sweep(written(PLAN)), (str(pictures),), pictures / "sweep")


def test_a_folder_that_holds_the_plan_is_refused(written: Callable[[str], Path], pictures: Path) -> None:
    path = written(PLAN)
    with pytest.raises(PlanError, match="holds the plan itself"):
        sweep(read_sweep(path), (str(pictures),), path.parent)
    assert path.read_text() == PLAN
