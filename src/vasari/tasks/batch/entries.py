"""The ledger's entry of a page: begun before the work, and done once its result is in place."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.ledgers import DONE, FAILED, Entry, Stamp
from vasari.foundation.treatment import Treatment, now

if TYPE_CHECKING:
    from vasari.tasks.batch.page import Page


def begin_entry(page: Page) -> Entry:
    """The entry of a page of which nothing is done yet: failed, until the work says otherwise."""
    return Entry(FAILED, str(page.source), page.page, page.pages, page.stamp, _base_stem(page), page.job, time=now())


def done_entry(entry: Entry, page: Page, record: Treatment, stamp: Stamp) -> Entry:
    """The entry of a page whose result is in place."""
    beside = {below(page.result.with_name(one.name), page.folder): one.sha256 for one in record.evidence}
    path = page.beside(batches.RECORD_ENDING)
    beside[below(path, page.folder)] = Stamp.of(path).sha256
    megapixels = next((one.numbers["megapixels"] for one in record.stages if "megapixels" in one.numbers), None)
    # The moved file has kept its time of change; what is asked here is the file in its place.
    found = page.result.stat()
    stamp = Stamp(stamp.sha256, found.st_size, found.st_mtime_ns)
    return dataclasses.replace(
        entry,
        status=DONE,
        result=below(page.result, page.folder),
        result_stamp=stamp,
        beside=beside,
        megapixels=megapixels,
    )


def _base_stem(page: Page) -> str:
    """The stem of the source, which `name_results` gave, from that of one of its pages."""
    return page.stem if page.pages == 1 else page.stem.rsplit(".page-", 1)[0]


def below(path: Path, folder: Path) -> str:
    """`path` as the ledger names it: relative to the output folder."""
    return path.relative_to(folder).as_posix()
