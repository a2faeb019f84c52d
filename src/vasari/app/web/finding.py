"""What a visitor looks for in the archive: one query out of a box, chosen facets and words; the pictures of works."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from sqlalchemy import Connection, select

from vasari.app.web.errors import not_found
from vasari.app.web.iiif.masters import identifier_of
from vasari.app.web.route import Role
from vasari.app.web.workbench import Visitor
from vasari.archive.dates.dating import Dating, Kind
from vasari.archive.dates.parse import parse_date
from vasari.archive.file_names import INGESTED, file_name
from vasari.archive.queries.nodes import Query, Words, both, every
from vasari.archive.query import parsed
from vasari.archive.schema import DERIVATIVES, EVENTS, FILES, WORKS
from vasari.archive.search.listing import Work
from vasari.archive.terms import words_of
from vasari.foundation.errors import PlanError

MOST_FILTERS = 40


@dataclass(frozen=True)
class Shown:
    """The picture that stands for a work: its identifier in the Image API, its stored width and height in pixels."""

    image: str
    width: int
    height: int


def meant(query: str, text: str = "", filters: Sequence[str] = ()) -> Query:
    """The works that a query, words and further queries mean together; raises `PlanError`."""
    if len(filters) > MOST_FILTERS:
        raise PlanError(f"{len(filters)} facets at once are too many.", remedy=f"choose at most {MOST_FILTERS}")
    found = parsed(query)
    words = text.split()
    if words:
        if not all(words_of(word) for word in words):
            raise PlanError("Here is no word to search for.", remedy="give at least one letter or digit")
        found = both(found, Query(every([Words(word) for word in words])))
    for one in filters:
        found = both(found, parsed(one))
    return found


def pictures_of(connection: Connection, ids: Sequence[int]) -> dict[int, Shown]:
    """The pictures that stand for works, by the works' ids: the first of each that Vasari did not make of another."""
    rows = connection.execute(
        select(FILES.c.work_id, FILES.c.content, FILES.c.width, FILES.c.height, WORKS.c.derived)
        .join(WORKS, WORKS.c.id == FILES.c.work_id)
        .where(FILES.c.work_id.in_(list(ids)), FILES.c.state == "present")
        .order_by(FILES.c.id)
    ).all()
    contents = [row.content for row in rows]
    made = set(connection.execute(select(DERIVATIVES.c.content).where(DERIVATIVES.c.content.in_(contents))).scalars())
    found: dict[int, Shown] = {}
    for row in rows:
        if row.work_id not in found and (row.derived or row.content not in made):
            found[row.work_id] = Shown(identifier_of(row.content), row.width, row.height)
    return found


def names_of(connection: Connection, works: Sequence[Work]) -> dict[int, str]:
    """What works without a title are called, by their ids: as the file of each was named when it came."""
    objects = defaultdict[str, list[int]](list)  # the pages of a file share it
    for one in works:
        for object in {one.key, f"file:{PurePath(one.picture).stem}"}:
            objects[object].append(one.id)
    query = select(EVENTS.c.object, EVENTS.c.detail).where(
        EVENTS.c.object.in_(list(objects)), EVENTS.c.type == INGESTED
    )
    names = {one.id: PurePath(one.picture).name or one.key for one in works}
    for object, detail in connection.execute(query.order_by(EVENTS.c.id.desc())):  # the first counts
        names |= {id: file_name(detail.get("path") or names[id]) for id in objects[object]}
    return names


def key_of(connection: Connection, id: int) -> str:
    """The key of a work; raises `Refusal` (404)."""
    key = connection.execute(select(WORKS.c.key).where(WORKS.c.id == id)).scalar()
    if key is None:
        raise not_found(f"work {id}")
    return str(key)


def path_for(visitor: Visitor, path: str) -> str:
    """A file's path as a visitor may know it: where on the server a master lies is for those who may change it."""
    return path if visitor.role >= Role.EDITOR else file_name(path)


def dating_of(text: str) -> Dating:
    """A date as a person writes it."""
    return parse_date(text.strip())


def dating_values(dating: Dating) -> dict[str, Any]:
    """A dating for JSON; years are historical: 664 BC is -664, None an open or unknown end."""
    return {
        "text": dating.verbatim,
        "edtf": dating.edtf,
        "kind": dating.kind.value,
        "first": dating.earliest,
        "last": dating.latest,
        "approximate": dating.approximate,
        "uncertain": dating.uncertain,
        "unread": dating.unread,
    }


def is_understood(dating: Dating) -> bool:
    """Whether at least one year was read."""
    return dating.kind is not Kind.UNKNOWN
