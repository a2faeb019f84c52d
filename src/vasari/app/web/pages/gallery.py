"""The gallery: facets, a box for words and queries, pictures like a picture, and works without end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from sqlalchemy import Connection

from vasari.app.web.api.uploads import uploads_of
from vasari.app.web.finding import Shown, key_of, meant, names_of, pictures_of
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.turnstile import Turnstile
from vasari.app.web.workbench import Bench, Workbench
from vasari.archive.queries.nodes import Query as ArchiveQuery
from vasari.archive.search.facets import FACETS, facets
from vasari.archive.search.listing import SORTS, Work, count_works, list_works, works_by_id
from vasari.archive.search.similar import Hit, like_picture, like_work
from vasari.archive.search.vectors import ASPECTS
from vasari.foundation.errors import PlanError, VasariError

AT_ONCE = 60
ALIKE = 120
#: Values of a facet that are shown at once, and behind "more".
FEW, MANY = 6, 40
_TURNSTILE = Turnstile()
_FILTER = re.compile(r"(?P<field>\w+) ={1,2} '(?P<value>.*)'", re.DOTALL)
_DECADE = re.compile(r"(?P<begin>\d+0)/(?P<end>\d+9)")


@dataclass(frozen=True)
class Asked:
    """What a visitor asks the gallery for; `like` is a work's number, `picture` the hash of a file that was sent."""

    q: str = ""
    f: tuple[str, ...] = ()
    sort: str = "key"
    like: int | None = None
    picture: str = ""
    by: str = "overall"

    @property
    def is_alike(self) -> bool:
        """Whether pictures are asked for by their likeness."""
        return self.like is not None or bool(self.picture)

    def address(self, path: str = "/", **changes: Any) -> str:
        """The address that asks for this, with some of it changed; `cursor` can be added."""
        cursor = changes.pop("cursor", None)
        asked = replace(self, **changes)
        values: list[tuple[str, Any]] = [("q", asked.q), *(("f", one) for one in asked.f)]
        if asked.is_alike:
            values += [("like", asked.like or ""), ("picture", asked.picture), ("by", asked.by)]
        elif asked.sort != "key":
            values.append(("sort", asked.sort))
        values.append(("cursor", cursor or ""))
        told = urlencode([pair for pair in values if pair[1] not in ("", None)])
        return f"{path}?{told}" if told else path

    def added(self, filter: str, path: str = "/") -> str:
        """The address with one more facet, or without it where it is chosen."""
        rest = tuple(one for one in self.f if one != filter)
        return self.address(path, f=rest if filter in self.f else (*rest, filter))


@dataclass(frozen=True)
class Found:
    """Works to show: their pictures, names of those without a title, the next page's cursor, how many there are."""

    works: tuple[Work, ...] = ()
    pictures: dict[int, Shown] | None = None
    names: dict[int, str] | None = None
    cursor: str | None = None
    total: int = 0


Text = Annotated[str, Query(max_length=20_000)]
Filters = Annotated[list[str], Query(max_length=100)]
Number = Annotated[int | None, Query(ge=1, le=(1 << 31) - 1)]
Hash = Annotated[str, Query(pattern="^([0-9a-f]{64})?$")]
Cursor = Annotated[str | None, Query(max_length=4000)]


def gallery(
    request: Request,
    bench: Bench,
    q: Text = "",
    f: Filters = [],  # noqa: B006
    sort: str = "key",
    like: Number = None,
    picture: Hash = "",
    by: str = "overall",
    cursor: Cursor = None,
) -> Response:
    """The page, with the first works of what is asked for."""
    asked = _asked(q, f, sort, like, picture, by)
    found, wrong, liked = Found(), None, None
    try:
        with bench.archive.reading() as connection:
            liked = next(iter(works_by_id(connection, [asked.like] if asked.like else [])), None)
            found = _found(bench, connection, asked, cursor)
    except VasariError as error:
        wrong = error
    values: dict[str, Any] = {"asked": asked, "found": found, "wrong": wrong, "liked": liked, "chips": _chips(asked)}
    values |= {"sorts": tuple(SORTS), "aspects": tuple(ASPECTS), "begun": cursor is not None}
    return render(request, "gallery/gallery.html", status=400 if isinstance(wrong, PlanError) else 200, **values)


def more(
    request: Request,
    bench: Bench,
    q: Text = "",
    f: Filters = [],  # noqa: B006
    sort: str = "key",
    cursor: Cursor = None,
) -> Response:
    """The next works of a list, for its end to be replaced by."""
    asked = _asked(q, f, sort, None, "", "overall")
    with bench.archive.reading() as connection:
        found = _found(bench, connection, asked, cursor, count=False)
    return render(request, "gallery/cards.html", asked=asked, found=found)


def counts(
    request: Request,
    bench: Bench,
    q: Text = "",
    f: Filters = [],  # noqa: B006
    sort: str = "key",
    like: Number = None,
    picture: Hash = "",
    by: str = "overall",
) -> Response:
    """How many of the works that are asked for have which artist, decade, medium and so on."""
    asked = _asked(q, f, sort, like, picture, by)
    with bench.archive.reading() as connection:
        found = facets(connection, bench.archive.folder, meant(asked.q, filters=asked.f), FACETS, MANY)
    return render(request, "gallery/facets.html", asked=asked, facets=found, few=FEW)


def _asked(q: str, f: list[str], sort: str, like: int | None, picture: str, by: str) -> Asked:
    return Asked(q.strip(), tuple(dict.fromkeys(one for one in f if one.strip())), sort, like, picture, by)


def _found(
    bench: Workbench, connection: Connection, asked: Asked, cursor: str | None, *, count: bool = True
) -> Found:  # fmt: skip
    query = meant(asked.q, filters=asked.f)
    if asked.is_alike:
        hits = _alike(bench, connection, asked, query)
        works = tuple(works_by_id(connection, [hit.work_id for hit in hits]))
        return _shown(connection, works, None, len(works))
    page = list_works(connection, query, sort=asked.sort, limit=AT_ONCE, cursor=cursor)
    total = count_works(connection, query) if count else 0
    return _shown(connection, page.works, page.cursor, total)


def _shown(connection: Connection, works: Sequence[Work], cursor: str | None, total: int) -> Found:
    pictures = pictures_of(connection, [work.id for work in works])
    names = names_of(connection, [work for work in works if not work.title])
    return Found(tuple(works), pictures, names, cursor, total)


def _alike(bench: Workbench, connection: Connection, asked: Asked, query: ArchiveQuery) -> list[Hit]:
    among = query if query.root is not None else None
    folder = bench.archive.folder
    if asked.like is not None:
        key = key_of(connection, asked.like)
        return like_work(connection, folder, key, by=asked.by, limit=ALIKE, query=among)
    sent = uploads_of(bench).path(asked.picture)
    with _TURNSTILE.passed():  # a network looks at the picture
        return like_picture(connection, folder, sent, by=asked.by, limit=ALIKE, query=among)


def _chips(asked: Asked) -> list[tuple[str, str, str]]:
    """The chosen facets: field ("" for a query), value, and the address without it."""
    chips = []
    for one in asked.f:
        field, decade = _FILTER.fullmatch(one), _DECADE.fullmatch(one)
        if field:
            chips.append((field["field"], field["value"].replace("''", "'"), asked.added(one)))
        elif decade and int(decade["end"]) - int(decade["begin"]) == 9:
            chips.append(("decade", f"{decade['begin']}s", asked.added(one)))
        else:
            chips.append(("", one, asked.added(one)))
    return chips


ROUTES = (
    Route("GET", "/", gallery, Role.VIEWER),
    Route("GET", "/gallery/works", more, Role.VIEWER),
    Route("GET", "/gallery/facets", counts, Role.VIEWER),
)
