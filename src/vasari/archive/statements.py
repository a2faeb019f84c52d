"""Who said what about a work, and which of it the catalog shows.

A person's word goes before a catalog's, that before what a file carries inside, that before its name. What a model says
is kept beside them and never shown as known. Nobody's word replaces another's; one's own later word replaces one's
earlier.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from vasari.archive.dates.parse import parse_date
from vasari.archive.schema import ARTISTS, STATEMENTS, WORKS
from vasari.archive.writer import Row, Writer
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import now

#: Whose word goes first. A model's word is never shown as known.
KINDS = ("person", "catalog", "file", "name", "model")


@dataclass(frozen=True)
class Field:
    """What can be said about a work: one value or many, and the column of `works` that shows the best of them."""

    what: str
    column: str = ""
    many: bool = False


#: Everything that statements can be about.
FIELDS: dict[str, Field] = {
    "title": Field("its title", column="title"),
    "artist": Field("who made it", column="artist_id"),
    "date": Field("when it was made, in the source's own words", column="date_text"),
    "medium": Field("what it is made of", column="medium"),
    "place": Field("where it was made, or what it shows", column="place"),
    "collection": Field("who keeps it", column="collection"),
    "rights": Field("its license, or who owns the rights", column="rights"),
    "url": Field("its page", column="url"),
    "style": Field("style or movement", many=True),
    "genre": Field("portrait, landscape, still life and so on", many=True),
    "period": Field("a named period", many=True),
    "school": Field("a school or country", many=True),
    "classification": Field("the catalog's own class", many=True),
    "tag": Field("a free word", many=True),
    "note": Field("a free remark", many=True),
}
LONGEST_SPEAKER = 200  # characters of who says it, as the column has
LONGEST_NAME = 500  # characters of an artist's name; unique columns cannot hold whole pages


@dataclass(frozen=True)
class Speaker:
    """Who says it: one of `KINDS` and a name ("Tate", "me", a model with its digest)."""

    kind: str
    by: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PlanError(f"kind={self.kind!r} is no sort of speaker.", remedy=f"use one of {', '.join(KINDS)}")
        object.__setattr__(self, "by", cleaned(self.by)[:LONGEST_SPEAKER])


@dataclass(frozen=True)
class Claim:
    """A field of `FIELDS`, its value, and how sure the speaker is, 0..1."""

    field: str
    value: str
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if self.field not in FIELDS:
            raise PlanError(f"{self.field!r} is no field of a work.", remedy=f"use one of {', '.join(FIELDS)}")
        object.__setattr__(self, "value", cleaned(self.value))


def cleaned(text: str) -> str:
    """A text that every database takes: without NUL, lone surrogates as U+FFFD."""
    if text.isascii():
        return text.replace("\0", "")
    return text.replace("\0", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def works_of(writer: Writer, keys: Sequence[str], derived: bool = False) -> dict[str, int]:
    """The ids of the works of these keys; those that are missing are made, without a statement."""
    wanted = list(dict.fromkeys(keys))
    found: dict[str, int] = {}
    for begin in range(0, len(wanted), 500):
        query = select(WORKS.c.key, WORKS.c.id).where(WORKS.c.key.in_(wanted[begin : begin + 500]))
        for key, id in writer.connection.execute(query):
            found[key] = id
    missing = [key for key in wanted if key not in found]
    ids = writer.add(WORKS, ({**_empty(), "key": key, "derived": derived} for key in missing))
    return found | dict(zip(missing, ids, strict=True))


def state(writer: Writer, claims: Mapping[int, Sequence[Claim]], speaker: Speaker) -> None:
    """Keep what one speaker says about works (by id), and show the best of all that is said about them.

    A speaker's earlier word on a field that is spoken of is replaced; fields not spoken of are left alone; a claim with
    an empty value takes the speaker's word back.
    """
    state_all(writer, {speaker: claims})


def state_all(writer: Writer, words: Mapping[Speaker, Mapping[int, Sequence[Claim]]]) -> None:
    """Keep what several speakers say, as `state` does for one; a file each, for example."""
    ids = list(dict.fromkeys(id for claims in words.values() for id in claims))
    for begin in range(0, len(ids), 500):
        chunk = ids[begin : begin + 500]
        said = _said(writer, chunk)
        gone: list[Row] = []
        new: list[Row] = []
        for speaker, claims in words.items():
            taken, put = _changes({id: claims[id] for id in chunk if id in claims}, said, speaker)
            gone += taken
            new += put
        writer.cut(STATEMENTS, gone)
        writer.put(STATEMENTS, new)
        changed = {row["work_id"] for row in (*gone, *new)}
        if changed:
            show(writer, [id for id in chunk if id in changed])


def show(writer: Writer, ids: Sequence[int]) -> None:
    """Write the best of what is said about these works into their rows."""
    said = _said(writer, ids)
    rows = [dict(row) for row in writer.connection.execute(select(WORKS).where(WORKS.c.id.in_(ids))).mappings()]
    best = {row["id"]: _best(said[row["id"]]) for row in rows}
    artists = _artists(writer, [values["artist"][:LONGEST_NAME] for values in best.values() if values.get("artist")])
    writer.put(WORKS, (row | _shown(best[row["id"]], artists) for row in rows))


def digest_of(value: str) -> str:
    """The digest under which a value is kept."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _empty() -> Row:
    shown: dict[str, Any] = {field.column: "" for field in FIELDS.values() if field.column}
    return shown | {"artist_id": None, "added": now()} | _dated("")


def _said(writer: Writer, ids: Sequence[int]) -> dict[int, list[Row]]:
    query = select(STATEMENTS).where(STATEMENTS.c.work_id.in_(ids))
    said: dict[int, list[Row]] = defaultdict(list)
    for row in writer.connection.execute(query).mappings():
        said[row["work_id"]].append(dict(row))
    return said


def _changes(
    claims: Mapping[int, Sequence[Claim]], said: Mapping[int, list[Row]], speaker: Speaker
) -> tuple[list[Row], list[Row]]:
    """Rows of a speaker to take out and to put in; what is said again just as before is in neither."""
    gone: list[Row] = []
    new: list[Row] = []
    at = now()
    for id, given in claims.items():
        fields = {claim.field for claim in given}
        before = {
            (row["field"], row["digest"]): row
            for row in said.get(id, [])
            if (row["kind"], row["by"]) == (speaker.kind, speaker.by) and row["field"] in fields
        }
        wanted = {(claim.field, digest_of(claim.value)): claim for claim in given if claim.value}
        gone += [row for key, row in before.items() if key not in wanted]
        new += [
            {
                "work_id": id, "field": claim.field, "kind": speaker.kind, "by": speaker.by, "digest": key[1],
                "value": claim.value, "confidence": float(claim.confidence), "at": at,
            }
            for key, claim in wanted.items()
            if key not in before or before[key]["confidence"] != float(claim.confidence)
        ]  # fmt: skip
    return gone, new


def _best(rows: Iterable[Row]) -> dict[str, str]:
    """The value of each field that a work's row shows."""
    known = [row for row in rows if row["kind"] != "model" and FIELDS[row["field"]].column]
    # The last of equals wins: sorted from the least to the best.
    known.sort(key=lambda row: (-KINDS.index(row["kind"]), row["confidence"], row["at"], row["by"], row["digest"]))
    return {row["field"]: row["value"] for row in known}


def _artists(writer: Writer, names: Sequence[str]) -> dict[str, int]:
    wanted = list(dict.fromkeys(names))
    query = select(ARTISTS.c.name, ARTISTS.c.id).where(ARTISTS.c.name.in_(wanted))
    found: dict[str, int] = {}
    for name, id in writer.connection.execute(query):
        found[name] = id
    missing = [name for name in wanted if name not in found]
    ids = writer.add(ARTISTS, ({"name": name} for name in missing))
    return found | dict(zip(missing, ids, strict=True))


def _shown(values: Mapping[str, str], artists: Mapping[str, int]) -> Row:
    row: Row = {field.column: values.get(name, "") for name, field in FIELDS.items() if field.column}
    row["artist_id"] = artists.get(values.get("artist", "")[:LONGEST_NAME])
    return row | _dated(values.get("date", ""))


def _dated(words: str) -> Row:
    """The columns of a date; the years are astronomical, as EDTF counts: 1 BC is 0."""
    dating = parse_date(words)
    return {
        "date_text": words,
        "date_edtf": dating.edtf,
        "date_kind": dating.kind.value,
        "date_first": _astronomical(dating.earliest),
        "date_last": _astronomical(dating.latest),
    }


def _astronomical(year: int | None) -> int | None:
    return year + 1 if year is not None and year < 0 else year
