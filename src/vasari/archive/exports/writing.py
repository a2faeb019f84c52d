"""Exports by the names of their formats: one literal table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from vasari.archive.events import note
from vasari.archive.exports import bag, iiif
from vasari.archive.exports.linked import write_json_ld
from vasari.archive.exports.premis import write_events
from vasari.archive.exports.records import records
from vasari.archive.exports.table import write_csv
from vasari.archive.exports.targets import check_target
from vasari.archive.store import Archive, read_settings
from vasari.foundation.errors import PlanError


@dataclass(frozen=True)
class ExportPlan:
    """Which works ("" for all), the web address for IIIF, a name for the collection, and whether to write over."""

    query: str = ""
    base: str = "https://example.org/archive"
    label: str = ""
    overwrite: bool = False


@dataclass
class Exported:
    """How many were written and of what, how many works were left out, which pictures were missing or changed."""

    count: int
    what: str = "work"
    left_out: int = 0
    wrong: list[str] = field(default_factory=list)


Export = Callable[[Connection, Archive, Path, ExportPlan], Exported]


def _csv(connection: Connection, archive: Archive, target: Path, plan: ExportPlan) -> Exported:
    return Exported(write_csv(records(connection, plan.query), target, overwrite=plan.overwrite))


def _json_ld(connection: Connection, archive: Archive, target: Path, plan: ExportPlan) -> Exported:
    found = records(connection, plan.query)
    return Exported(write_json_ld(found, target, _id(archive), overwrite=plan.overwrite))


def _iiif(connection: Connection, archive: Archive, target: Path, plan: ExportPlan) -> Exported:
    label = plan.label or archive.folder.resolve().name
    found = records(connection, plan.query)
    written, left_out = iiif.write_iiif(found, target, plan.base, label, overwrite=plan.overwrite)
    return Exported(written, left_out=left_out)


def _bagit(connection: Connection, archive: Archive, target: Path, plan: ExportPlan) -> Exported:
    done = bag.write_bag(connection, archive.folder, target, _id(archive), plan.query, overwrite=plan.overwrite)
    return Exported(done.works, wrong=done.wrong)


def _premis(connection: Connection, archive: Archive, target: Path, plan: ExportPlan) -> Exported:
    if plan.query:
        raise PlanError("Events cannot be chosen by a query.", remedy="leave --query out")
    return Exported(write_events(connection, target, overwrite=plan.overwrite), what="event")


#: Format -> how it is written, and where it is a folder, the file in it by which it is known.
FORMATS: dict[str, tuple[Export, str]] = {
    "csv": (_csv, ""),
    "jsonld": (_json_ld, ""),
    "iiif": (_iiif, iiif.SIGN),
    "bagit": (_bagit, bag.SIGN),
    "premis": (_premis, ""),
}


def export(archive: Archive, target: str | Path, format: str, plan: ExportPlan) -> Exported:
    """Write works to `target`, a new file or folder that is visible only when whole; all of one state of the archive.

    Raises `PlanError` for an unknown format, a query that is not understood and a target that exists, `WriteError`.
    """
    if format not in FORMATS:
        raise PlanError(f"format={format!r} is no export.", remedy=f"use one of {', '.join(FORMATS)}")
    write, sign = FORMATS[format]
    target = Path(target).expanduser()
    if sign and archive.folder.resolve().is_relative_to(target.resolve()):
        raise PlanError(f"{target} holds the archive itself.", remedy="choose another folder")
    check_target(target, overwrite=plan.overwrite, sign=sign)
    with archive.reading() as connection:
        done = write(connection, archive, target, plan)
    with archive.writing() as writer:
        detail = {"format": format, "to": str(target), "count": done.count, "query": plan.query}
        note(writer, "dissemination", "archive", "warning" if done.wrong else "success", detail)
    return done


def _id(archive: Archive) -> str:
    return str(read_settings(archive.folder).get("id", "unknown"))
