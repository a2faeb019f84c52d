"""`vasari explain`: what a restoration did, how far a style is, what a critic sees, what a generator copied."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.explain.plan import ExplainPlan


@with_plan(ExplainPlan)
def explain(
    scan: Annotated[Path | None, Parameter(help="a picture; none for --generator")] = None,
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the maps")] = None,
    json: JSON = False,
    plan: ExplainPlan,
) -> int:
    """Explain a restoration, a style or a critic on a scan, or what a generator learned by heart: pictures, arrays."""
    if output is None:
        raise PlanError("No folder for the maps was named.", remedy="write: vasari explain SCAN -o DIR")
    if (scan is None) != bool(plan.generator):
        what = "Neither a picture nor a generator was" if scan is None else "Both a picture and a generator were"
        raise PlanError(f"{what} named.", remedy="name a picture, or --generator MODEL --training FOLDER")
    from vasari.tasks.explain.explaining import explain as explained
    from vasari.tasks.explain.explaining import explain_samples

    with meter("explaining", "pictures" if scan is None else "views") as parts:
        facts = explained(scan, output, plan, parts.show) if scan else explain_samples(output, plan, parts.show)
    page = output / f"{scan.stem if scan else facts['model']}.{facts['of']}.html"
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
