"""One film made and recorded where nobody looks, so that it can be made visible at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.image_formats import DEFAULT_LIMITS, Limits
from vasari.foundation.ledgers import Stamp
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import SOURCE_TYPES, FileFacts, SourceFacts, Treatment, now
from vasari.foundation.version import VERSION
from vasari.tasks.film.apply import treat_film
from vasari.tasks.film.frame_treaters import FrameTreater
from vasari.tasks.film.work import FilmWork, machine_of


@dataclass(frozen=True)
class MadeFilm:
    """A film and its record, whole but not yet visible; what was measured."""

    film: Path
    record: Path
    stamp: Stamp
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Making:
    """What is to be made: of which source, under which name and job; `read_from` is where the source lies now."""

    work: FilmWork
    treater: FrameTreater
    source: Path
    stamp: Stamp
    result: Path
    job: str
    limits: Limits = DEFAULT_LIMITS
    version: str = VERSION
    created: str = field(default_factory=now)
    read_from: Path | None = None

    @property
    def record_path(self) -> Path:
        """Where the record goes."""
        return self.result.with_name(self.result.name.removesuffix(self.result.suffix) + batches.RECORD_ENDING)

    def make(self, staging: Path, folder: Path, advance: Callable[[float], None]) -> MadeFilm:
        """Make the film in `staging`, its segments in `folder`; raises as `treat_film` does."""
        place = hashlib.sha256(str(self.result).encode("utf-8", "surrogateescape")).hexdigest()
        film = staging / f"{self.job[:16]}-{place[:16]}{self.result.suffix}"
        made = treat_film(
            self.read_from or self.source, self.treater, self.work.film, film, folder,
            note=self._note(), limits=self.limits, advance=advance,
        )  # fmt: skip
        stamp = Stamp.of(film)
        record = self._record(made.numbers, made.notes, stamp)
        written = write_whole(film.with_suffix(batches.RECORD_ENDING), record.to_json())
        return MadeFilm(film, written, stamp, made.numbers)

    def _note(self) -> str:
        """What the film's own metadata tell; no time, so that a film made again has the same bytes."""
        kind = SOURCE_TYPES[self.work.work.source_type].rsplit("/", 1)[-1]
        return (
            f"{self.work.operation} by Vasari {self.version}, {kind}, job {self.job[:16]}; see {self.record_path.name}"
        )

    def _record(self, numbers: Mapping[str, float], notes: tuple[str, ...], stamp: Stamp) -> Treatment:
        return Treatment(
            operation=self.work.operation,
            version=self.version,
            created=self.created,
            job=self.job,
            source=SourceFacts(str(self.source), self.stamp.sha256, self.stamp.bytes),
            models=self.work.models,
            plan=to_dict(self.work.plan),
            seed=self.work.work.seed,
            stages=self.work.stages(numbers),
            digital_source_type=SOURCE_TYPES[self.work.work.source_type],
            machine=machine_of(self.treater),
            result=FileFacts(self.result.name, stamp.sha256, stamp.bytes),
            notes=notes,
        )
