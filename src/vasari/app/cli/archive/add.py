"""`vasari archive add`: pictures and catalogs into an archive."""

from __future__ import annotations

import json as json_text
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.archive.adding_progress import adding
from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.messages import counted
from vasari.app.cli.meters import meter
from vasari.app.cli.plan_options import with_plan
from vasari.app.cli.progress import printable
from vasari.archive.ingest.plan import AddPlan
from vasari.foundation.errors import ExitCode, PlanError

if TYPE_CHECKING:
    from vasari.archive.ingest.adding import Summary
    from vasari.archive.ingest.catalogs.importing import CatalogOptions, Imported
    from vasari.archive.store import Archive


@with_plan(AddPlan)
def add(
    *paths: Annotated[str, Parameter(help="files, folders (searched through), globs, https addresses")],
    metadata: Annotated[
        list[Path], Parameter(help="a catalog: CSV, JSON, JSON lines (also .gz) or IIIF; after the pictures were added")
    ] = [],  # noqa: B006 - never changed, and what the command line shows as its default
    preset: Annotated[str, Parameter(help="how the catalog is read; default: told from its columns")] = "",
    mapping: Annotated[Path | None, Parameter(help="a TOML file of your own that says what its columns mean")] = None,
    catalog: Annotated[str, Parameter(help="what the keys of its works begin with; default: preset or file name")] = "",
    archive: ArchiveFolder = None,
    json: JSON = False,
    plan: AddPlan,
) -> int:
    """Put pictures and catalogs into an archive, with what pictures say of themselves.

    The same command again goes on where it was; over known files it does nothing. Masters are never changed. Known
    presets of catalogs are tate, moma, nga and met; generic takes columns that are called like the fields of works.
    """
    if not paths and not metadata:
        raise PlanError("Nothing to add was named.", remedy="write: vasari archive add PICTURES...")
    if not metadata and (preset or mapping or catalog):
        raise PlanError("There are options of a catalog, and no catalog.", remedy="add --metadata FILE")
    with open_archive(archive) as opened:
        from vasari.archive.ingest.catalogs.importing import CatalogOptions

        try:
            summary, imported = _add_files(opened, paths, plan)
            imported += _import(opened, metadata, CatalogOptions(preset, mapping, catalog))
        except KeyboardInterrupt:
            print("vasari: interrupted; the same command goes on where it was", file=sys.stderr)
            return ExitCode.INTERRUPTED
        values = {"archive": str(opened.folder), **_values(summary)}
        values["catalogs"] = [_catalog_values(one) for one in imported]
    if json:
        print(json_text.dumps(values, ensure_ascii=True))
    else:
        lines = ([_sentences(summary)] if paths else []) + [_catalog_sentence(one) for one in imported]
        print(printable("\n".join(lines)), file=sys.stderr)
    failed = summary.counts["failed"] + sum(one.failed for one in imported)
    return ExitCode.SOME_INPUTS_FAILED if failed else ExitCode.DONE


def _add_files(opened: Archive, paths: tuple[str, ...], plan: AddPlan) -> tuple[Summary, list[Imported]]:
    """Files first, then what is fetched; with the manifests that were read."""
    from vasari.archive.ingest.adding import Summary
    from vasari.archive.ingest.adding import add as add_files
    from vasari.archive.ingest.fetching import is_address
    from vasari.archive.ingest.web import add_from_web

    here = [path for path in paths if not is_address(path)]
    away = [path for path in paths if is_address(path)]
    summary = Summary()
    imported: list[Imported] = []
    with adding(here, opened.folder) as watch:
        if here:
            summary = add_files(opened, here, plan, watch)
        if away:
            fetched, imported = add_from_web(opened, away, plan, watch)
            summary = summary.with_all_of(fetched)
    return summary, imported


def _import(opened: Archive, catalogs: list[Path], options: CatalogOptions) -> list[Imported]:
    from vasari.archive.ingest.catalogs.importing import import_catalog

    done = []
    for path in catalogs:
        with meter(path.name, "records") as records:
            done.append(import_catalog(opened, path, options, records.show))
    return done


def _catalog_values(done: Imported) -> dict[str, Any]:
    """The outcome of a catalog as plain values."""
    return asdict(done) | {"failures": [json_text.loads(entry.to_json()) for entry in done.failures]}


def _catalog_sentence(done: Imported) -> str:
    parts = [f"{done.catalog}, read as {done.name}: {counted(done.records, 'record')} of {done.by}"]
    parts.append(f"{done.new} works are new, {done.joined} records joined pictures")
    if done.unfound:
        parts.append(f"{counted(done.unfound, 'picture')} named and not here: add it, then the catalog again")
    if done.unmapped:
        parts.append(f"columns that say nothing here: {', '.join(done.unmapped)}")
    if done.failed:
        parts.append(f"{counted(done.failed, 'row')} failed, see ledger.jsonl in the archive")
    return "; ".join(parts) + "."


def _values(summary: Summary) -> dict[str, Any]:
    """The outcome as plain values; lists hold the first thousand, the numbers all."""
    return {
        **summary.counts,
        "failures": [json_text.loads(entry.to_json()) for entry in summary.failed],
        "exact_duplicates": [{"path": path, "of": other} for path, other in summary.duplicates],
        "near_duplicates": [{"path": path, "like": other, "bits": bits} for path, other, bits in summary.near],
    }


_WORDS = {
    "added": "added",
    "changed": "changed since",
    "moved": "found at a new place",
    "touched": "known by their bytes",
    "unchanged": "known and not read",
    "derived": "of them made by Vasari",
}


def _sentences(summary: Summary) -> str:
    """The outcome in words, duplicates named one by one up to ten."""
    counts = summary.counts
    files = sum(counts[name] for name in ("added", "changed", "moved", "touched", "unchanged", "failed"))
    became = ", ".join(f"{counts[k]} {w}" for k, w in _WORDS.items() if counts[k])
    lines = [f"{counted(files, 'file')}: {became}" if became else f"{counted(files, 'picture file')} found."]
    if counts["failed"]:
        lines.append(f"{counts['failed']} failed, see ledger.jsonl in the archive.")
    if counts["duplicates"]:
        lines.append(f"{counted(counts['duplicates'], 'exact duplicate')}:")
        lines += [f"  {path} = {other}" for path, other in summary.duplicates[:10]]
    if counts["near"]:
        lines.append(f"{counted(counts['near'], 'pair')} look alike:")
        lines += [f"  {path} ~ {other} ({bits} of 64 bits differ)" for path, other, bits in summary.near[:10]]
    return "\n".join(lines)
