"""`vasari restore`: scans in, restored pictures with their records out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli import batch, films
from vasari.app.cli.films import with_film
from vasari.app.cli.json_option import JSON
from vasari.app.cli.plan_options import with_plans
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import PlanError
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.restore.batch import DEFAULT_JOBS, BatchOptions, restore_files
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork

if TYPE_CHECKING:
    from vasari.foundation.execute import Executor
    from vasari.tasks.batch.replay import Replayed


@with_plans(plan=RestorePlan, where=EnginePlan)
@with_film(fusion=1)
def restore(
    *scans: Annotated[str, Parameter(help="files, folders (searched through) and globs")],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], help=batch.OUTPUT_HELP)] = None,
    style: Annotated[
        list[str], Parameter(help="PICTURE[:WEIGHT] or a named style: stylize what was restored, in the same pass")
    ] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    style_strength: Annotated[float, Parameter(help="of the style: 0 (none) to 1 (full)")] = 1.0,
    replay: Annotated[Path | None, Parameter(help="make the result of this NAME.treatment.json again")] = None,
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = BatchOptions.max_megapixels,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    film: FilmPlan,
    plan: RestorePlan,
    where: EnginePlan,
) -> int:
    """Restore scans and films into a folder, each with a record of what was done.

    The same command again goes on where it was; over a finished folder it does nothing.
    """
    if replay is not None:
        return batch.replay(_replayer(replay), scans, output, replay, trust, overwrite, json)
    if not scans:
        raise PlanError("No scans were named.", remedy="write: vasari restore SCANS... -o DIR")
    options = batch.options_of(output, jobs, trust, max_megapixels, overwrite)
    if style_strength != 1 and not style:
        raise PlanError("There is the strength of a style, and no style.", remedy="add --style PICTURE")
    with executor_of(where) as executor:
        if style:
            return _restore_and_stylize(scans, options, film, plan, style, style_strength, json, executor)
        return films.run(
            "restoring", "restored", scans, options, json, film, RestoreWork.of(plan),
            lambda stills, watch: restore_files(stills, options, plan, watch, executor),
        )  # fmt: skip


def _restore_and_stylize(
    scans: tuple[str, ...],
    options: BatchOptions,
    film: FilmPlan,
    plan: RestorePlan,
    style: list[str],
    strength: float,
    json: bool,
    executor: Executor | None,
) -> int:
    """Both in one pass, the order of which stands in the record; the exit code."""
    from vasari.tasks.stylize.restored import RestoreStylizePlan, RestoreStylizeWork, restore_and_stylize_files
    from vasari.tasks.stylize.stylize_plan import StylizePlan

    painted = StylizePlan(
        tuple(style), strength=strength, precision=plan.precision, device=plan.device, tile_px=plan.tile_px
    )
    both = RestoreStylizePlan(plan, painted)
    return films.run(
        "restoring and stylizing", "restored and stylized", scans, options, json, film, RestoreStylizeWork.of(both),
        lambda stills, watch: restore_and_stylize_files(stills, options, both, watch, executor),
    )  # fmt: skip


def _replayer(sidecar: Path) -> Callable[..., Replayed]:
    """What replays a record of this command: of a film, of restoring alone, or with a style."""
    from vasari.foundation.treatment import read_treatment
    from vasari.tasks.film.replay import replay as replay_film
    from vasari.tasks.restore.replay import replay as replay_restored
    from vasari.tasks.stylize.restored import RestoreStylizeWork
    from vasari.tasks.stylize.restored import replay as replay_both

    if films.is_film_record(sidecar):
        return replay_film
    together = read_treatment(sidecar).operation == RestoreStylizeWork.operation
    return replay_both if together else replay_restored
