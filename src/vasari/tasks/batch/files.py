"""A batch of files treated into a folder or a bucket: goes on where it was, never does a thing twice, harms no master.

Torch is imported only when there is something to do: a finished folder is known by the ledger alone. What is told of a
folder here holds for both; what they differ in is in `folder_place.py` and `bucket_place.py`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from vasari.foundation import batches
from vasari.foundation.errors import PictureError, PlaceLostError, WriteError
from vasari.foundation.execute import Executor, InProcess, Stop, StoppedError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger, Stamp, failure_of, job_key
from vasari.foundation.pace import work_of
from vasari.foundation.plans import digest
from vasari.foundation.treatment import now
from vasari.tasks.batch.entries import begin_entry, done_entry
from vasari.tasks.batch.places import Place, held, local_folder
from vasari.tasks.batch.terms import BatchOptions, Silent, Summary, Watch
from vasari.tasks.batch.work import Work, models_digest

if TYPE_CHECKING:
    from vasari.foundation.image_formats import Header, Limits
    from vasari.tasks.batch.assignment import Attempt
    from vasari.tasks.batch.page import Page, Staged
    from vasari.tasks.batch.work import Worker

#: What ends a batch wherever it is met: no page is to blame.
_ENDS = (StoppedError, KeyboardInterrupt, PlaceLostError)


def treat_files(
    inputs: Sequence[str | Path],
    options: BatchOptions,
    work: Work,
    watch: Watch | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Do `work` to files, folders and globs, into `options.output`, each page once.

    Pages are treated by `options.jobs` threads of this process, or by the workers of an `executor`, which must see
    sources and output under the same paths, or the same bucket; the ledger is written here, and results are made
    visible here. A page that cannot be treated is in the ledger with its reason, and the rest goes on. Raises
    `PlanError` (no input, a folder in use), `WeightsError`, `WriteError` where the ledger cannot be kept, and
    `PlaceLostError` for a bucket that cannot be used or was taken over.
    """
    folder = local_folder(options.output)
    sources = batches.discover(inputs, folder, batches.PICTURE_SUFFIXES, Ledger(folder).results())
    # The ledger is read once more: another process may have written until it let go of the place.
    with held(options.output) as place:
        return _Batch(work, options, place, watch or Silent(), sources, executor).run()


@dataclass
class _Batch:
    work: Work
    options: BatchOptions
    place: Place
    watch: Watch
    sources: Sequence[batches.Source]
    executor: Executor | None = None
    stop: Stop = field(default_factory=Stop)
    lock: threading.Lock = field(default_factory=threading.Lock)
    masters: dict[Path, Stamp] = field(default_factory=dict)

    def run(self) -> Summary:
        """All pages of `sources`; what the ledger knows as done is passed over."""
        sources = self.sources
        stems = batches.name_results(sources, self.place.ledger.claims())
        self.place.protect(sources)
        if self.work.format is None:
            for one in sources:
                self.place.refuse_master(PurePosixPath(f"{stems[one.path]}{one.path.suffix}"))
        known = {one.path: self._known(one.path) for one in sources}
        found = tuple(entry for entries in known.values() for entry in entries)
        todo = [one for one in sources if not known[one.path]]
        self.watch.begin(len(todo), sum(work_of(one.path, _size(one.path)) for one in todo), len(found))
        entries: list[Entry] = []
        if todo:
            # Closed in any case: no job may be left at work when the folder is let go of.
            with contextlib.closing(self._results(self._pages(todo, stems))) as results:
                for entry in results:
                    entries.append(entry)
                    self.watch.finished(entry)
            entries += self._changed_masters(entries)
        return Summary(tuple(entries), found)

    def _results(self, items: Iterator[Page | Entry]) -> Generator[Entry, None, None]:
        """What becomes of the pages, here or by the executor's workers."""
        if self.executor is not None:
            yield from self._elsewhere(self.executor, items)
            return
        # In this thread and before the first page: weights that cannot be used end the batch, not each page.
        _ = self._worker
        here: InProcess[Page | Entry, Entry] = InProcess(self._treat, self.options.jobs, self.stop)
        yield from here.map(self.work.plan, items)

    def _elsewhere(self, executor: Executor, items: Iterator[Page | Entry]) -> Generator[Entry, None, None]:
        """Pages treated by workers; what is decided without them is told in between."""
        from vasari.tasks.batch.assignment import TreatPages

        decided: deque[Entry] = deque()

        def undecided() -> Iterator[Page]:
            for item in items:
                entry = self._settle(item) if isinstance(item, Entry) else self._decided(item)
                if entry is not None:
                    decided.append(entry)
                elif not isinstance(item, Entry):
                    yield item

        assignment = TreatPages(self.work, self.place.dock(), self._limits())
        takers: InProcess[Attempt, Entry] = InProcess(self._published, self.place.takes_at_once, self.stop, prompt=True)
        with (
            contextlib.closing(executor.map(assignment, undecided())) as attempts,
            contextlib.closing(takers.map(self.work.plan, attempts)) as entries,
        ):
            for entry in entries:
                yield from _taken(decided)
                yield entry
        yield from _taken(decided)

    def _published(self, plan: Any, attempt: Attempt) -> Entry:
        """Make what a worker staged visible, by this process alone: a worker believed dead cannot do it twice."""
        page, entry = attempt.page, attempt.entry
        if attempt.staged is not None:
            try:
                entry = _done(entry, page, attempt.staged, self.place.take(attempt.staged))
            except _ENDS:
                raise
            except Exception as error:
                entry = failure_of(entry, error, debug=self.options.debug)
            with self.lock:
                self.watch.advance(page.source, page.page, 1.0, _work(page))
        return self._settle(entry)

    def _known(self, source: Path) -> list[Entry]:
        """The entries of a source all of whose pages are done and in place; else none."""
        told = self.place.ledger.entries
        first = told.get((str(source), 0))
        if first is None or first.source_stamp is None or not first.source_stamp.matches(source):
            return []
        entries = [told.get((str(source), page)) for page in range(first.pages)]
        return [one for one in entries if one] if all(one and self._in_place(one) for one in entries) else []

    def _in_place(self, entry: Entry) -> bool:
        if entry.status != DONE or not (entry.source_stamp and entry.result and entry.result_stamp):
            return False
        return entry.job == self._job(entry.source_stamp, entry.page) and self.place.holds(entry)

    def _job(self, stamp: Stamp, page: int) -> str:
        return job_key(stamp.sha256, self.work.operation, *self._digests, page)

    def _pages(self, sources: Sequence[batches.Source], stems: dict[Path, str]) -> Iterator[Page | Entry]:
        """A `Page` for each page of each source, or the entry of a failure; headers are read one ahead."""
        from vasari.foundation import image_files
        from vasari.tasks.batch.page import Page

        for source in sources:
            path, stem = source.path, stems[source.path]
            try:
                stamp = _stamp(path)
                header = image_files.inspect(path, limits=self._limits())
            except Exception as error:
                yield failure_of(Entry(FAILED, str(path), stem=stem), error, debug=self.options.debug)
                continue
            self.masters[path] = stamp
            for page in range(header.pages):
                yield Page(
                    source=path,
                    stamp=stamp,
                    page=page,
                    pages=header.pages,
                    stem=batches.page_stem(stem, page, header.pages),
                    suffix=_suffix(path, header, self.work.format),
                    job=self._job(stamp, page),
                )

    def _limits(self) -> Limits:
        from vasari.foundation.image_formats import Limits

        return Limits(max_pixels=self.options.max_megapixels * 1_000_000, trust=self.options.trust)

    @cached_property
    def _digests(self) -> tuple[str, str]:
        """Of the plan and of the models: asked for every page, found out once."""
        return digest(self.work.plan), models_digest(self.work.models)

    @cached_property
    def _worker(self) -> Worker:
        return self.work.ready({})

    def _told(self) -> tuple[Entry, ...]:
        """What the ledger tells now; a copy, as other threads go on writing."""
        with self.lock:
            return tuple(self.place.ledger.entries.values())

    def _treat(self, plan: Any, item: Page | Entry) -> Entry:
        """One page: done before, or done now, or failed; the ledger's line is written here."""
        if isinstance(item, Entry):
            return self._settle(item)
        decided = self._decided(item)
        if decided is not None:
            return decided
        began = time.monotonic()
        entry = begin_entry(item)
        try:
            entry = self._make(item, entry)
        except _ENDS:
            raise
        except Exception as error:
            entry = failure_of(entry, error, debug=self.options.debug)
        return self._settle(dataclasses.replace(entry, seconds=round(time.monotonic() - began, 3)))

    def _decided(self, item: Page) -> Entry | None:
        """What became of a page that needs no work: it was done before, or must not be written."""
        entry = begin_entry(item)
        try:
            known = self.place.ledger.entries.get((str(item.source), item.page))
            if (
                known
                and known.source_stamp
                and known.source_stamp.sha256 == item.stamp.sha256
                and self._in_place(known)
            ):
                return self._found(known)
            adopted = self._adopt(item, entry)
            if adopted is not None and adopted.job == item.job:
                return self._found(adopted)
            self._refuse_foreign(item)
        except _ENDS:
            raise
        except Exception as error:
            return self._settle(failure_of(entry, error, debug=self.options.debug))
        return None

    def _found(self, entry: Entry) -> Entry:
        """Tell that a page needs no work."""
        with self.lock:
            self.watch.found(entry)
        return entry

    def _make(self, page: Page, entry: Entry) -> Entry:
        from vasari.tasks.batch.page import stage

        of_work = _work(page)

        def advance(share: float) -> None:
            self.stop.check()
            self.place.check()
            with self.lock:
                self.watch.advance(page.source, page.page, share, of_work)

        staged = stage(page, self.work, self._worker, self.place.scratch, limits=self._limits(), advance=advance)
        self.stop.check()
        return _done(entry, page, staged, self.place.put(staged))

    def _adopt(self, page: Page, entry: Entry) -> Entry | None:
        """The entry of a result that is in place by its record but not in the ledger (killed in between)."""
        found = self.place.record_of(page.beside(batches.RECORD_ENDING))
        stamp = self.place.stamp_of(page.result) if found else None
        if found is None or found.record.result is None or stamp is None:
            return None
        known = {one.result_stamp.sha256 for one in self._told() if one.result_stamp}
        record, facts = found.record, found.record.source
        if stamp.sha256 != found.record.result.sha256 or stamp.sha256 in known or facts.path != str(page.source):
            return None
        if any(not self.place.exists(page.result.with_name(one.name)) for one in record.evidence):
            return None
        # Without the same bytes the time of change of then is unknown: 0 is no time of any file.
        then = page.stamp if facts.sha256 == page.stamp.sha256 else Stamp(facts.sha256, facts.bytes, 0)
        adopted = dataclasses.replace(entry, job=record.job, source_stamp=then)
        return self._settle(done_entry(adopted, page, record, found.sha256, stamp))

    def _refuse_foreign(self, page: Page) -> None:
        """Raise where a master or a file that Vasari did not write so stands in the result's place."""
        for name in (page.result, *(page.beside(one) for one in self.work.maps)):
            self.place.refuse_master(name)
        if self.options.overwrite or not self.place.exists(page.result):
            return
        mine = [one.result_stamp for one in self._told() if one.result == str(page.result) and one.result_stamp]
        found = self.place.record_of(page.beside(batches.RECORD_ENDING))
        if self.place.wrote(page.result, mine, found.record if found else None):
            return
        raise WriteError(
            f"{self.place.called(page.result)} stands where the result would go, and is not as Vasari wrote it.",
            remedy="move it elsewhere, or use --overwrite to replace it",
        )

    def _settle(self, entry: Entry) -> Entry:
        """Write the ledger's line; a folder where that is impossible ends the batch."""
        with self.lock:
            self.place.ledger.append(entry)
        return entry

    def _changed_masters(self, entries: Sequence[Entry]) -> list[Entry]:
        """Compare every source of this run with what it was: size, time of change, bytes."""
        changed = []
        for path, stamp in self.masters.items():
            try:
                same = Stamp.of(path) == stamp
            except OSError:
                same = False
            if not same:
                # The last word on its first page, whose other facts (the name of the result) go on holding.
                former = self.place.ledger.entries.get((str(path), 0)) or Entry(FAILED, str(path), source_stamp=stamp)
                entry = dataclasses.replace(
                    former,
                    status=FAILED,
                    time=now(),
                    error=f"{path} is not as it was when the batch began; Vasari only reads its sources.",
                    remedy="find out which other program writes there, then run the command again",
                )
                changed.append(self._settle(entry))
                self.watch.finished(entry)
        return changed


def _taken(entries: deque[Entry]) -> Iterator[Entry]:
    """The entries, until there are none."""
    while entries:
        yield entries.popleft()


def _done(entry: Entry, page: Page, staged: Staged, stamp: Stamp) -> Entry:
    """The entry of a page that was staged and now stands in its place with this stamp."""
    return done_entry(entry, page, staged.record, hashlib.sha256(staged.record.to_json()).hexdigest(), stamp)


def _suffix(path: Path, header: Header, format: str | None) -> str:
    """The source's own suffix where it fits the format that is written, else the format's first."""
    from vasari.foundation.image_formats import FORMATS

    written_as = format or FORMATS[header.format].written_as
    suffixes = FORMATS[written_as].suffixes
    return path.suffix if path.suffix.lower() in suffixes else suffixes[0]


def _work(page: Page) -> float:
    """What a page is of the work of its source."""
    return work_of(page.source, page.stamp.bytes) / page.pages


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
