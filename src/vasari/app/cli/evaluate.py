"""`vasari evaluate`: results measured against a truth, a set, or by themselves, with intervals and protocols."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plans
from vasari.app.cli.progress import printable
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import ExitCode
from vasari.tasks.evaluate.plan import EvaluatePlan


@with_plans(plan=EvaluatePlan, where=EnginePlan)
def evaluate(
    result: Annotated[Path, Parameter(help="a picture, or a folder of pictures (searched through)")],
    *,
    against: Annotated[Path | None, Parameter(help="the truth, or a set; without it pictures are described")] = None,
    versus: Annotated[list[Path], Parameter(help="another method's results; may be given several times")] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the report")] = None,
    json: JSON = False,
    plan: EvaluatePlan,
    where: EnginePlan,
) -> int:
    """Measure results: picture by picture against their truth, as a set against a set, or by themselves.

    Every number comes with its interval of 95 % and the protocol it was measured by.
    """
    from vasari.tasks.evaluate import report
    from vasari.tasks.evaluate.evaluating import evaluate as evaluated

    with executor_of(where) as executor, meter("measuring", "pictures") as pictures:
        outcome = evaluated(result, against, plan, versus, pictures.show, executor)
    page = report.write_report(outcome, output) if output is not None else None
    if json:
        print(json_text.dumps({**outcome.to_dict(), "report": str(page) if page else None}))
    else:
        print(printable(report.text(outcome)))
        if page is not None:
            print(printable(f"{page}"), file=sys.stderr)
    scored = any(score.value == score.value for one in outcome.methods for score in one.scores)
    if not scored:
        return ExitCode.FAILED
    return ExitCode.SOME_INPUTS_FAILED if outcome.failures else ExitCode.DONE
