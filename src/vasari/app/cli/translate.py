"""`vasari translate`: a trained translator over pictures, as `vasari restore` goes over scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli import batch
from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plan
from vasari.foundation.errors import PlanError
from vasari.tasks.batch.terms import DEFAULT_JOBS, BatchOptions
from vasari.tasks.translate.translate_plan import TranslatePlan
from vasari.tasks.translate.work import translate_files

USAGE = "write: vasari translate MODEL PICTURES... -o DIR"


@with_plan(TranslatePlan)
def translate(
    model: Annotated[str, Parameter(help="a bundled model's name, a .safetensors file, or an address")] = "",
    *pictures: Annotated[str, Parameter(help="files, folders (searched through) and globs")],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], help=batch.OUTPUT_HELP)] = None,
    replay: Annotated[Path | None, Parameter(help="make the result of this NAME.treatment.json again")] = None,
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = BatchOptions.max_megapixels,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    plan: TranslatePlan,
) -> int:
    """Translate pictures by a trained model into a folder, each with a record of what was done.

    The same command again goes on where it was; over a finished folder it does nothing.
    """
    if replay is not None:
        from vasari.tasks.translate.replay import replay as replay_record

        # The record names the model: a word before --replay is the source.
        sources = tuple(one for one in (model, *pictures) if one)
        return batch.replay(replay_record, sources, output, replay, trust, overwrite, json)
    if not model or not pictures:
        raise PlanError("No model was named." if not model else "No pictures were named.", remedy=USAGE)
    options = batch.options_of(output, jobs, trust, max_megapixels, overwrite)
    return batch.run(
        "translating",
        "translated",
        options.output,
        json,
        lambda watch: translate_files(pictures, options, plan, watch),
    )
