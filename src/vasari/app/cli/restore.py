"""`vasari restore`: scans in, restored pictures with their records out."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.messages import TRACEBACKS_WANTED, counted
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable, watcher
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.restore.batch import DEFAULT_JOBS, BatchOptions, Summary, restore_files
from vasari.tasks.restore.plan import RestorePlan


@with_plan(RestorePlan)
def restore(
    *scans: Annotated[str, Parameter(help="files, folders (searched through) and globs")],
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the results")] = None,
    replay: Annotated[Path | None, Parameter(help="make the result of this NAME.treatment.json again")] = None,
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = BatchOptions.max_megapixels,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: Annotated[bool, Parameter(help="tell the outcome as JSON on stdout")] = False,
    plan: RestorePlan,
) -> int:
    """Restore scans into a folder, each with a record of what was done.

    The same command again goes on where it was; over a finished folder it does nothing.
    """
    if replay is not None:
        return _replay(scans, output, replay, trust, overwrite, json)
    if not scans:
        raise PlanError("No scans were named.", remedy="write: vasari restore SCANS... -o DIR")
    if output is None:
        raise PlanError("No output folder was named.", remedy="add -o DIR; results never go among the masters")
    if jobs < 1:
        raise PlanError(f"jobs={jobs} is below 1.", remedy="use --jobs 1 or more")
    options = BatchOptions(
        output,
        jobs=jobs,
        trust=trust,
        max_megapixels=max_megapixels,
        overwrite=overwrite,
        debug=TRACEBACKS_WANTED.get(),
    )
    return _batch(scans, options, json, plan)


def _batch(scans: tuple[str, ...], options: BatchOptions, json: bool, plan: RestorePlan) -> int:
    output = options.output
    try:
        with watcher() as watch:
            summary = restore_files(scans, options, plan, watch)
    except KeyboardInterrupt:
        print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if json:
        print(json_text.dumps(summary_values(summary, output), ensure_ascii=True))
    else:
        print(printable(_sentence(summary, output)), file=sys.stderr)
    return ExitCode.SOME_INPUTS_FAILED if summary.failed else ExitCode.DONE


def summary_values(summary: Summary, output: Path) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        "output": str(output),
        "done": len(summary.done),
        "already_done": len(summary.already_done),
        "failed": len(summary.failed),
        "entries": [json_text.loads(one.to_json()) for one in summary.entries],
    }


def _sentence(summary: Summary, output: Path) -> str:
    if not summary.entries:
        return f"Nothing to do: {counted(len(summary.already_done), 'page')} in {output} as they should be."
    parts = [f"{counted(len(summary.done), 'page')} restored into {output}"]
    if summary.already_done:
        parts.append(f"{len(summary.already_done)} done before")
    if summary.failed:
        parts.append(f"{len(summary.failed)} failed, see {output / 'ledger.jsonl'}")
    return "; ".join(parts) + "."


def _replay(
    scans: tuple[str, ...], output: Path | None, sidecar: Path, trust: bool, overwrite: bool, json: bool
) -> int:
    if len(scans) > 1:
        raise PlanError("A replay is of one picture.", remedy="name at most one source before --replay")
    from vasari.tasks.restore.replay import replay

    source = Path(scans[0]) if scans else None
    done = replay(sidecar, output, source=source, trust=trust, overwrite=overwrite)
    for remark in done.remarks:
        print(f"vasari: {remark}", file=sys.stderr)
    if json:
        print(json_text.dumps({**asdict(done), "result": str(done.result)}))
    else:
        print(printable(f"{done.result}: the recorded bytes, SHA-256 {done.sha256}"), file=sys.stderr)
    return ExitCode.DONE
