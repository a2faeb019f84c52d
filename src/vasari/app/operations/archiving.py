"""Operations on the archive itself: add pictures, measure them; and results put in as derivatives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vasari.app.operations.failures import told
from vasari.app.operations.operation import Errand, part_of
from vasari.archive.ingest.plan import AddPlan
from vasari.foundation.plans import option

if TYPE_CHECKING:
    from vasari.archive.ingest.adding import Summary, Watch
    from vasari.archive.store import Archive


@dataclass(frozen=True)
class IndexFields:
    """What is measured of the archive's pictures."""

    features: tuple[str, ...] = option((), "which, such as color, palette, embedding; empty: all")
    device: str = option("auto", "where networks run", choices=("auto", "cpu", "cuda", "mps"))
    again: bool = option(False, "also try what could not be measured before")


@dataclass(frozen=True)
class AddFields(AddPlan):
    """How pictures are added; what was sent in is always kept as a copy."""

    addresses: tuple[str, ...] = option((), "https addresses of pictures and IIIF manifests, which are fetched")


def add(errand: Errand) -> dict[str, Any]:
    """Put files and what is at addresses into the archive."""
    from vasari.archive.ingest.adding import add as add_files
    from vasari.archive.ingest.web import add_from_web

    fields: AddFields = errand.plan
    plan = part_of(AddPlan, fields)
    archive = errand.places.archive
    inside = [path for path in errand.inputs if path.resolve().is_relative_to(archive.folder.resolve())]
    outside = [str(path) for path in errand.inputs if path not in inside]
    done = 0.0
    total = float(len(inside) + len(outside) + len(fields.addresses))

    def watch(path: str, what: str) -> None:
        nonlocal done, total
        done += 1
        total = max(total, done)
        errand.advance(done, total, Path(path).name)

    summary = keep(archive, inside, plan, watch)
    if outside:
        summary = summary.with_all_of(add_files(archive, outside, plan, watch))
    if fields.addresses:
        summary = summary.with_all_of(add_from_web(archive, fields.addresses, plan, watch)[0])
    return {**summary.counts, "failures": [told(json.loads(entry.to_json())) for entry in summary.failed]}


def keep(archive: Archive, files: Sequence[Path], plan: AddPlan, watch: Watch = lambda path, what: None) -> Summary:
    """Put files into the archive that lie in its own folder, as copies: of results with their records, as derivatives.

    Files that are known are not put in again.
    """
    from vasari.archive.ingest.adding import Adding, Summary
    from vasari.archive.ingest.masters import MASTERS
    from vasari.archive.ingest.walk import Found
    from vasari.foundation.work_folders import work_folder

    if not files:
        return Summary()
    adding = Adding(archive, replace(plan, copy=True), watch)
    with work_folder(archive.folder / MASTERS) as work:
        facts = [(path.resolve(), path.stat()) for path in files]
        adding.take([Found(str(path), one.st_size, one.st_mtime_ns) for path, one in facts], work)
    return adding.summary


def index(errand: Errand) -> dict[str, Any]:
    """Measure what is missing of the archive's pictures."""
    from vasari.archive.indexing import index as index_archive

    fields: IndexFields = errand.plan
    found = index_archive(
        errand.places.archive,
        fields.features,
        device=fields.device,
        again=fields.again,
        watch=lambda done, total, path, error: errand.advance(done, total, Path(path).name),
    )
    failures = [{"path": path, "error": error.message, "remedy": error.remedy} for path, error in found.failures]
    return {"measured": found.measured, "failures": [told(one) for one in failures]}
