"""A sweep carried out: its runs through an executor, each in a process of its own, gone on with where they were.

    outcome = sweep(read_sweep("plan.toml"), ("photos",), Path("sweeps/first"), jobs=2)

Everything that is known lies in the runs' folders, so a sweep that was killed, or whose plan now has more seeds or
values, goes on with the same command: runs are named by what they are, and those that are over are not run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PlanError, TrainingError, VasariError
from vasari.foundation.execute import Executor, InProcess
from vasari.foundation.folder_locks import held
from vasari.foundation.plans import to_dict
from vasari.foundation.toml_text import to_toml
from vasari.tasks.recipe import whole_paths
from vasari.tasks.sweep.checking import Judged, check_sweep
from vasari.tasks.sweep.outcomes import FAILED, PRUNED, Outcome, read_outcome, run_folder, troubles, write_outcome
from vasari.tasks.sweep.plan import Sweep, SweepPlan
from vasari.tasks.sweep.process import OUTPUT_FILE
from vasari.tasks.sweep.pruning import optuna_module
from vasari.tasks.sweep.trials import Run, runs
from vasari.tasks.sweep.workers import Crew

PLAN_FILE = "plan.toml"

Watch = Callable[[Run, Outcome, int, int], None]  # a run that ended, how, how many are over, of how many


@dataclass(frozen=True)
class Work:
    """What is done to each run: plain values, an assignment for an executor elsewhere (`foundation.execute`)."""

    folder: Path
    data: tuple[str, ...]
    keys: tuple[str, ...]
    judged: Judged
    plan: SweepPlan
    threads: int

    def ready(self) -> Callable[[Run], Run]:
        """Nothing is loaded; raises `PlanError` where the sweep's folder is not seen."""
        if not self.folder.is_dir():
            raise PlanError(
                f"A worker does not see the folder {self.folder}.",
                remedy="put data and results on a file system that every machine has under the same path",
            )
        return partial(run_one, self)

    def lost(self, item: Run, error: VasariError) -> Run:
        """The failure of a run that took its worker down."""
        write_outcome(
            self.folder, item.key, Outcome(FAILED, troubles=troubles(self.folder, item.key), error=str(error))
        )
        return item


@dataclass(frozen=True)
class Swept:
    """A sweep's runs, in the order of the plan, and how those that are over ended."""

    sweep: Sweep
    folder: Path
    data: tuple[str, ...]
    judged: Judged
    runs: tuple[Run, ...]
    outcomes: Mapping[str, Outcome]


def sweep(
    asked: Sweep,
    data: tuple[str, ...],
    folder: Path,
    *,
    jobs: int = 1,
    threads: int = 1,
    retry: bool = False,
    executor: Executor | None = None,
    watch: Watch | None = None,
) -> Swept:
    """Carry out a sweep in `folder`, or go on with it; returns what became of every run.

    `jobs` runs at a time, each in a process of `threads` threads; `retry` runs again what failed. `executor` has them
    run elsewhere, on machines that see the same folders. A run that fails is recorded, and the rest goes on. Raises as
    `check_sweep`, `MissingExtraError` for a pruner without the extra `sweeps`, and `TrainingError` for a folder that
    another sweep works in.
    """
    if asked.plan.pruner != "none":
        optuna_module()
    data = tuple(str(one) for one in (data or asked.plan.data))
    _keep_apart(folder, data)
    _spare(asked, folder)
    judged = check_sweep(asked, data)
    planned = tuple(runs(asked, data))
    taken = TrainingError(f"Another sweep works in {folder}.", remedy="wait for it, or name another folder with -o")
    called = f"The sweep's folder {folder}"
    with held(folder / ".lock", taken=taken, unusable=TrainingError, called=called):
        _begin(asked, data, folder, planned, retry)
        sources = whole_paths(data) if executor else data  # a worker stands in another folder
        work = Work(folder.absolute(), sources, tuple(run.key for run in planned), judged, asked.plan, threads)
        with Crew(folder, threads) as crew:
            to_do = _to_do(asked.plan, folder, planned)
            here: InProcess[Run, Run] = InProcess(lambda work, run: run_one(work, run, crew), jobs, crew.stop)
            for run in executor.map(work, to_do) if executor else here.map(work, to_do):
                outcome = read_outcome(folder, run.key)
                if outcome is not None and watch is not None:
                    over = sum(read_outcome(folder, one.key) is not None for one in planned)
                    watch(run, outcome, over, len(planned))
    return collected(asked, data, folder, judged)


def collected(asked: Sweep, data: tuple[str, ...], folder: Path, judged: Judged) -> Swept:
    """What is known of a sweep by its folder alone."""
    planned = tuple(runs(asked, data))
    found = {run.key: read_outcome(folder, run.key) for run in planned}
    return Swept(asked, folder, data, judged, planned, {key: one for key, one in found.items() if one is not None})


def run_one(work: Work, run: Run, crew: Crew | None = None) -> Run:
    """Train one run in a process of its own until it is over; what became of it is in its folder.

    `crew` lends the process that forks it; without one it is started for this run alone.
    """
    job = {
        "key": run.key,
        "recipe": run.recipe,
        "data": work.data,
        "before": work.keys[: work.keys.index(run.key)],
        **asdict(work.judged),
        "plan": to_dict(work.plan),
        "threads": work.threads,
    }
    if crew is not None:
        code = crew.train(job)
    else:
        with Crew(work.folder, work.threads) as alone:
            code = alone.train(job)
    if read_outcome(work.folder, run.key) is None:
        error = f"Its process ended with code {code}: {_last_line(run_folder(work.folder, run.key) / OUTPUT_FILE)}"
        kinds = troubles(work.folder, run.key)
        write_outcome(work.folder, run.key, Outcome(FAILED, troubles=kinds, error=error))
    return run


def _begin(asked: Sweep, data: tuple[str, ...], folder: Path, planned: Sequence[Run], retry: bool) -> None:
    """Write the plan down; forget failures where they are to be tried again."""
    axes = {axis.name: [value.label for value in axis.values] for axis in asked.axes}
    told = {**to_dict(asked.plan), "data": list(data), "set": dict(asked.settings), "axes": axes}
    write_whole(folder / PLAN_FILE, to_toml(told).encode())
    for run in planned if retry else ():
        outcome = read_outcome(folder, run.key)
        if outcome is not None and outcome.state == FAILED:
            path = run_folder(folder, run.key)
            path.rename(path.with_name(f"{path.name}.failed-{time.time_ns()}"))


def _to_do(plan: SweepPlan, folder: Path, planned: Sequence[Run]) -> Iterator[Run]:
    """The runs that are not over, while the budget lasts; none of a trial of which one was pruned.

    Asked as the executor has room, so that both are judged by what is known then.
    """
    for run in planned:
        known = {one.key: read_outcome(folder, one.key) for one in planned}
        ended = [one for one in known.values() if one is not None]
        if _is_spent(plan, ended):
            return
        siblings = [known[one.key] for one in planned if one.trial.labels == run.trial.labels]
        if known[run.key] is None and not any(one is not None and one.state == PRUNED for one in siblings):
            yield run


def _is_spent(plan: SweepPlan, ended: Sequence[Outcome]) -> bool:
    minutes = sum(one.wall_seconds for one in ended) / 60
    images = sum(one.images_seen for one in ended)
    return bool((plan.minutes and minutes >= plan.minutes) or (plan.images and images >= plan.images))


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it told nothing"


def _spare(asked: Sweep, folder: Path) -> None:
    """Refuse a folder in which the plan's own file would be written over."""
    if asked.name == Path(PLAN_FILE).stem and folder.expanduser().resolve() == asked.folder.resolve():
        raise PlanError(
            f"{folder} holds the plan itself, and the sweep would write over it.",
            remedy=f"name a folder of its own with -o, such as {folder / 'sweep'}",
        )


def _keep_apart(folder: Path, data: Sequence[str]) -> None:
    """Refuse a sweep's folder among the pictures: its grids would be trained on the next time."""
    here = folder.expanduser().resolve()
    for one in data:
        source = Path(one).expanduser().resolve()
        if source.is_dir() and here.is_relative_to(source):
            raise PlanError(
                f"The sweep's folder {folder} lies among the pictures of {one}.",
                remedy="name a folder outside of them with -o",
            )
