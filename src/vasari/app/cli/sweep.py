"""`vasari sweep`: a plan of trials, each a training with several seeds; a report, and the recipe that it chose."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plans
from vasari.app.cli.progress import printable
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import ExitCode, PlanError

if TYPE_CHECKING:
    from vasari.tasks.sweep.outcomes import Outcome
    from vasari.tasks.sweep.plan import Sweep
    from vasari.tasks.sweep.running import Swept
    from vasari.tasks.sweep.trials import Run


@with_plans(where=EnginePlan)
def sweep(
    plan: Annotated[Path, Parameter(help="a TOML file: recipe, method, seeds, metric, [set] and [axes]")],
    *,
    data: Annotated[
        list[str],
        Parameter(
            help="pictures, as for vasari train; may be given several times; else those of the plan",
            negative=(),
            show_default=False,
        ),
    ] = [],  # noqa: B006 - never changed
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"], help="folder of the sweep: a run folder a trial, report", show_default=False
        ),
    ] = None,
    jobs: Annotated[int, Parameter(help="runs at a time, each in a process of its own")] = 1,
    threads: Annotated[int, Parameter(help="threads of each run")] = 1,
    retry_failed: Annotated[bool, Parameter(help="run again what failed before", negative=())] = False,
    check: Annotated[bool, Parameter(help="look the plan over, list its trials, and run nothing", negative=())] = False,
    report: Annotated[bool, Parameter(help="write the report of what there is, and run nothing", negative=())] = False,
    json: JSON = False,
    where: EnginePlan,
) -> int:
    """Try many settings of a recipe, with several seeds each; killed or stopped, the same command goes on.

    A run that fails is recorded, and the rest goes on; the exit code is 3 then.
    """
    if jobs < 1 or threads < 1:
        raise PlanError(f"jobs={jobs} and threads={threads} must be 1 or more.", remedy="leave them out, or raise them")
    from vasari.tasks.sweep.checking import check_sweep, judged
    from vasari.tasks.sweep.plan import read_sweep
    from vasari.tasks.sweep.running import collected
    from vasari.tasks.sweep.running import sweep as carried_out

    asked = read_sweep(plan)
    sources = tuple(data) or asked.plan.data
    if check:
        check_sweep(asked, sources)
        return _list(asked, json)
    if output is None:
        raise PlanError("No folder was named.", remedy="add -o SWEEP; or --check, to look the plan over alone")
    if report:
        return _report(collected(asked, sources, output, judged(asked)), json)
    with _watching() as watch, executor_of(where) as executor:
        swept = carried_out(
            asked, sources, output, jobs=jobs, threads=threads, retry=retry_failed, executor=executor, watch=watch
        )
    return _report(swept, json)


def _list(asked: Sweep, json: bool) -> int:
    """The trials of a plan that is sound."""
    from vasari.tasks.sweep.trials import trials

    labels, seeds = [one.labels for one in trials(asked)], asked.plan.seeds
    if json:
        print(json_text.dumps({"trials": labels, "seeds": seeds}))
    else:
        for one in labels:
            print(printable("  ".join(f"{axis}={label}" for axis, label in one.items())))
        print(f"{counted(len(labels), 'trial')}, {counted(seeds, 'seed')} each.", file=sys.stderr)
    return ExitCode.DONE


def _report(swept: Swept, json: bool) -> int:
    """Write the report and tell it; the exit code."""
    from vasari.tasks.sweep.analysis import findings
    from vasari.tasks.sweep.outcomes import FAILED
    from vasari.tasks.sweep.report import summary, write_report
    from vasari.tasks.sweep.tables import plain

    page = write_report(swept)
    found = findings(swept)
    chosen = swept.folder / "chosen.toml"
    if json:
        files = {"report": str(page), "chosen": str(chosen) if found.best else None}
        print(json_text.dumps({**plain(swept, found), **files}, ensure_ascii=False))
    else:
        print(printable(summary(swept, found)))
        print(printable(f"{page}"), file=sys.stderr)
    if found.best is None:
        return ExitCode.FAILED
    failed = any(one.state == FAILED for one in swept.outcomes.values())
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


@contextmanager
def _watching() -> Iterator[Callable[[Run, Outcome, int, int], None]]:
    """Shows each run as it ends."""
    with meter("sweeping", "runs") as shown:

        def watch(run: Run, outcome: Outcome, over: int, of: int) -> None:
            name = f"{run.trial.name}, seed {run.seed}"
            if outcome.error:
                shown.failed(f"{name}: {outcome.state}: {outcome.error}")
            shown.show(over, of, name)

        yield watch
