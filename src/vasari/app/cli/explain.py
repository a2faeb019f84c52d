"""`vasari explain`: what a restoration found and changed and how sure it is, or how far a scan is from a style."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.explain.plan import ExplainPlan


@with_plan(ExplainPlan)
def explain(
    scan: Annotated[Path, Parameter(help="a picture")],
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the maps")] = None,
    json: Annotated[bool, Parameter(help="tell the numbers as JSON on stdout")] = False,
    plan: ExplainPlan,
) -> int:
    """Explain what a restoration does to a scan, or how far the scan is from a style, as pictures and arrays."""
    if output is None:
        raise PlanError("No folder for the maps was named.", remedy="write: vasari explain SCAN -o DIR")
    from vasari.tasks.explain.explaining import explain as explained

    facts = explained(scan, output, plan, _tell)
    page = output / f"{scan.stem}.{facts['of']}.html"
    if json:
        print(json_text.dumps({**facts, "report": str(page)}))
    else:
        lines = [f"{name.replace('_', ' ')}: {_shown(value)}" for name, value in facts.items()]
        print(printable("\n".join([*lines, str(page)])))
    return ExitCode.DONE


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _tell(done: int, all: int) -> None:
    if sys.stderr.isatty():
        print(f"view {done} of {all}", file=sys.stderr, flush=True)
