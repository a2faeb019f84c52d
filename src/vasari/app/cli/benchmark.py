"""`vasari benchmark NAME`: our ways and other programs on pictures whose truth is known; one command a bench."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from vasari.app.cli.json_option import JSON
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode
from vasari.tasks.benchmark.plans import PLANS

Output = Annotated[
    Path | None, Parameter(name=["--output", "-o"], help="folder for the report; benchmark-NAME if none")
]
Peers = Annotated[
    list[str], Parameter(help="NAME=COMMAND with {input} and {output}, or NAME=FOLDER of results; several times")
]
Document = Annotated[Path | None, Parameter(help="put the tables between the marks of this bench in a Markdown file")]

app = App(name="benchmark", help="Measure our ways and other programs on pictures whose truth is known.")


def _command(name: str, kind: type) -> Callable[..., int]:
    """The command of a bench, its options those of its plan."""

    @with_plan(kind)
    def command(
        *,
        output: Output = None,
        peer: Peers = [],  # noqa: B006 - never changed, and what the command line shows as its default
        docs: Document = None,
        json: JSON = False,
        plan: Any,
    ) -> int:
        return _run(name, plan, output or Path(f"benchmark-{name}"), peer, docs, json)

    command.__doc__, command.__name__ = kind.__doc__, name
    return command


def _run(name: str, plan: Any, output: Path, peers: list[str], docs: Path | None, json: bool) -> int:
    from vasari.tasks.benchmark import report as reports
    from vasari.tasks.benchmark.sections import read_document, replace_section, replaced
    from vasari.tasks.benchmark.table import benchmark

    if docs is not None:  # a document without the marks is told of before the work
        replaced(read_document(docs), name, "")
    with meter("measuring", "parts") as progress:
        report, page = benchmark(name, plan, output, peers, lambda done, all, part: progress.show(done, all, name=part))
    if docs is not None:
        replace_section(docs, name, reports.section(report))
    if json:
        print(json_text.dumps({**report.to_dict(), "report": str(page)}))
    else:
        print(printable(reports.text(report)))
        print(printable(f"{page}"), file=sys.stderr)
    return ExitCode.SOME_INPUTS_FAILED if report.failed else ExitCode.DONE


for _name, _kind in PLANS.items():
    app.command(_command(_name, _kind), name=_name)
