"""`vasari augment`: copies of a labeled set in other styles, with a manifest of labels and lineage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli import batch
from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plan
from vasari.tasks.augment import manifest
from vasari.tasks.augment.files import augment_files
from vasari.tasks.augment.plan import ERAS, AugmentPlan
from vasari.tasks.batch.terms import DEFAULT_JOBS, BatchOptions


@with_plan(AugmentPlan)
def augment(
    dataset: Annotated[str, Parameter(help="folder with a folder a label, table (path, label), list, .zip or hf://")],
    *,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="folder for the copies")] = None,
    models: Annotated[
        list[str], Parameter(name="--model", help="a translator, for a style; may be given several times")
    ] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    eras: Annotated[
        list[str],
        Parameter(
            name="--era", help=f"age copies as photographs of then ({', '.join(ERAS)}); may be given several times"
        ),
    ] = [],  # noqa: B006
    flips: Annotated[
        list[str], Parameter(name="--flip", help="flip copies by chance: horizontal, vertical; may be given twice")
    ] = [],  # noqa: B006
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    plan: AugmentPlan,
) -> int:
    """Write style-augmented copies of a labeled set, with a manifest that keeps labels and lineage.

    The same command again goes on where it was; over a finished folder it does nothing.
    """
    options = batch.options_of(output, jobs, False, BatchOptions.max_megapixels, overwrite)
    return batch.run(
        "augmenting",
        "made",
        options.output,
        json,
        lambda watch: augment_files(dataset, options, plan, watch),
        what="picture",
        more={"manifest": str(options.output / manifest.NAME)},
    )
