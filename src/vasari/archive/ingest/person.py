"""What a person says about a work, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from vasari.archive.events import note
from vasari.archive.schema import ARTISTS, DERIVATIVES, EVENTS, FEATURES, FILES, ORIGINS, STATEMENTS, WORKS
from vasari.archive.statements import FIELDS, KINDS, Claim, Speaker, cleaned, state
from vasari.archive.store import Archive
from vasari.archive.writer import Row
from vasari.foundation.errors import ArchiveError, PlanError

MOST_EVENTS = 200


def find_work(connection: Connection, key: str, path: str = "") -> Row:
    """The work of a key, a picture's path, or a content hash (eight digits of it do); raises `ArchiveError`."""
    key, path = cleaned(key), cleaned(path)
    row = connection.execute(select(WORKS).where(WORKS.c.key == key)).mappings().first()
    if row is not None:
        return dict(row)
    content = key.removeprefix("file:")
    hashed = FILES.c.content == content
    if len(content) >= 8 and set(content) <= set("0123456789abcdef"):
        hashed = FILES.c.content.startswith(content)
    query = select(WORKS).distinct().join(FILES, FILES.c.work_id == WORKS.c.id).limit(2)
    copied = select(ORIGINS.c.sha256).where(ORIGINS.c.path.in_((key, path)))  # the master was read there
    for condition in (FILES.c.path.in_((key, path)), FILES.c.sha256.in_(copied), hashed):
        rows = connection.execute(query.where(condition)).mappings().all()
        if len(rows) == 1:
            return dict(rows[0])
    raise ArchiveError(
        f"There is no one work {key!r} in the archive.",
        remedy="give its key, the path of its picture, or the beginning of its hash; vasari archive list shows keys",
    )


def claims_from(words: Sequence[str]) -> list[Claim]:
    """Claims out of FIELD=VALUE texts; an empty value takes a word back; raises `PlanError`."""
    claims: list[Claim] = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or name.strip() not in FIELDS:
            raise PlanError(
                f"{word!r} is no FIELD=VALUE of a work.", remedy=f"fields are {', '.join(FIELDS)}; quote the value"
            )
        claims.append(Claim(name.strip(), value.strip()))
    for name in {claim.field for claim in claims if not FIELDS[claim.field].many}:
        if sum(claim.field == name for claim in claims) > 1:
            raise PlanError(f"{name} was given twice.", remedy="give it once; it has one value")
    return claims


def say(archive: Archive, key: str, words: Sequence[str], by: str, path: str = "") -> str:
    """Keep a person's word about a work, and the event; returns the work's key. Raises as the functions above do."""
    claims = claims_from(words)
    if not claims:
        raise PlanError("Nothing was said.", remedy='write for example: vasari archive state KEY date="c. 1890"')
    speaker = Speaker("person", by)
    with archive.writing() as writer:
        work = find_work(writer.connection, key, path)
        state(writer, {work["id"]: claims}, speaker)
        detail = {claim.field: claim.value for claim in claims}
        note(writer, "metadata modification", work["key"], detail=detail, agent=speaker.by)
    return str(work["key"])


def everything(archive: Archive, key: str, path: str = "") -> dict[str, Any]:
    """All that the archive holds of a work: what it shows, who said what, files, features, derivatives, events."""
    with archive.reading() as connection:
        work = find_work(connection, key, path)
        artist = connection.execute(select(ARTISTS.c.name).where(ARTISTS.c.id == work["artist_id"])).scalar()
        said = _rows(connection, select(STATEMENTS).where(STATEMENTS.c.work_id == work["id"]))
        said.sort(key=lambda row: (list(FIELDS).index(row["field"]), KINDS.index(row["kind"]), row["by"], row["value"]))
        files = _rows(connection, select(FILES).where(FILES.c.work_id == work["id"]).order_by(FILES.c.id))
        contents = [row["content"] for row in files]
        features = _rows(
            connection,
            select(FEATURES.c.content, FEATURES.c.name, FEATURES.c.version)
            .where(FEATURES.c.content.in_(contents))
            .order_by(FEATURES.c.name, FEATURES.c.version, FEATURES.c.content),
        )
        related = or_(DERIVATIVES.c.source_content.in_(contents), DERIVATIVES.c.content.in_(contents))
        made = _rows(connection, select(DERIVATIVES).where(related).order_by(DERIVATIVES.c.id))
        named = [f"file:{content}" for content in contents]  # the key that it had before a catalog spoke of it
        objects = [work["key"], *named, *contents, *(row["path"] for row in files)]
        query = select(EVENTS).where(EVENTS.c.object.in_(objects)).order_by(EVENTS.c.id.desc()).limit(MOST_EVENTS)
        events = _rows(connection, query)[::-1]
    shown = {name: work[item.column] for name, item in FIELDS.items() if item.column and name != "artist"}
    date = {name: work[f"date_{name}"] for name in ("text", "edtf", "kind", "first", "last")}
    return {
        "key": work["key"],
        **shown,
        "artist": artist or "",
        "date": date,
        "derived": work["derived"],
        "added": work["added"],
        "statements": [{k: row[k] for k in ("field", "value", "kind", "by", "confidence", "at")} for row in said],
        "files": [{k: v for k, v in row.items() if k not in ("id", "work_id")} for row in files],
        "features": features,
        "derivatives": [{k: v for k, v in row.items() if k != "id"} for row in made],
        "events": [{k: v for k, v in row.items() if k != "id"} for row in events],
    }


def _rows(connection: Connection, query: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
