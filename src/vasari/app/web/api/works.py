"""Works, facets and likeness for programs: `/api/v1/works`, in the shapes of the commands' --json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from vasari.app.web.finding import Shown, dating_of, dating_values, key_of, meant, names_of, path_for, pictures_of
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench, Visitor, Who
from vasari.archive.ingest.person import everything, say
from vasari.archive.search.facets import FACETS, facets
from vasari.archive.search.listing import Work, count_works, list_works, works_by_id
from vasari.archive.search.similar import like_work
from vasari.foundation.errors import PlanError

LARGEST_ID = (1 << 31) - 1
LONGEST_VALUE = 20_000  # characters

Id = Annotated[int, Path(ge=1, le=LARGEST_ID, description="the work's number")]
QueryText = Annotated[str, Query(max_length=20_000, description="the query language: artist='Monet' and 1885/1895")]
WordsText = Annotated[str, Query(max_length=2000, description="words that all have to be found")]
Aspect = Annotated[str, Query(description="like in what: overall, palette or texture")]


@dataclass(frozen=True)
class WorkFacts:
    """A work as lists show it; `image` is the base address of its picture in the IIIF Image API, or null.

    `name` is what to call it: its title, or what the file was called that it came as.
    """

    id: int
    key: str
    title: str
    name: str
    artist: str
    date: str
    first: int | None
    last: int | None
    medium: str
    place: str
    collection: str
    picture: str
    image: str | None
    distance: float | None = None


@dataclass(frozen=True)
class WorkPage:
    """Works of one page, how many there are in all, and the cursor of the next page, null on the last."""

    query: str
    total: int
    cursor: str | None
    works: list[WorkFacts]


@dataclass(frozen=True)
class Similar:
    """Works like one work, the nearest first; `distance` is of the feature's metric."""

    similar: str
    by: str
    works: list[WorkFacts]


@dataclass(frozen=True)
class FacetCount:
    """A value, how many works have it, and the query that finds them."""

    value: str
    works: int
    query: str


@dataclass(frozen=True)
class DateFacts:
    """How a date is read; years before Christ are negative, null is an open or unknown end."""

    text: str
    edtf: str
    kind: str
    first: int | None
    last: int | None
    approximate: bool
    uncertain: bool
    unread: str


class Said(BaseModel):
    """What a person says about a work: a value or several for each field; an empty text takes one's word back."""

    model_config = ConfigDict(extra="forbid")
    statements: dict[str, str | list[str]] = Field(min_length=1, max_length=30)


@dataclass(frozen=True)
class WorkAnswer:
    """Everything that is known of a work, as `vasari archive show --json` tells it, with its number and picture."""

    id: int
    key: str
    title: str
    artist: str
    medium: str
    place: str
    collection: str
    rights: str
    url: str
    date: dict[str, Any]
    derived: bool
    added: str
    image: str | None
    statements: list[dict[str, Any]]
    files: list[dict[str, Any]]
    features: list[dict[str, Any]]
    derivatives: list[dict[str, Any]]
    events: list[dict[str, Any]] = field(default_factory=list)


def list_all(
    request: Request,
    bench: Bench,
    visitor: Who,
    query: QueryText = "",
    text: WordsText = "",
    sort: Annotated[str, Query(description="key, title, artist, date or added")] = "key",
    limit: Annotated[int, Query(ge=1, le=1000, description="works a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=4000, description="of the page before")] = None,
) -> WorkPage:
    """The works that a query and words mean, page by page."""
    with bench.archive.reading() as connection:
        wanted = meant(query, text)
        page = list_works(connection, wanted, sort=sort, limit=limit, cursor=cursor)
        total = count_works(connection, wanted)
        shown = pictures_of(connection, [work.id for work in page.works])
        names = names_of(connection, [work for work in page.works if not work.title])
    works = [_facts(request, visitor, work, names, shown.get(work.id)) for work in page.works]
    return WorkPage(str(wanted), total, page.cursor, works)


def show(request: Request, bench: Bench, visitor: Who, id: Id) -> WorkAnswer:
    """A work with all that was said about it and by whom, files, features, derivatives, events."""
    with bench.archive.reading() as connection:
        key = key_of(connection, id)
        shown = pictures_of(connection, [id])
    found = everything(bench.archive, key)
    for rows in (found["files"], found["derivatives"]):
        for row in rows:
            row["path"] = path_for(visitor, row["path"])
    if visitor.role < Role.EDITOR:
        found["derivatives"] = [{k: v for k, v in row.items() if k != "treatment"} for row in found["derivatives"]]
        found["events"] = [row | {"object": path_for(visitor, row["object"]), "detail": {}} for row in found["events"]]
    return WorkAnswer(id=id, image=_address(request, shown.get(id)), **found)


def change(request: Request, bench: Bench, visitor: Who, id: Id, said: Said) -> WorkAnswer:
    """Keep what the visitor says about a work, in their own name; what others said stays beside it."""
    with bench.archive.reading() as connection:
        key = key_of(connection, id)
    say(bench.archive, key, words_from(said.statements), visitor.name)
    return show(request, bench, visitor, id)


def similar(
    request: Request,
    bench: Bench,
    visitor: Who,
    id: Id,
    by: Aspect = "overall",
    query: QueryText = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Similar:
    """The works most like a work."""
    with bench.archive.reading() as connection:
        key = key_of(connection, id)
        among = meant(query)
        hits = like_work(
            connection, bench.archive.folder, key, by=by, limit=limit, query=among if among.root is not None else None
        )
        works = {work.id: work for work in works_by_id(connection, [hit.work_id for hit in hits])}
        shown = pictures_of(connection, list(works))
        names = names_of(connection, [work for work in works.values() if not work.title])
    found = [
        _facts(request, visitor, works[hit.work_id], names, shown.get(hit.work_id), hit.distance)
        for hit in hits
        if hit.work_id in works
    ]
    return Similar(key, by, found)


def count(
    bench: Bench,
    query: QueryText = "",
    text: WordsText = "",
    fields: Annotated[list[str], Query(description="artist decade medium ...; all by default")] = [],  # noqa: B006
    limit: Annotated[int, Query(ge=1, le=1000, description="values of each field")] = 10,
) -> dict[str, list[FacetCount]]:
    """How many works of a query have which artist, decade, medium, style and so on."""
    with bench.archive.reading() as connection:
        found = facets(connection, bench.archive.folder, meant(query, text), fields or FACETS, limit)
    return {name: [FacetCount(**vars(one)) for one in counts] for name, counts in found.items()}


def read_date(text: Annotated[str, Query(max_length=500, description="such as c. 1890s")]) -> DateFacts:
    """How a date text is read."""
    return DateFacts(**dating_values(dating_of(text)))


def words_from(statements: dict[str, str | list[str]]) -> list[str]:
    """FIELD=VALUE texts, as `say` takes them; raises `PlanError` for values that are too long or empty lists."""
    words: list[str] = []
    for name, value in statements.items():
        values = [value] if isinstance(value, str) else value
        if any(len(one) > LONGEST_VALUE for one in values):
            raise PlanError(f"A value of {name[:40]} is too long.", remedy=f"use at most {LONGEST_VALUE} characters")
        kept = [one for one in values if one.strip()] or [""]  # an empty list takes all one's words back
        words += [f"{name}={one}" for one in kept]
    return words


def _facts(
    request: Request,
    visitor: Visitor,
    work: Work,
    names: Mapping[int, str],
    shown: Shown | None,
    distance: float | None = None,
) -> WorkFacts:
    values = work.values() | {"name": work.title or names[work.id], "picture": path_for(visitor, work.picture)}
    return WorkFacts(**values, image=_address(request, shown), distance=distance)


def _address(request: Request, shown: Shown | None) -> str | None:
    return f"{request.url.scheme}://{request.url.netloc}/iiif/image/{shown.image}" if shown else None


ROUTES = (
    Route("GET", "/api/v1/works", list_all, Role.VIEWER),
    Route("GET", "/api/v1/works/{id}", show, Role.VIEWER),
    Route("PATCH", "/api/v1/works/{id}", change, Role.EDITOR, event="work edited"),
    Route("GET", "/api/v1/works/{id}/similar", similar, Role.VIEWER),
    Route("GET", "/api/v1/facets", count, Role.VIEWER),
    Route("GET", "/api/v1/dates", read_date, Role.VIEWER),
)
