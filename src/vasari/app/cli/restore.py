"""`vasari restore`: scans in, restored pictures with their records out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli import batch
from vasari.app.cli.plan_options import with_plan
from vasari.foundation.errors import PlanError
from vasari.tasks.restore.batch import DEFAULT_JOBS, BatchOptions, restore_files
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
        from vasari.tasks.restore.replay import replay as replay_record

        return batch.replay(replay_record, scans, output, replay, trust, overwrite, json)
    if not scans:
        raise PlanError("No scans were named.", remedy="write: vasari restore SCANS... -o DIR")
    options = batch.options_of(output, jobs, trust, max_megapixels, overwrite)
    return batch.run(
        "restoring", "restored", options.output, json, lambda watch: restore_files(scans, options, plan, watch)
    )
