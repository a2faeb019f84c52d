"""Films treated into a folder: one after the other, each once, by segments; harms no master.

The ledger, the names, the records and the rules are those of a batch of pictures (`tasks/batch/files.py`). Segments
lie in DIR/.vasari/films until their film is whole. Torch is imported only when there is something to do.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.bucket_addresses import folder_only
from vasari.foundation.errors import MissingExtraError, PictureError, VasariError, WeightsError, WriteError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger, Stamp, failure_of, job_key, publish, sole_worker
from vasari.foundation.pace import work_of
from vasari.foundation.plans import digest
from vasari.foundation.treatment import now, read_treatment
from vasari.foundation.version import VERSION
from vasari.foundation.video_formats import FILM_SUFFIXES, opencv, pyav
from vasari.tasks.batch.terms import BatchOptions, Silent, Summary, Watch
from vasari.tasks.batch.work import models_digest
from vasari.tasks.film.work import FilmWork, machine_of

if TYPE_CHECKING:
    from vasari.foundation.image_formats import Limits
    from vasari.tasks.film.frame_treaters import FrameTreater

#: Below the folder of `ledgers.sole_worker`: segments of films that are not whole yet.
FILMS_NAME = "films"


def film_files(
    inputs: Sequence[str | Path], options: BatchOptions, work: FilmWork, watch: Watch | None = None
) -> Summary:
    """Do `work` to the films among files, folders and globs, into `options.output`, each once; see `docs/film.md`.

    Films are done one at a time, whatever `options.jobs`. One that cannot be treated is in the ledger with its
    reason, and the rest goes on; one that was cut off goes on where it was. Raises `PlanError` (no film, a folder
    in use, a plan for pictures alone), `WeightsError`, `MissingExtraError`, `WriteError`.
    """
    output = folder_only(options.output, "Films").expanduser().resolve()
    sources = batches.discover(inputs, output, FILM_SUFFIXES, Ledger(output).results())
    with sole_worker(output) as staging:
        return _Films(work, options, output, Ledger(output), staging, watch or Silent(), sources).run()


@dataclass
class _Films:
    work: FilmWork
    options: BatchOptions
    output: Path
    ledger: Ledger
    staging: Path
    watch: Watch
    sources: Sequence[batches.Source]
    masters: dict[Path, Stamp] = field(default_factory=dict)

    def run(self) -> Summary:
        """All films; what the ledger knows as done is passed over."""
        stems = batches.name_results(self.sources, self.ledger.claims())
        known = {one.path: self._known(one.path) for one in self.sources}
        todo = [one.path for one in self.sources if known[one.path] is None]
        found = tuple(entry for entry in known.values() if entry is not None)
        self.watch.begin(len(todo), sum(work_of(one, _size(one)) for one in todo), len(found))
        if todo:
            # What is missing ends the batch, not each film.
            pyav()
            if self.work.film.looks_at_motion:
                opencv()
            _ = self._treater
        entries = []
        for path in todo:
            entries.append(self._film(path, stems[path]))
            self.watch.finished(entries[-1])
        return Summary((*entries, *self._changed_masters(entries)), found)

    @cached_property
    def _treater(self) -> FrameTreater:
        return self.work.ready({})

    @cached_property
    def _digests(self) -> tuple[str, str]:
        return digest(self.work.plan), models_digest(self.work.models)

    def _job(self, stamp: Stamp) -> str:
        return job_key(stamp.sha256, self.work.operation, *self._digests)

    def _known(self, source: Path) -> Entry | None:
        """The entry of a film that is done and in place; else None."""
        entry = self.ledger.entries.get((str(source), 0))
        if entry is None or entry.source_stamp is None or not entry.source_stamp.matches(source):
            return None
        return entry if self._in_place(entry) else None

    def _in_place(self, entry: Entry) -> bool:
        if entry.status != DONE or not (entry.source_stamp and entry.result and entry.result_stamp):
            return False
        beside = all((self.output / name).exists() for name in entry.beside or {})
        in_place = entry.result_stamp.matches(self.output / entry.result)
        return entry.job == self._job(entry.source_stamp) and beside and in_place

    def _film(self, path: Path, stem: str) -> Entry:
        """One film: done before, or done now, or failed; the ledger's line is written here."""
        began = time.monotonic()
        entry = Entry(FAILED, str(path), stem=stem)
        try:
            stamp = _stamp(path)
            entry = dataclasses.replace(entry, source_stamp=stamp, job=self._job(stamp), time=now())
            self.masters[path] = stamp
            entry = self._make(path, stem, entry, stamp)
        except (WeightsError, MissingExtraError):
            raise
        except Exception as error:
            entry = failure_of(entry, error, debug=self.options.debug)
        entry = dataclasses.replace(entry, seconds=round(time.monotonic() - began, 3))
        self.ledger.append(entry)
        return entry

    def _make(self, path: Path, stem: str, entry: Entry, stamp: Stamp) -> Entry:
        from vasari.foundation.video_files import inspect_film, suffix_of
        from vasari.tasks.film.making import Making

        header = inspect_film(path, self._limits)
        result = self.output / f"{stem}{suffix_of(header, self.work.film.format)}"
        adopted = self._adopted(entry, result)
        if adopted is not None:
            self.watch.found(adopted)
            return adopted
        self._refuse_foreign(result, entry)
        making = Making(self.work, self._treater, path, stamp, result, entry.job or "", self._limits)

        def advance(share: float) -> None:
            self.watch.advance(path, 0, share, work_of(path, stamp.bytes))

        folder = self._segments_folder(stem, entry.job or "")
        made = making.make(self.staging, folder, advance)
        record = making.record_path
        publish(made.record, record)
        publish(made.film, result)
        shutil.rmtree(folder, ignore_errors=True)
        return self._done(entry, result, made.stamp, made.numbers.get("megapixels"))

    def _done(self, entry: Entry, result: Path, stamp: Stamp, megapixels: float | None) -> Entry:
        record = result.with_name(result.name.removesuffix(result.suffix) + batches.RECORD_ENDING)
        found = result.stat()
        return dataclasses.replace(
            entry,
            status=DONE,
            result=_below(result, self.output),
            result_stamp=Stamp(stamp.sha256, found.st_size, found.st_mtime_ns),
            beside={_below(record, self.output): Stamp.of(record).sha256},
            megapixels=megapixels,
        )

    @property
    def _limits(self) -> Limits:
        from vasari.foundation.image_formats import Limits

        return Limits(max_pixels=self.options.max_megapixels * 1_000_000, trust=self.options.trust)

    def _segments_folder(self, stem: str, job: str) -> Path:
        """Where the segments of this film lie that this plan, version and machine make; others of it are removed.

        A record tells of one version and one machine, so that segments of two are never joined.
        """
        films = self.staging.parent / FILMS_NAME
        place = hashlib.sha256(stem.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        made_by = json.dumps([job, VERSION, machine_of(self._treater)], sort_keys=True)
        folder = films / f"{place}-{hashlib.sha256(made_by.encode()).hexdigest()[:32]}"
        for other in films.glob(f"{place}-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return folder

    def _adopted(self, entry: Entry, result: Path) -> Entry | None:
        """The entry of a result that is in place by its record but not in the ledger (killed in between)."""
        try:
            record = read_treatment(result.with_name(result.name.removesuffix(result.suffix) + batches.RECORD_ENDING))
            stamp = Stamp.of(result)
        except (VasariError, OSError):
            return None
        if record.job != entry.job or record.result is None or record.result.sha256 != stamp.sha256:
            return None
        numbers = {key: value for one in record.stages for key, value in one.numbers.items()}
        return self._done(entry, result, stamp, numbers.get("megapixels"))

    def _refuse_foreign(self, result: Path, entry: Entry) -> None:
        """Raise where a master or a file that Vasari did not write so stands in the result's place."""
        batches.refuse_masters([result], self.sources)
        if self.options.overwrite or not result.exists():
            return
        name = _below(result, self.output)
        mine = [one.result_stamp for one in self.ledger.entries.values() if one.result == name and one.result_stamp]
        if any(one.matches(result) for one in mine):
            return
        raise WriteError(
            f"{result} stands where the result would go, and is not as Vasari wrote it.",
            remedy="move it elsewhere, or use --overwrite to replace it",
        )

    def _changed_masters(self, entries: Sequence[Entry]) -> list[Entry]:
        """Compare every source of this run with what it was: size, time of change, bytes."""
        changed = []
        for path, stamp in self.masters.items():
            try:
                same = Stamp.of(path) == stamp
            except OSError:
                same = False
            if not same:
                former = next(one for one in entries if one.source == str(path))
                entry = dataclasses.replace(
                    former,
                    status=FAILED,
                    time=now(),
                    error=f"{path} is not as it was when the batch began; Vasari only reads its sources.",
                    remedy="find out which other program writes there, then run the command again",
                )
                self.ledger.append(entry)
                self.watch.finished(entry)
                changed.append(entry)
        return changed


def _below(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _stamp(path: Path) -> Stamp:
    try:
        return Stamp.of(path)
    except OSError as error:
        raise PictureError(
            f"{path} cannot be read: {error.strerror or error}.", remedy="check the file and its permissions"
        ) from None
