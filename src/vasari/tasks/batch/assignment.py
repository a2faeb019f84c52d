"""Pages treated by workers elsewhere: each stages its page below the output folder; who sent it makes it visible."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vasari.foundation.errors import PlanError, VasariError, WeightsError, WriteError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Entry, failure_of
from vasari.tasks.batch.entries import begin_entry
from vasari.tasks.batch.page import Page, Staged, stage
from vasari.tasks.batch.work import Work, Worker


@dataclass(frozen=True)
class Attempt:
    """What a worker made of a page: staged and still unseen, or the entry of a failure."""

    page: Page
    entry: Entry
    staged: Staged | None = None


@dataclass(frozen=True)
class TreatPages:
    """The `foundation.execute.Assignment` of a batch: `staging` is the folder for work in the making, seen by all."""

    work: Work
    staging: Path
    limits: Limits

    def ready(self) -> Callable[[Page], Attempt]:
        """Load the weights; raises `PlanError` where the folder is not seen, `WeightsError` for other models."""
        if not self.staging.is_dir():
            raise PlanError(
                f"A worker does not see the folder {self.staging.parent.parent}.",
                remedy="put sources and results on a file system that every machine has under the same path",
            )
        here = type(self.work).of(self.work.plan).models
        if here != self.work.models:
            wanted, found = (", ".join(f"{one.name} {one.digest[:12]}" for one in x) for x in (self.work.models, here))
            raise WeightsError(
                f"A worker has other models ({found}) than this machine ({wanted}).",
                remedy="install the same Vasari and the same models on every machine",
            )
        return partial(self._attempt, self.work.ready({}))

    def lost(self, item: Page, error: VasariError) -> Attempt:
        """The failure of a page that took its worker down."""
        return Attempt(item, failure_of(begin_entry(item), error))

    def _attempt(self, worker: Worker, page: Page) -> Attempt:
        """Treat a page into a folder of this attempt's own: another of the same page cannot touch it."""
        began = time.monotonic()
        entry, staged = begin_entry(page), None
        try:
            staged = stage(page, self.work, worker, self._own_folder(), limits=self.limits)
        except Exception as error:
            entry = failure_of(entry, error)
        return Attempt(page, dataclasses.replace(entry, seconds=round(time.monotonic() - began, 3)), staged)

    def _own_folder(self) -> Path:
        folder = self.staging / secrets.token_hex(8)
        try:
            folder.mkdir()
        except OSError as error:
            raise WriteError(
                f"{folder} cannot be made: {error.strerror or error}.",
                remedy="see that every machine may write to the output folder",
            ) from error
        return folder
