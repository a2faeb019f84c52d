"""`vasari colorize`: plausible colors for grey pictures, as `vasari restore` goes over scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli import batch
from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plans
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import PlanError
from vasari.tasks.batch.terms import DEFAULT_JOBS, BatchOptions
from vasari.tasks.colorize.colorize_plan import ColorizePlan
from vasari.tasks.colorize.work import colorize_files

HINT_HELP = "X,Y=#RRGGBB: the color of a small disc, in pixels of the source; may be given several times"


@with_plans(plan=ColorizePlan, where=EnginePlan)
def colorize(
    *pictures: Annotated[str, Parameter(help="files, folders (searched through) and globs")],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], help=batch.OUTPUT_HELP)] = None,
    hint: Annotated[list[str], Parameter(help=HINT_HELP)] = [],  # noqa: B006 - never changed; the help shows it
    replay: Annotated[Path | None, Parameter(help="make the result of this NAME.treatment.json again")] = None,
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = BatchOptions.max_megapixels,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    plan: ColorizePlan,
    where: EnginePlan,
) -> int:
    """Give grey pictures plausible colors, each with a record that says they are invented; lightness stays as it is.

    The same command again goes on where it was; over a finished folder it does nothing.
    """
    if replay is not None:
        from vasari.tasks.colorize.replay import replay as replay_record

        return batch.replay(replay_record, pictures, output, replay, trust, overwrite, json)
    if not pictures:
        raise PlanError("No pictures were named.", remedy="write: vasari colorize PICTURES... -o DIR")
    options = batch.options_of(output, jobs, trust, max_megapixels, overwrite)
    with executor_of(where) as executor:
        return batch.run(
            "colorizing",
            "colorized",
            options.output,
            json,
            lambda watch: colorize_files(pictures, options, plan, watch, executor),
        )
