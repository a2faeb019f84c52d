"""Operations on pictures and films by the batch that the commands share: restore, stylize, translate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from vasari.app.cli.batch import summary_values
from vasari.app.operations.failures import told
from vasari.app.operations.operation import Advance, Errand, part_of
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.ledgers import FAILED, Entry
from vasari.foundation.plans import digest, option
from vasari.foundation.treatment import Stage
from vasari.foundation.video_formats import FILM_SUFFIXES
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.tally import Tally
from vasari.tasks.batch.terms import BatchOptions, Summary
from vasari.tasks.batch.work import Work, Worker, models_digest
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.work import FilmWork
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.stylize.work import StylizeWork


@dataclass(frozen=True)
class RestoreFields(RestorePlan):
    """What a restoration is asked for, with a style if one is wanted."""

    style: tuple[str, ...] = option((), "REFERENCE[:WEIGHT] or a named style: stylize what was restored as well")
    style_strength: float = option(1.0, "of the style: 0 (none) to 1 (full)", minimum=0.0, maximum=1.0)
    film: FilmPlan = FilmPlan(fusion=1)  # noqa: RUF009 - frozen


@dataclass(frozen=True)
class StylizeFields(StylizePlan):
    """What stylizing is asked for; `style_of` finds styles in the archive."""

    style_of: tuple[str, ...] = option((), "QUERY[:WEIGHT]: the works of the archive that it finds")
    film: FilmPlan = FilmPlan()  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        super().__post_init__()
        if any("/" in one or "\\" in one for one in self.settings):
            raise PlanError("A setting names a file.", remedy="use the name of something that Vasari knows")


def restore(errand: Errand) -> dict[str, Any]:
    """Restore pictures and films, each with its record."""
    fields: RestoreFields = errand.plan
    plan = part_of(RestorePlan, fields)
    work: Work = RestoreWork.of(plan)
    if fields.style:
        from vasari.tasks.stylize.restored import RestoreStylizePlan, RestoreStylizeWork

        painted = StylizePlan(
            fields.style, strength=fields.style_strength, precision=plan.precision, device=plan.device,
            tile_px=plan.tile_px,
        )  # fmt: skip
        work = RestoreStylizeWork.of(RestoreStylizePlan(plan, painted))
    return treated(errand, work, fields.film)


def stylize(errand: Errand) -> dict[str, Any]:
    """Stylize pictures and films, each with its record."""
    fields: StylizeFields = errand.plan
    plan = part_of(StylizePlan, fields)
    if fields.style_of:
        from vasari.app.cli.period_styles import Periods, with_periods

        plan = with_periods(plan, Periods(list(fields.style_of), errand.places.archive.folder))
    return treated(errand, StylizeWork.of(plan), fields.film)


def translate(errand: Errand) -> dict[str, Any]:
    """Translate pictures by a trained model, each with its record."""
    from vasari.tasks.translate.work import TranslateWork

    return treated(errand, TranslateWork.of(errand.plan), None)


def colorize(errand: Errand) -> dict[str, Any]:
    """Color pictures, each with its record."""
    from vasari.tasks.colorize.work import ColorizeWork, refuse_several

    if errand.plan.hinted:
        refuse_several(len(errand.inputs))
    return treated(errand, ColorizeWork.of(errand.plan), None)


def restoring_models(plan: RestoreFields) -> str:
    """The digest of the models of a restoration."""
    return models_digest(RestoreWork.of(part_of(RestorePlan, plan)).models)


def treated(errand: Errand, work: Work, film: FilmPlan | None) -> dict[str, Any]:
    """Do `work` to all inputs; what failed is in the outcome, unless all did: then raises `PictureError`."""
    stills = [path for path in errand.inputs if path.suffix.lower() not in FILM_SUFFIXES or film is None]
    films = [path for path in errand.inputs if path not in stills]
    options = BatchOptions(errand.output, jobs=1)
    watch = Told(errand.advance)
    entries: tuple[Entry, ...] = ()
    before: tuple[Entry, ...] = ()
    film_work = FilmWork(work, film) if films and film is not None else None  # before the pictures: it may refuse
    if stills:
        done = treat_files(stills, options, cast("Work", Warm(work)), watch)
        entries, before = done.entries, done.already_done
    if film_work is not None:
        from vasari.tasks.film.files import film_files

        more = film_files(films, options, film_work, watch)
        entries, before = entries + more.entries, before + more.already_done
    summary = Summary(entries, before)
    if summary.failed and not summary.done and not summary.already_done:
        first = told(vars(summary.failed[0]))
        raise PictureError(first["error"] or "Nothing could be done.", remedy=first["remedy"] or "send another file")
    values = summary_values(summary, errand.output)
    del values["output"]
    # A try that was cut off has done some, and the job tells of them all.
    whole = summary_values(Summary((*before, *entries), ()), errand.output)
    return {**values, "entries": [told(one) for one in whole["entries"]]}


class Told:
    """A watch of a batch that passes on how far it is, in the work of the sources."""

    def __init__(self, advance: Advance) -> None:
        self.told = advance
        self.tally = Tally()

    def begin(self, sources: int, work: float, already_done: int) -> None:
        """Count what there is to do."""
        self.tally.begin(work)

    def advance(self, source: Path, page: int, share: float, of_work: float) -> None:
        """Pass it on."""
        self.told(self.tally.advance(source, page, share, of_work), self.tally.total, source.name)

    def found(self, entry: Entry) -> None:
        """Count a page that was done before."""
        self.told(self.tally.found(entry), self.tally.total, Path(entry.source).name)

    def finished(self, entry: Entry) -> None:
        """Count what is left of a page as dealt with."""
        done = self.tally.finished(entry)
        if entry.status == FAILED:
            self.told(done, self.tally.total, Path(entry.source).name)


#: The last worker that was made ready, by what it depends on: a process that does job after job loads a model once.
_READY: dict[tuple[str, str, str], Worker] = {}


class Warm:
    """A `Work` whose worker stays ready in this process until another is needed."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.operation, self.participle, self.plan_kind = work.operation, work.participle, work.plan_kind
        self.plan, self.models, self.format = work.plan, work.models, work.format
        self.maps, self.source_type, self.seed = work.maps, work.source_type, work.seed

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """As the work tells them."""
        return self.work.stages(numbers)

    def ready(self, machine: Mapping[str, str]) -> Worker:
        """The worker of an equal work if it is still there, else a new one."""
        key = (self.operation, digest(self.plan), models_digest(self.models) + repr(sorted(machine.items())))
        if key not in _READY:
            _READY.clear()
            _READY[key] = self.work.ready(machine)
        return _READY[key]
