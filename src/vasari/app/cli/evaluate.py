"""`vasari evaluate`: results measured against a truth, a set, or by themselves, with intervals and protocols."""

from __future__ import annotations

import json as json_text
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.messages import counted
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode
from vasari.tasks.evaluate.plan import EvaluatePlan

SECONDS_BETWEEN_LINES = 10.0


@with_plan(EvaluatePlan)
def evaluate(
    result: Annotated[Path, Parameter(help="a picture, or a folder of pictures (searched through)")],
    *,
    against: Annotated[Path | None, Parameter(help="the truth, or a set; without it pictures are described")] = None,
    versus: Annotated[list[Path], Parameter(help="another method's results; may be given several times")] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the report")] = None,
    json: Annotated[bool, Parameter(help="tell the outcome as JSON on stdout")] = False,
    plan: EvaluatePlan,
) -> int:
    """Measure results: picture by picture against their truth, as a set against a set, or by themselves.

    Every number comes with its interval of 95 % and the protocol it was measured by.
    """
    from vasari.tasks.evaluate import report
    from vasari.tasks.evaluate.evaluating import evaluate as evaluated

    outcome = evaluated(result, against, plan, versus, _progress())
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


def _progress() -> Callable[[int, int], None]:
    """A line on stderr now and then."""
    told = [time.monotonic()]

    def advance(done: int, all: int) -> None:
        if time.monotonic() - told[0] >= SECONDS_BETWEEN_LINES and done < all:
            told[0] = time.monotonic()
            print(f"{done} of {counted(all, 'picture')} measured", file=sys.stderr, flush=True)

    return advance
