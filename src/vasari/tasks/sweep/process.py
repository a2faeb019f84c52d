"""The processes of a sweep's runs: each run is trained, or gone on with, in its folder, where it writes how it ended.

python -m vasari.tasks.sweep.process FOLDER < jobs as lines of JSON > their exit codes

A server imports torch once and forks for every run, so that none inherits anything from another, and a run of a few
seconds is not half start. `workers` starts it and holds the other end of its stdin: when that is gone, killed or not,
the run saves a checkpoint and ends, to be gone on with by the next sweep. Whether it is hopeless, a run decides itself,
at each validation, by the curves of the others in the sweep's folder.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import math
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vasari.foundation.errors import ExitCode, TrainingError, VasariError
from vasari.foundation.runs import RunFolder
from vasari.tasks.recipe import build_objective, recipe_from
from vasari.tasks.sweep.checking import OBJECTIVE_PLANS
from vasari.tasks.sweep.jobs import Job, job_from
from vasari.tasks.sweep.outcomes import (
    FAILED,
    FINISHED,
    PRUNED,
    Outcome,
    run_folder,
    troubles,
    write_outcome,
)
from vasari.tasks.sweep.watched import Watched

OUTPUT_FILE = "output.txt"
POLL_SECONDS = 0.1
MOST_SKIPPED = 0.5  # of the steps: a network that hardly moved has a number, and did not diverge by name
SECONDS_OF_WAITING = 60.0  # for a process that still saves this run, after its sweep was killed


def train_job(folder: Path, job: Job) -> Outcome | None:
    """Train a run to its end, writing `outcome.json`; None where it was interrupted, and is to be gone on with."""
    from vasari.tasks.training import train

    began = time.monotonic()
    run = RunFolder(run_folder(folder, job.key), {**job.recipe, "data": list(job.data)})
    _wait_for_the_former(run)
    summary: dict[str, Any] = {}
    objective: Watched | None = None
    state, error = FAILED, ""
    try:
        recipe = recipe_from(dict(job.recipe), job.key)
        objective = Watched(build_objective(recipe, job.data), recipe, job, folder)
        plan = dataclasses.replace(recipe.train, stop_after_minutes=job.plan.minutes_per_run)
        summary = train(objective, plan, run, resume=True)
        state, error = _state(summary, objective)
    except VasariError as failure:
        error = failure.message
    if not state:
        return None
    outcome = _outcome(folder, job, state, error, summary, time.monotonic() - began)
    write_outcome(folder, job.key, outcome)
    if state != FAILED:
        for checkpoint in (run.path / "checkpoints").glob("*.safetensors"):
            checkpoint.unlink()  # a run that is over is never gone on with
    return outcome


def _state(summary: Mapping[str, Any], objective: Watched) -> tuple[str, str]:
    """How a training ended, "" for interrupted, and why it failed where it did."""
    if summary["finished"]:
        return FINISHED, ""
    if objective.pruned:
        return PRUNED, ""
    if summary["stopped_by"] == "time":
        return FAILED, f"It was not finished after the minutes of a run ({summary['images_seen']} images)."
    return "", ""


def _outcome(
    folder: Path, job: Job, state: str, error: str, summary: Mapping[str, Any], wall_seconds: float
) -> Outcome:
    lines = RunFolder(run_folder(folder, job.key)).read_log()
    metrics = next((dict(line["validation"]) for line in reversed(lines) if "validation" in line), {})
    if state == FINISHED and not math.isfinite(float(metrics.get(job.metric, math.nan))):
        state, error = FAILED, f"Its {job.metric} is not finite."
    skipped, steps = int(summary.get("skipped_steps", 0)), int(summary.get("steps", 0))
    if state == FINISHED and skipped > steps * MOST_SKIPPED:
        state, error = FAILED, f"{skipped} of its {steps} steps were not finite, and moved nothing."
    last: dict[str, Any] = next((line for line in reversed(lines) if "seconds" in line), {})
    return Outcome(
        state=state,
        metrics={name: float(value) for name, value in metrics.items()},
        images_seen=int(summary.get("images_seen", last.get("images_seen", 0))),
        seconds=round(float(summary.get("seconds", last.get("seconds", 0.0))), 2),
        wall_seconds=round(wall_seconds, 2),
        peak_bytes=_peak_bytes(),
        skipped_steps=int(summary.get("skipped_steps", last.get("skipped_steps", 0))),
        troubles=troubles(folder, job.key),
        error=error,
    )


def _wait_for_the_former(run: RunFolder) -> None:
    """Wait until a process of a killed sweep has saved this run and is gone."""
    until = time.monotonic() + SECONDS_OF_WAITING
    while True:
        try:
            with run.held():
                return
        except TrainingError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _peak_bytes() -> int:
    """The most memory that this process held; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _end_without(parent: int) -> None:
    """End, saved, when the process that forked this one is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _train_here(folder: Path, job: Job, server: int) -> int:
    """Train in this process, which a server forked; the exit code."""
    import torch

    path = run_folder(folder, job.key)
    path.mkdir(parents=True, exist_ok=True)
    output = os.open(path / OUTPUT_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    torch.set_num_threads(job.threads)
    threading.Thread(target=_end_without, args=(server,), daemon=True).start()
    try:
        return ExitCode.INTERRUPTED if train_job(folder, job) is None else ExitCode.DONE
    except Exception:
        traceback.print_exc()
        return ExitCode.FAILED
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _forked(folder: Path, job: Job) -> int:
    """The exit code of a fork that trains; while it does, the end of stdin ends it."""
    server = os.getpid()
    child = os.fork()
    if child == 0:
        os._exit(_train_here(folder, job, server))
    asked = False
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        readable, _, _ = select.select([] if asked else [0], [], [], POLL_SECONDS)
        if readable and not asked:  # no job is sent before the last is done: it is the end
            asked = True
            os.kill(child, signal.SIGTERM)
        elif asked:
            time.sleep(POLL_SECONDS)


def _lines() -> Iterator[str]:
    """The lines of stdin, read so that what is not read yet can be asked for."""
    rest = b""
    while part := os.read(0, 1 << 16):
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line.decode()


def serve(folder: Path) -> int:
    """Train the jobs of stdin's lines, each in a fork, telling each one's exit code on stdout; the exit code.

    Torch is imported once, here, and used in the forks alone: a run does not wait for it, and leaves nothing behind.
    """
    import vasari.tasks.training  # noqa: F401 - imported for the forks

    with contextlib.suppress(ImportError):
        import torch.utils.tensorboard  # noqa: F401
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in _lines():
        job = job_from(line)
        importlib.import_module(OBJECTIVE_PLANS[str(job.recipe["kind"])][0])
        print(_forked(folder, job), flush=True)
    return ExitCode.DONE


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
