"""`vasari archive show`: everything that is known of a work, and who said it."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from vasari.app.cli.archive.opening import ArchiveFolder, open_archive
from vasari.app.cli.json_option import JSON
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode


def show(
    key: Annotated[str, Parameter(help="the work: its key, the path of its picture, or the beginning of its hash")],
    *,
    archive: ArchiveFolder = None,
    json: JSON = False,
) -> int:
    """A work with all that was said about it and by whom, its date as it was read, files, features, events."""
    with open_archive(archive) as opened:
        from vasari.archive.ingest.person import everything

        found = everything(opened, key, path=str(Path(key).absolute()))
    print(json_text.dumps(found, ensure_ascii=True) if json else printable("\n".join(_lines(found))))
    return ExitCode.DONE


def _lines(found: dict[str, Any]) -> Iterator[str]:
    date = found["date"]
    yield found["key"] + ("  (made by Vasari)" if found["derived"] else "")
    for name in ("title", "artist", "medium", "place", "collection", "rights", "url"):
        if found[name]:
            yield f"  {name}: {found[name]}"
    if date["text"]:
        yield f"  date: {date['text']}, read as {date['edtf']} ({_span(date)})"
    yield from _section("said", [_statement(row) for row in found["statements"]])
    yield from _section("files", [_file(row) for row in found["files"]])
    features = dict.fromkeys(f"{row['name']} {row['version']}" for row in found["features"])
    yield from _section("features", list(features))
    made = [f"{row['operation']}: {row['path']} from {row['source_content'][:16]}" for row in found["derivatives"]]
    yield from _section("derivatives", made)
    yield from _section("events", [_event(row) for row in found["events"]])


def _section(name: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{name}:"
        yield from (f"  {line}" for line in lines)


def _span(date: dict[str, Any]) -> str:
    if date["kind"] == "unknown":
        return "not understood, or said to be unknown"
    from vasari.archive.figures.looks import year_words

    first, last = ("…" if year is None else year_words(year) for year in (date["first"], date["last"]))
    return f"{first} to {last}"


def _statement(row: dict[str, Any]) -> str:
    sure = "" if row["confidence"] == 1 else f", confidence {row['confidence']:.2f}"
    return f"{row['field']}: {row['value']}  [{row['kind']} {row['by']}{sure}, {row['at']}]"


def _file(row: dict[str, Any]) -> str:
    page = f" page {row['page'] + 1}" if row["page"] else ""
    about = f"{row['width']}×{row['height']} {row['format']} {row['depth']} bit, {row['bytes']} bytes, {row['state']}"
    return f"{row['path']}{page}: {about}, SHA-256 {row['sha256'][:16]}…"


def _event(row: dict[str, Any]) -> str:
    return f"{row['at']} {row['type']}: {row['outcome']}, by {row['agent']}"
