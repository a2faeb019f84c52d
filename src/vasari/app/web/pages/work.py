"""The page of a work: the picture to look into, who said what, its lineage, what happened, and works like it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Form, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from sqlalchemy import Connection, select

from vasari.app.web.errors import Refusal
from vasari.app.web.finding import dating_of, is_understood, key_of, names_of, path_for, pictures_of
from vasari.app.web.iiif.masters import file_of, identifier_of, master_of
from vasari.app.web.rendering import render, say
from vasari.app.web.route import Role, Route
from vasari.app.web.workbench import Bench, Visitor, Who, Workbench
from vasari.archive.dates.dating import Dating
from vasari.archive.figures.looks import year_words
from vasari.archive.ingest import person
from vasari.archive.schema import FILES
from vasari.archive.search.listing import works_by_id
from vasari.archive.search.similar import like_work
from vasari.archive.search.vectors import ASPECTS
from vasari.archive.statements import FIELDS
from vasari.foundation.errors import VasariError

LARGEST_ID = (1 << 31) - 1
LONGEST_VALUE = 20_000
ALIKE = 12

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@dataclass(frozen=True)
class Line:
    """A field of a work: what the catalog shows, who said so, every word on it, and the visitor's own."""

    name: str
    what: str
    many: bool
    shown: tuple[str, ...]
    by: tuple[str, str] | None
    statements: tuple[dict[str, Any], ...]
    own: str

    @property
    def label(self) -> str:
        """Its name on the page."""
        return label_of(self.name)


@dataclass(frozen=True)
class Relative:
    """A picture that was made of the work's, or of which it was made; `work` None where it is in no work."""

    operation: str
    name: str
    work: int | None
    image: str
    added: str


@dataclass
class About:
    """All that the page shows of a work."""

    id: int
    known: dict[str, Any]
    lines: list[Line]
    name: str = ""
    pictures: list[dict[str, Any]] = field(default_factory=list)
    made: list[Relative] = field(default_factory=list)
    sources: list[Relative] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What it is called: its title, the name under which its first file came, or its key."""
        return self.known["title"] or self.name or self.known["key"]


def work(request: Request, bench: Bench, visitor: Who, id: Id) -> Response:
    """The page of a work."""
    about = _about(bench, visitor, id)
    return render(
        request, "work/work.html", about=about, aspects=tuple(ASPECTS), reading=_reading(request, about),
        years=_years, may=visitor.role >= Role.EDITOR,
    )  # fmt: skip


def state(
    request: Request,
    bench: Bench,
    visitor: Who,
    id: Id,
    field: Annotated[str, Form(max_length=40)],
    value: Annotated[str, Form(max_length=LONGEST_VALUE)] = "",
) -> Response:
    """Keep what the visitor says of one field, in their own name; a field of many values takes one a line."""
    with bench.archive.reading() as connection:
        key = key_of(connection, id)
    many = field in FIELDS and FIELDS[field].many
    values = [one for one in value.splitlines() if one.strip()] if many else [value]
    person.say(bench.archive, key, [f"{field}={one}" for one in values or [""]], visitor.name)
    if request.headers.get("hx-request") != "true":
        return RedirectResponse(f"/works/{id}", status_code=303)
    about = _about(bench, visitor, id)
    return render(
        request, "work/changed.html", about=about, reading=_reading(request, about), years=_years, may=True,
        changed=field, label=label_of(field),
    )  # fmt: skip


def read_date(request: Request, value: Annotated[str, Query(max_length=500)] = "") -> Response:
    """How a date is understood while it is written: a piece of the page."""
    dating = dating_of(value)
    return render(request, "work/date.html", words=_words(request, dating), ok=is_understood(dating), empty=not value)


def alike(request: Request, bench: Bench, id: Id, by: str = "overall") -> Response:
    """Works like this one: a piece of the page."""
    wrong, found, pictures, names = None, [], {}, {}
    try:
        with bench.archive.reading() as connection:
            hits = like_work(connection, bench.archive.folder, key_of(connection, id), by=by, limit=ALIKE)
            found = works_by_id(connection, [hit.work_id for hit in hits])
            pictures, names = pictures_of(connection, [one.id for one in found]), names_of(connection, found)
    except Refusal:
        raise
    except VasariError as error:
        wrong = error
    return render(
        request, "work/alike.html", id=id, by=by, works=found, pictures=pictures, names=names, wrong=wrong
    )  # fmt: skip


def master(bench: Bench, content: Annotated[str, Path(max_length=90)]) -> Response:
    """The file of a picture, as it was added."""
    with bench.archive.reading() as connection:
        row = file_of(connection, content)
    found = master_of(row, bench.archive.folder)
    name = found.path.name if not row["copied"] else f"{row['sha256'][:16]}{found.path.suffix}"
    return FileResponse(found.path, media_type="application/octet-stream", filename=name)


def _about(bench: Workbench, visitor: Visitor, id: int) -> About:
    with bench.archive.reading() as connection:
        key = key_of(connection, id)
    known = person.everything(bench.archive, key)
    with bench.archive.reading() as connection:
        made, sources = _lineage(connection, known)
        (name,) = names_of(connection, works_by_id(connection, [id])).values()
    about = About(id, known, _lines(known, visitor), name, _pictures(bench, known), made, sources)
    for row in (*known["files"], *known["derivatives"]):
        row["path"] = path_for(visitor, row["path"])
    for row in known["events"]:
        row["object"] = path_for(visitor, row["object"])
    known["events"].reverse()
    return about


def _lines(known: dict[str, Any], visitor: Visitor) -> list[Line]:
    lines = []
    for name, one in FIELDS.items():
        said = tuple(row for row in known["statements"] if row["field"] == name)
        if one.many:
            shown = tuple(dict.fromkeys(row["value"] for row in said if row["kind"] != "model"))
            by = None
        else:
            text = known["date"]["text"] if name == "date" else known[name]
            shown = (text,) if text else ()
            by = next(((row["kind"], row["by"]) for row in said if row["value"] == text), None)
        own = [row["value"] for row in said if (row["kind"], row["by"]) == ("person", visitor.name)]
        lines.append(Line(name, one.what, one.many, shown, by, said, "\n".join(own)))
    return lines


def _pictures(bench: Workbench, known: dict[str, Any]) -> list[dict[str, Any]]:
    """The files that can be looked into, with the identifier of their picture and its upright size."""
    found = []
    for row in known["files"]:
        with contextlib.suppress(Refusal):
            master = master_of(row, bench.archive.folder) if row["state"] == "present" else None
            if master is not None:
                found.append({**row, "image": identifier_of(row["content"]), "size": master.size})
    return found


def _lineage(connection: Connection, known: dict[str, Any]) -> tuple[list[Relative], list[Relative]]:
    """What was made of the work's pictures, and what they were made of."""
    own = {row["content"] for row in known["files"]}
    made = [row for row in known["derivatives"] if row["source_content"] in own]
    sources = [row for row in known["derivatives"] if row["content"] in own and row["source_content"] not in own]
    wanted = [row["content"] for row in made] + [row["source_content"] for row in sources]
    query = select(FILES.c.content, FILES.c.work_id, FILES.c.path).where(
        FILES.c.content.in_(wanted), FILES.c.state == "present"
    )
    files = {content: (work_id, path) for content, work_id, path in connection.execute(query)}

    def relative(row: dict[str, Any], content: str) -> Relative:
        work_id, path = files.get(content, (None, row["path"] if content == row["content"] else ""))
        image = identifier_of(content) if work_id is not None else ""
        return Relative(row["operation"], path.rsplit("/", 1)[-1], work_id, image, row["added"])

    return [relative(row, row["content"]) for row in made], [relative(row, row["source_content"]) for row in sources]


def _reading(request: Request, about: About) -> str:
    return _words(request, dating_of(about.known["date"]["text"])) if about.known["date"]["text"] else ""


def _words(request: Request, dating: Dating) -> str:
    """How a date was understood, in words of the visitor's language."""
    if not is_understood(dating):
        return say(request, "not understood, or said to be unknown")
    first, last = (
        None if year is None else _years(year + 1 if year < 0 else year) for year in (dating.earliest, dating.latest)
    )
    if first is None:
        words = say(request, "until {last}", last=last)
    elif last is None:
        words = say(request, "from {first} on", first=first)
    elif first == last:
        words = first
    else:
        words = say(request, "{first} to {last}", first=first, last=last)
    if dating.approximate:
        words += say(request, ", approximately")
    if dating.uncertain:
        words += say(request, ", uncertain")
    if dating.unread:
        words += say(request, "; passed over: {words}", words=dating.unread)
    return words


def _years(year: int) -> str:
    return year_words(year)


def label_of(field: str) -> str:
    """The name of a field of a work on pages, in English."""
    return {"url": "Web page"}.get(field, field.capitalize())


ROUTES = (
    Route("GET", "/works/dates", read_date, Role.VIEWER),
    Route("GET", "/works/files/{content}", master, Role.VIEWER),
    Route("GET", "/works/{id}", work, Role.VIEWER),
    Route("POST", "/works/{id}/statements", state, Role.EDITOR, event="work edited"),
    Route("GET", "/works/{id}/alike", alike, Role.VIEWER),
)
