"""Make a film again from its record, byte for byte, or say why that cannot be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.devices import threads_of
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Stamp, publish, sole_worker
from vasari.foundation.plans import from_dict
from vasari.foundation.treatment import Treatment, read_treatment
from vasari.tasks.batch.replay import Replayed, check_bytes, check_models, refuse_other, remarks
from vasari.tasks.batch.work import Work
from vasari.tasks.film.film_plan import FilmPlan
from vasari.tasks.film.making import Making
from vasari.tasks.film.work import OPERATION_ENDING, FilmWork, machine_of
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.restored import RestoreStylizeWork
from vasari.tasks.stylize.work import StylizeWork
from vasari.tasks.translate.work import TranslateWork

_WORKS: tuple[type[Work], ...] = (RestoreWork, StylizeWork, RestoreStylizeWork, TranslateWork)


def replay(
    sidecar: Path,
    output: Path | None = None,
    *,
    source: Path | None = None,
    trust: bool = False,
    overwrite: bool = False,
) -> Replayed:
    """Make the film of a record again in `output` (default: where the record lies).

    The source is looked for at its recorded path, unless `source` names it. Raises as `batch.replay.replay_file`.
    """
    record = read_treatment(sidecar)
    if record.result is None:
        raise PlanError(f"{sidecar} tells of no result.", remedy="name a record that Vasari wrote beside a film")
    work = _work(record, sidecar)
    path = source or Path(record.source.path)
    stamp = _stamp(path, record)
    folder = (output or sidecar.parent).expanduser().resolve()
    result = folder / record.result.name
    if result.exists() and result.samefile(path):
        raise PlanError(f"The result {result} would be written onto its source.", remedy="choose another folder")
    refuse_other(result, record, overwrite)
    with threads_of(record.machine):
        treater = work.ready(record.machine)
        machine = machine_of(treater)
        making = Making(
            work, treater, Path(record.source.path), stamp, result, record.job, Limits(trust=trust),
            version=record.version, created=record.created, read_from=path,
        )  # fmt: skip
        with sole_worker(folder) as staging, tempfile.TemporaryDirectory(dir=staging) as segments:
            made = making.make(staging, Path(segments), lambda share: None)
            check_bytes(record, made.stamp, machine)
            # The old record stays the record: it tells when and where the film was treated.
            publish(write_whole(made.record, sidecar.read_bytes()), making.record_path)
            publish(made.film, result)
    return Replayed(result, record.result.sha256, remarks(record, machine))


def _work(record: Treatment, sidecar: Path) -> FilmWork:
    """The work of then; raises `PlanError` for another record, `WeightsError` for another model."""
    kinds = {kind.operation + OPERATION_ENDING: kind for kind in _WORKS}
    if record.operation not in kinds:
        raise PlanError(f"{sidecar} tells of no film.", remedy="name a record that Vasari wrote beside a film")
    kind = kinds[record.operation]
    plan = dict(record.plan)
    frames: Any = from_dict(kind.plan_kind, dict(plan.get("frames", {})), where=str(sidecar))
    work = FilmWork(kind.of(frames), from_dict(FilmPlan, dict(plan.get("film", {})), where=str(sidecar)))
    check_models(record, work.models)
    return work


def _stamp(path: Path, record: Treatment) -> Stamp:
    """The source's stamp; raises `PictureError` where it is missing or another."""
    try:
        stamp = Stamp.of(path)
    except OSError:
        raise PictureError(f"The source {path} is not there.", remedy="name it before --replay") from None
    if stamp.sha256 != record.source.sha256:
        raise PictureError(
            f"{path} is not the film that was treated: its SHA-256 differs from the record's.",
            remedy=f"name the source of {record.source.sha256[:16]}… before --replay",
        )
    return stamp
