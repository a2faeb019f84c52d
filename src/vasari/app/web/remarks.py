"""What a job says of pictures that are done: the warnings of its ledger, and what its records tell of their faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vasari.app.operations.references import RESULTS
from vasari.archive.workbench.jobs import Job
from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.errors import PlanError
from vasari.foundation.ledgers import DONE
from vasari.foundation.treatment import Stage, read_treatment
from vasari.tasks.restore.likeness_words import LIKENESS

#: Of so many pictures a page tells, of each kind of remark; the ledger among the files has them all.
MOST_TOLD = 60


@dataclass(frozen=True)
class Remark:
    """What is said of a result, by its name among the job's files."""

    name: str
    words: str


@dataclass(frozen=True)
class Remarks:
    """Warnings, how many there are beyond those, and what was found of faces in pictures that nothing warns of.

    `warned`: the names of all results that should be looked at; `watched`: whether faces were compared at all.
    """

    warnings: tuple[Remark, ...]
    more: int
    warned: frozenset[str]
    faces: tuple[Remark, ...]
    watched: bool


def warned_pages(job: Job) -> int:
    """How many results of a job should be looked at."""
    return sum(bool(one.get("warnings")) for one in _done(job))


def remarks_of(job: Job, folder: Path) -> Remarks:
    """The remarks of a job whose results lie below `folder`; without its records, those of its ledger alone."""
    warnings = [Remark(one["result"], words) for one in _done(job) for words in one.get("warnings") or ()]
    watched = bool(job.fields.get("likeness"))
    faces = tuple(_faces(job, folder / RESULTS / job.id)) if watched else ()
    warned = frozenset(one.name for one in warnings)
    return Remarks(tuple(warnings[:MOST_TOLD]), max(0, len(warnings) - MOST_TOLD), warned, faces, watched)


def _faces(job: Job, folder: Path) -> Iterator[Remark]:
    sound = [one for one in _done(job) if not one.get("warnings")]
    for entry in sound[:MOST_TOLD]:
        stage = _likeness(folder, entry)
        if stage is not None:
            yield Remark(entry["result"], stage.did)


def _likeness(folder: Path, entry: Mapping[str, Any]) -> Stage | None:
    """What watching faces found, as the record of a result tells it; None without it."""
    record = folder / PurePosixPath(entry["result"]).with_suffix(RECORD_ENDING)
    try:
        stages = read_treatment(record).stages
    except PlanError:
        return None
    return next((one for one in stages if one.name == LIKENESS), None)


def _done(job: Job) -> list[Mapping[str, Any]]:
    entries = job.result.get("values", {}).get("entries", ())
    return [one for one in entries if isinstance(one, dict) and one.get("status") == DONE and one.get("result")]
