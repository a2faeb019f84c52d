"""What the commands that work on folders of pictures share: their options, the run with its progress, its outcome."""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vasari.app.cli.messages import TRACEBACKS_WANTED, counted
from vasari.app.cli.progress import printable, watcher
from vasari.foundation.bucket_addresses import BucketAddress, folder_only, output_of
from vasari.foundation.errors import ExitCode, PlanError
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch

if TYPE_CHECKING:
    from vasari.tasks.batch.replay import Replayed

#: How many warnings are told one by one.
WARNINGS_SHOWN = 10
OUTPUT_HELP = "folder for the results, or s3://BUCKET/FOLDER"


def options_of(output: str | Path | None, jobs: int, trust: bool, max_megapixels: int, overwrite: bool) -> BatchOptions:
    """How a batch is run, from the command's options; raises `PlanError`."""
    if output is None:
        raise PlanError("No output folder was named.", remedy="add -o DIR; results never go among the masters")
    if jobs < 1:
        raise PlanError(f"jobs={jobs} is below 1.", remedy="use --jobs 1 or more")
    return BatchOptions(
        output_of(str(output)),
        jobs=jobs,
        trust=trust,
        max_megapixels=max_megapixels,
        overwrite=overwrite,
        debug=TRACEBACKS_WANTED.get(),
    )


def run(
    doing: str,
    done: str,
    output: Path | BucketAddress,
    json: bool,
    work: Callable[[Watch], Summary],
    *,
    what: str = "page",
    more: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Run `work` with its progress on stderr, and tell the outcome in words or as JSON; the exit code.

    `doing` and `done` are the verb ("restoring", "restored"), `what` is what an entry is about; `more` joins the JSON.
    """
    try:
        with watcher(doing) as watch:
            summary = work(watch)
    except KeyboardInterrupt:
        print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if json:
        print(json_text.dumps({**summary_values(summary, output), **more}, ensure_ascii=True))
    else:
        for line in warned(summary):
            print(printable(line), file=sys.stderr)
        print(printable(sentence(summary, output, done, what)), file=sys.stderr)
    return ExitCode.SOME_INPUTS_FAILED if summary.failed else ExitCode.DONE


def summary_values(summary: Summary, output: Path | BucketAddress) -> dict[str, Any]:
    """The outcome as plain values."""
    return {
        "output": str(output),
        "done": len(summary.done),
        "already_done": len(summary.already_done),
        "failed": len(summary.failed),
        "entries": [json_text.loads(one.to_json()) for one in summary.entries],
    }


def warned(summary: Summary) -> list[str]:
    """What is to be looked at, a line for each page; the ledger has them all."""
    lines = [f"{one.result}: {warning}." for one in summary.warned for warning in one.warnings or ()]
    more = len(lines) - WARNINGS_SHOWN
    return lines if more <= 0 else [*lines[:WARNINGS_SHOWN], f"and {counted(more, 'more warning')}."]


def sentence(summary: Summary, output: Path | BucketAddress, done: str, what: str = "page") -> str:
    """The outcome in one sentence."""
    if not summary.entries:
        return f"Nothing to do: {counted(len(summary.already_done), what)} in {output} as they should be."
    parts = [f"{counted(len(summary.done), what)} {done} into {output}"]
    if summary.already_done:
        parts.append(f"{len(summary.already_done)} done before")
    warnings = len(summary.warned)
    if warnings:
        parts.append(f"{warnings} to be looked at, see {output / 'ledger.jsonl'}")
    if summary.failed:
        parts.append(f"{len(summary.failed)} failed, see {output / 'ledger.jsonl'}")
    return "; ".join(parts) + "."


def replay(
    again: Callable[..., Replayed],
    sources: Sequence[str],
    output: str | None,
    sidecar: Path,
    trust: bool,
    overwrite: bool,
    json: bool,
) -> int:
    """Make the result of a record again by `again`, from at most one named source; the exit code."""
    if len(sources) > 1:
        raise PlanError("A replay is of one picture.", remedy="name at most one source before --replay")
    source = Path(sources[0]) if sources else None
    folder = folder_only(output_of(output), "Replays") if output is not None else None
    done = again(sidecar, folder, source=source, trust=trust, overwrite=overwrite)
    for remark in done.remarks:
        print(f"vasari: {remark}", file=sys.stderr)
    if json:
        print(json_text.dumps({**asdict(done), "result": str(done.result)}))
    else:
        print(printable(f"{done.result}: the recorded bytes, SHA-256 {done.sha256}"), file=sys.stderr)
    return ExitCode.DONE
