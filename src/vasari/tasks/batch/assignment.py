"""Pages treated by workers elsewhere: each leaves its page at the dock of the place; who sent it makes it visible."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from vasari.foundation.errors import VasariError, WeightsError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Entry, failure_of
from vasari.tasks.batch.entries import begin_entry
from vasari.tasks.batch.page import Page, Staged, stage
from vasari.tasks.batch.places import Dock, Staging
from vasari.tasks.batch.work import Work, Worker


@dataclass(frozen=True)
class Attempt:
    """What a worker made of a page: staged and still unseen, or the entry of a failure."""

    page: Page
    entry: Entry
    staged: Staged | None = None


@dataclass(frozen=True)
class TreatPages:
    """The `foundation.execute.Assignment` of a batch: `dock` is where workers leave their pages, reached by all."""

    work: Work
    dock: Dock
    limits: Limits

    def ready(self) -> Callable[[Page], Attempt]:
        """Load the weights; raises `PlanError` where the dock is not reached, `WeightsError` for other models."""
        leave = self.dock.reached()
        here = type(self.work).of(self.work.plan).models
        if here != self.work.models:
            wanted, found = (", ".join(f"{one.name} {one.digest[:12]}" for one in x) for x in (self.work.models, here))
            raise WeightsError(
                f"A worker has other models ({found}) than this machine ({wanted}).",
                remedy="install the same Vasari and the same models on every machine",
            )
        return partial(self._attempt, leave, self.work.ready({}))

    def lost(self, item: Page, error: VasariError) -> Attempt:
        """The failure of a page that took its worker down."""
        return Attempt(item, failure_of(begin_entry(item), error))

    def _attempt(self, leave: Callable[[Staging], Staged], worker: Worker, page: Page) -> Attempt:
        """Treat a page into a spot of this attempt's own: another of the same page cannot touch it."""
        began = time.monotonic()
        entry, staged = begin_entry(page), None
        try:
            staged = leave(lambda folder: stage(page, self.work, worker, folder, limits=self.limits))
        except Exception as error:
            entry = failure_of(entry, error)
        return Attempt(page, dataclasses.replace(entry, seconds=round(time.monotonic() - began, 3)), staged)
