"""A labeled set varied into a folder: goes on where it was, never does a thing twice, reads its sources only.

DIR/LABEL/NAME--aug-001.jpg   the copies
DIR/manifest.csv              a row a picture: label and lineage; written when the run is through
DIR/ledger.jsonl              what was done, and what could not be, with its reason

Torch is imported only when there is something to do.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vasari.foundation import batches
from vasari.foundation.bucket_addresses import folder_only
from vasari.foundation.errors import PictureError, VasariError, WriteError
from vasari.foundation.execute import InProcess, Stop, StoppedError
from vasari.foundation.ledgers import DONE, FAILED, Entry, Ledger, Stamp, job_key, publish, sole_worker
from vasari.foundation.pace import work_of
from vasari.foundation.treatment import ModelFacts, now
from vasari.models import model_files
from vasari.tasks.augment import manifest
from vasari.tasks.augment.draws import draw
from vasari.tasks.augment.manifest import Row, parameters_text
from vasari.tasks.augment.plan import AugmentPlan
from vasari.tasks.augment.sources import Source, list_sources, places
from vasari.tasks.batch.terms import BatchOptions, Silent, Summary, Watch
from vasari.tasks.batch.work import models_digest

if TYPE_CHECKING:
    from torch import Tensor

    from vasari.tasks.augment.styles import Styles

OPERATION = "augment"
ORIGINAL = "original"


def augment_files(dataset: str | Path, options: BatchOptions, plan: AugmentPlan, watch: Watch | None = None) -> Summary:
    """Write varied copies of a labeled set, and their manifest, into `options.output`; see `docs/augment.md`.

    `dataset`: a folder with a folder a label, a table with columns `path` and `label`, a list, a .zip, or hf://.
    A picture that cannot be read is in the ledger with its reason, and the rest goes on. Raises `PlanError` (no
    such set, a folder in use), `WeightsError`, `TrainingError` (no picture), `WriteError`.
    """
    facts = {model: _facts(model) for model in plan.models}
    output = folder_only(options.output, "Copies").expanduser().resolve()
    sources = list_sources(dataset, output, Ledger(output).results())
    if not options.overwrite:
        manifest.refuse_foreign(output)
    with sole_worker(output) as folder:
        ledger = Ledger(output)  # here: another process may have written until it let go of the folder
        named = places(sources, ledger.claims(), plan)
        return _Run(plan, options, output, ledger, folder, watch or Silent(), facts, sources, named).run()


def _facts(model: str) -> ModelFacts:
    path = model_files.find(model)
    return ModelFacts(path.stem, model_files.digest(path))


@dataclass
class _Run:
    plan: AugmentPlan
    options: BatchOptions
    output: Path
    ledger: Ledger
    folder: Path  # for results in the making
    watch: Watch
    models: dict[str, ModelFacts]
    sources: Sequence[Source]
    places: dict[str, dict[int, str]]
    stop: Stop = field(default_factory=Stop)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Summary:
        """All copies of all sources; what the ledger knows as done is passed over."""
        known = {one.identity: self._known(one) for one in self.sources}
        found = tuple(entry for entries in known.values() for entry in entries)
        todo = [one for one in self.sources if not known[one.identity]]
        self.watch.begin(len(todo), sum(_work(one) for one in todo), len(found))
        entries: list[Entry] = []
        if todo:
            # In this thread and before the first picture: weights that cannot be used end the run, not each picture.
            _ = self._styles
            executor: InProcess[Source, list[Entry]] = InProcess(self._augment, self.options.jobs, self.stop)
            with contextlib.closing(executor.map(self.plan, todo)) as results:
                for made in results:
                    entries += made
                    for entry in made:
                        self.watch.finished(entry)
        manifest.write(self.output, self._rows())
        return Summary(tuple(entries), found)

    @cached_property
    def _digests(self) -> tuple[str, str]:
        return self.plan.digest, models_digest(tuple(self.models.values()))

    @cached_property
    def _styles(self) -> Styles:
        from vasari.tasks.augment.styles import Styles

        return Styles.of(self.plan)

    @cached_property
    def _masters(self) -> tuple[batches.Source, ...]:
        return tuple(batches.Source(one.path, one.relative) for one in self.sources if one.path)

    def _job(self, stamp: Stamp, number: int) -> str:
        plan, models = self._digests if number else (ORIGINAL, "")
        return job_key(stamp.sha256, OPERATION, plan, models, number)

    def _known(self, source: Source) -> list[Entry]:
        """The entries of a source all of whose copies are in place; else none."""
        entries = [self._in_place(source, number) for number in self.places[source.identity]]
        kept = [one for one in entries if one is not None]
        stamp = kept[0].source_stamp if kept else None
        if len(kept) < len(entries) or stamp is None or not source.matches(stamp):
            return []
        return kept if all(one.source_stamp and one.source_stamp.sha256 == stamp.sha256 for one in kept) else []

    def _in_place(self, source: Source, number: int) -> Entry | None:
        """The entry of a copy that stands as it was written, by this plan."""
        entry, place = self.ledger.entries.get((source.identity, number)), self.places[source.identity][number]
        if entry is None or entry.status != DONE or not (entry.source_stamp and entry.result_stamp):
            return None
        as_asked = entry.result == place and entry.job == self._job(entry.source_stamp, number)
        return entry if as_asked and entry.result_stamp.matches(self.output / place) else None

    def _augment(self, plan: AugmentPlan, source: Source) -> list[Entry]:
        """All copies of one source, or the entry of its failure; the ledger's lines are written here."""
        try:
            return list(self._copies(source))
        except (StoppedError, KeyboardInterrupt):
            raise
        except Exception as error:
            return [self._settle(self._failure(error, source))]

    def _copies(self, source: Source) -> Iterator[Entry]:
        data, stamp = _read(source)
        pixels: Tensor | None = None
        wanted = self.places[source.identity]
        for count, (number, place) in enumerate(wanted.items(), 1):
            self.stop.check()
            began = time.monotonic()
            entry = self._in_place(source, number)
            if entry is None or entry.source_stamp is None or entry.source_stamp.sha256 != stamp.sha256:
                if pixels is None:
                    pixels = _decoded(data, source, self.plan)
                entry = Entry(DONE, source.identity, number, 1, stamp, _stem(wanted), self._job(stamp, number), place)
                if not self._adopted(entry, data if number == 0 else None):
                    self._refuse_foreign(place)
                    self._write(entry, data, pixels)
                size = pixels.shape[1] * pixels.shape[2] / 1e6
                seconds = round(time.monotonic() - began, 3)
                result_stamp = Stamp.of(self.output / place)
                entry = dataclasses.replace(
                    entry, result_stamp=result_stamp, megapixels=round(size, 3), seconds=seconds, time=now()
                )
                self._settle(entry)
            with self.lock:  # in the line of the first copy, as a failure is
                self.watch.advance(Path(source.identity), 1, count / len(wanted), _work(source))
            yield entry

    def _write(self, entry: Entry, data: bytes, pixels: Tensor) -> None:
        """Make a copy in the folder for work, and move it to its place; raises `WriteError`."""
        from vasari.tasks.augment.copies import write_copy, write_original

        target = self.output / str(entry.result)
        name = hashlib.sha256(str(entry.result).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        staged = self.folder / f"{name}{target.suffix}"
        if entry.page == 0:
            write_original(staged, data)
        else:
            made = draw(self.plan, str(entry.source_stamp and entry.source_stamp.sha256), entry.page)
            write_copy(staged, self._styles.copy(pixels, made), made, entry, self.plan, self.models.get(made.name))
        publish(staged, target)

    def _adopted(self, entry: Entry, data: bytes | None) -> bool:
        """True where the result stands already, by its own word, but not in the ledger (killed in between)."""
        target, known = self.output / str(entry.result), self.ledger.entries.get((entry.source, entry.page))
        if known and known.result_stamp and (known.result, known.job) == (entry.result, entry.job):
            return known.result_stamp.matches(target)  # told before: editors keep what a file says of itself
        if not target.exists():
            return False
        if data is not None:
            return target.stat().st_size == len(data) and target.read_bytes() == data
        from vasari.tasks.augment.copies import job_of

        return job_of(target) == entry.job

    def _refuse_foreign(self, place: str) -> None:
        """Raise where a source, or a file that Vasari did not write so, stands in a result's place."""
        target = self.output / place
        if not target.exists():
            return
        batches.refuse_masters([target], self._masters)
        mine = [one.result_stamp for one in self._told() if one.result == place and one.result_stamp]
        if not self.options.overwrite and not any(one.matches(target) for one in mine):
            raise WriteError(
                f"{target} stands where the result would go, and is not as Vasari wrote it.",
                remedy="move it elsewhere, or use --overwrite to replace it",
            )

    def _told(self) -> tuple[Entry, ...]:
        """What the ledger tells now; a copy, as other threads go on writing."""
        with self.lock:
            return tuple(self.ledger.entries.values())

    def _failure(self, error: Exception, source: Source) -> Entry:
        """The entry of a failure, expected or not, in the line of the first copy; what was written stays known."""
        if self.options.debug:
            traceback.print_exception(error)
        stem, known = _stem(self.places[source.identity]), self.ledger.entries.get((source.identity, 1))
        entry = known or Entry(FAILED, source.identity, 1, 1)
        entry = dataclasses.replace(entry, status=FAILED, stem=stem, seconds=None, megapixels=None, time=now())
        if isinstance(error, VasariError):
            return dataclasses.replace(entry, error=error.message, remedy=error.remedy)
        words = f"{type(error).__name__}: {error}".strip()
        return dataclasses.replace(
            entry,
            error=f"An unexpected failure ({words}).",
            remedy="run the command again with --debug, and report what it prints",
        )

    def _settle(self, entry: Entry) -> Entry:
        """Write the ledger's line; a folder where that is impossible ends the run."""
        with self.lock:
            self.ledger.append(entry)
        return entry

    def _rows(self) -> Iterator[Row]:
        """The manifest: all that was asked for and is in place, in the order of the set."""
        for source in self.sources:
            for number, place in self.places[source.identity].items():
                entry = self._in_place(source, number)
                if entry is not None and entry.source_stamp is not None:
                    yield self._row(source, place, entry.source_stamp.sha256, number)

    def _row(self, source: Source, place: str, sha256: str, number: int) -> Row:
        base = Row(place, source.entry.label, source.entry.place, sha256, ORIGINAL)
        if number == 0:
            return base
        made = draw(self.plan, sha256, number)
        model = self.models.get(made.name)
        return dataclasses.replace(
            base,
            operation=made.operation,
            model=model.name if model else "",
            model_digest=model.digest if model else "",
            seed=str(made.seed),
            parameters=parameters_text(made.parameters),
        )


def _read(source: Source) -> tuple[bytes, Stamp]:
    try:
        return source.read()
    except (OSError, ValueError) as error:
        raise PictureError(
            f"{source.identity} cannot be read: {error}.", remedy="check the file and its permissions"
        ) from error


def _decoded(data: bytes, source: Source, plan: AugmentPlan) -> Any:
    from vasari.tasks.augment.copies import decoded

    return decoded(data, source.identity, plan.short_side_px)


def _stem(wanted: dict[int, str]) -> str:
    """The stem that the names of all copies of a source share."""
    first = wanted[1]
    return first[: first.rindex("--aug-")]


def _work(source: Source) -> float:
    """What a source is of the work; one within an archive or a list is taken for as much as any other there."""
    size = 0
    with contextlib.suppress(OSError):
        size = source.path.stat().st_size if source.path else 0
    return work_of(Path(source.identity), size)
