"""`vasari stylize`: pictures and films in the manner of others, as `vasari restore` goes over scans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vasari.app.cli import batch, films
from vasari.app.cli.films import with_film
from vasari.app.cli.json_option import JSON
from vasari.app.cli.period_styles import Periods, walked, with_periods
from vasari.app.cli.plan_options import with_plans
from vasari.app.engines import EnginePlan, executor_of
from vasari.foundation.errors import PlanError
from vasari.tasks.batch.terms import DEFAULT_JOBS, BatchOptions
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.stylize.stylize_plan import OPTIMIZE, StylizePlan
from vasari.tasks.stylize.work import StylizeWork, stylize_files

if TYPE_CHECKING:
    from vasari.foundation.execute import Executor
    from vasari.tasks.batch.replay import Replayed

STYLE_HELP = "PICTURE[:WEIGHT], a saved style or a name that `vasari styles list` shows; may be given several times"
NO_PERIODS = Periods()
MASK_HELP = "a picture that is white where a style goes; one for each --style, in order"


@with_plans(plan=StylizePlan, where=EnginePlan)
@with_film()
def stylize(
    *pictures: Annotated[str, Parameter(help="files, folders (searched through) and globs")],
    output: Annotated[str | None, Parameter(name=["--output", "-o"], help=batch.OUTPUT_HELP)] = None,
    style: Annotated[list[str], Parameter(help=STYLE_HELP)] = [],  # noqa: B006 - never changed; the help shows it
    periods: Periods = NO_PERIODS,
    mask: Annotated[list[str], Parameter(help=MASK_HELP)] = [],  # noqa: B006
    settings: Annotated[
        list[str], Parameter(name="--set", help="--method optimize: KEY=VALUE, as loss=wasserstein or steps=300")
    ] = [],  # noqa: B006
    watch: Annotated[Path | None, Parameter(help="--method optimize: folder for pictures on the way")] = None,
    replay: Annotated[Path | None, Parameter(help="make the result of this NAME.treatment.json again")] = None,
    jobs: Annotated[int, Parameter(help="pictures in work at once; each needs its memory")] = DEFAULT_JOBS,
    trust: Annotated[bool, Parameter(help="take files that look like decompression bombs")] = False,
    max_megapixels: Annotated[int, Parameter(help="refuse larger pictures")] = BatchOptions.max_megapixels,
    overwrite: Annotated[bool, Parameter(help="replace files in DIR that are not as Vasari wrote them")] = False,
    json: JSON = False,
    film: FilmPlan,
    plan: StylizePlan,
    where: EnginePlan,
) -> int:
    """Give pictures and films the manner of one picture, of several, or of a named style, each with a record.

    The same command again goes on where it was; over a finished folder it does nothing. With --method optimize the
    first Ctrl-C keeps the best so far of the picture in work.
    """
    if replay is not None:
        return batch.replay(_replayer(replay), pictures, output, replay, trust, overwrite, json)
    if not pictures:
        raise PlanError("No pictures were named.", remedy="write: vasari stylize PICTURES... --style PICTURE -o DIR")
    options = batch.options_of(output, jobs, trust, max_megapixels, overwrite)
    with executor_of(where) as executor:
        if periods.walks:
            return walked(
                plan, periods,
                lambda styled, year: _run(pictures, _into(options, year), styled, film, watch, json, executor),
            )  # fmt: skip
        return _run(pictures, options, with_periods(plan, periods), film, watch, json, executor)


def _into(options: BatchOptions, year: int) -> BatchOptions:
    """The same, with results in a folder of the year's own."""
    return replace(options, output=options.output / str(year))


def _run(
    pictures: tuple[str, ...],
    options: BatchOptions,
    plan: StylizePlan,
    film: FilmPlan,
    watch: Path | None,
    json: bool,
    executor: Executor | None,
) -> int:
    """Stylize pictures and films by whatever method the plan names."""
    if plan.method == OPTIMIZE:
        if watch is not None and executor is not None:
            raise PlanError("Pictures on the way are shown on this machine alone.", remedy="leave --watch out")
        if films.divided(pictures, options.output)[1]:
            raise PlanError(
                f"The method {OPTIMIZE} takes minutes for a picture, and films have many.",
                remedy="use --method fast for the films, or leave them out",
            )
        if executor is None:
            return _optimize(pictures, options, plan, watch, json)
    elif watch is not None:
        raise PlanError("--watch is for optimizing: the fast method has nothing to show.", remedy="leave --watch out")
    return films.run(
        "stylizing", "stylized", pictures, options, json, film, StylizeWork.of(plan),
        lambda stills, told: stylize_files(stills, options, plan, told, executor=executor),
    )  # fmt: skip


def _optimize(
    pictures: tuple[str, ...], options: BatchOptions, plan: StylizePlan, folder: Path | None, json: bool
) -> int:
    """Optimize pictures one by one; the first Ctrl-C ends the one in work with the best so far, the second at once."""
    from vasari.tasks.interruptions import Interruptions
    from vasari.tasks.stylize.optimizing import Onlooker

    interruptions = Interruptions()
    onlooker = Onlooker(lambda: bool(interruptions.signal_name), folder)
    with interruptions.listening(alone=True):
        return batch.run(
            "optimizing",
            "stylized",
            options.output,
            json,
            lambda told: stylize_files(pictures, options, plan, told, onlooker),
        )


def _replayer(sidecar: Path) -> Callable[..., Replayed]:
    """What replays a record of this command: of a film, or of a picture."""
    from vasari.tasks.film.replay import replay as replay_film
    from vasari.tasks.stylize.replay import replay as replay_picture

    return replay_film if films.is_film_record(sidecar) else replay_picture
