"""The ledger's entry of a page: begun before the work, and done once its result is in place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.ledgers import DONE, FAILED, Entry, Stamp
from vasari.foundation.treatment import Treatment, now

if TYPE_CHECKING:
    from vasari.tasks.batch.page import Page


def begin_entry(page: Page) -> Entry:
    """The entry of a page of which nothing is done yet: failed, until the work says otherwise."""
    return Entry(FAILED, str(page.source), page.page, page.pages, page.stamp, _base_stem(page), page.job, time=now())


def done_entry(entry: Entry, page: Page, record: Treatment, record_sha256: str, stamp: Stamp) -> Entry:
    """The entry of a page whose result is in place: `record_sha256` of its record's bytes, `stamp` of its own."""
    beside = {str(page.result.with_name(one.name)): one.sha256 for one in record.evidence}
    beside[str(page.beside(batches.RECORD_ENDING))] = record_sha256
    megapixels = next((one.numbers["megapixels"] for one in record.stages if "megapixels" in one.numbers), None)
    return dataclasses.replace(
        entry,
        status=DONE,
        result=str(page.result),
        result_stamp=stamp,
        beside=beside,
        megapixels=megapixels,
        warnings=tuple(one.warning for one in record.stages if one.warning) or None,
    )


def _base_stem(page: Page) -> str:
    """The stem of the source, which `name_results` gave, from that of one of its pages."""
    return page.stem if page.pages == 1 else page.stem.rsplit(".page-", 1)[0]
