"""Time: when the works were made, how their style changes, a map of what is alike, and what sets a group apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection, select

from vasari.app.web.changes import MOST, SHARED_FIELDS, Answers, Asked, measures
from vasari.app.web.finding import meant
from vasari.app.web.rendering import render, say
from vasari.app.web.route import Role, Route
from vasari.app.web.turnstile import Turnstile
from vasari.app.web.workbench import Bench
from vasari.archive.feature_tables import numbers
from vasari.archive.features.table import FEATURES
from vasari.archive.maps.drawing import map_of
from vasari.archive.schema import WORKS
from vasari.archive.search import vectors
from vasari.archive.search.facets import DECADE, Count, decade_of, facets, ids_array
from vasari.archive.search.listing import count_works, works_by_id
from vasari.foundation.errors import ArchiveError, PlanError, VasariError

MOST_SELECTED = 5000
#: Up to so many works the map is drawn when one comes to it; of more when it is asked for.
MOST_AT_ONCE = 5000
#: So many decades without a work are shown one by one.
LONGEST_GAP = 6
SHOWN_WORKS = 12
_ANSWERS = Answers()
#: For what reads all works at once: the map, and comparisons with the rest.
_TURNSTILE = Turnstile()
Text = Annotated[str, Query(max_length=2000)]


@dataclass(frozen=True)
class Bar:
    """A decade of the timeline, `query` empty where no work is of it; or a run of `skipped` empty ones, told as one."""

    value: str = ""
    works: int = 0
    query: str = ""
    skipped: int = 0


class Selection(BaseModel):
    """The keys of the works that were chosen on the map."""

    keys: list[str] = Field(min_length=1, max_length=MOST_SELECTED)


def page(request: Request, bench: Bench) -> Response:
    """The page: a timeline, the controls of trends, and the map, which are filled by requests of their own."""
    asked, wrong, decades, draws_map = Asked(), None, [], False
    try:
        asked = Asked.of(request.query_params)
        with bench.archive.reading() as connection:
            decades = facets(connection, bench.archive.folder, meant(asked.query), (DECADE,))[DECADE]
            works = count_works(connection, meant(asked.query))
            draws_map = 0 < works <= MOST_AT_ONCE and vectors.is_measured(connection, "overall")
    except VasariError as error:
        wrong = error
    return render(
        request,
        "time/time.html",
        asked=asked.controls,
        decades=bars_of(decades),
        draws_map=draws_map,
        most=max((one.works for one in decades), default=1),
        measures=measures(),
        shared=SHARED_FIELDS,
        limits=MOST,
        wrong=wrong,
    )


def answer(request: Request, bench: Bench) -> Response:
    """The curve, its cards and its table, as a piece of the page."""
    try:
        asked = Asked.of(request.query_params)
        report = _ANSWERS.report(bench.archive, asked)
    except VasariError as error:
        return render(request, "time/wrong.html", wrong=error)
    return render(
        request, "time/answer.html", data=report.data, plot=_plot(request, report.data), what=asked.what,
        command=report.command, address=request.url.query,
    )  # fmt: skip


def _plot(request: Request, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the page draws: of a trend the names of its two lines in the visitor's words; shares have the archive's."""
    series = data["series"]
    if data["kind"] == "trend":
        series = [{**one, "name": say(request, one["name"])} for one in series]
    axis = say(request, data["axis"])
    return {"kind": data["kind"], "axis": axis, "series": series, "changes": data.get("changes") or []}


def bars_of(decades: Sequence[Count]) -> list[Bar]:
    """Decades as bars at even steps of time: those without works stand between the others, long runs of them as one."""
    bars: list[Bar] = []
    before = None
    for one in decades:
        number = _number(one)
        empty = range(before + 1, number) if before is not None else range(0)
        if len(empty) > LONGEST_GAP:
            bars.append(Bar(skipped=len(empty)))
        else:
            bars += [Bar(decade_of(decade, 0).value) for decade in empty]
        bars.append(Bar(one.value, one.works, one.query))
        before = number
    return bars


def _number(one: Count) -> int:
    """The number of a decade, in tens of astronomical years: 188 for the 1880s, 0 for 1 BC to 9."""
    begin = int(one.query.split("/")[0])
    return (begin + (begin < 0)) // 10


def export(request: Request, bench: Bench) -> Response:
    """The figure with all that it rests on, as `vasari archive trends -o` writes it, in a zip."""
    name, packed = _ANSWERS.packed(bench.archive, Asked.of(request.query_params))
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_") else "-" for letter in name)
    headers = {"Content-Disposition": f'attachment; filename="vasari-{plain}.zip"'}
    return Response(packed, media_type="application/zip", headers=headers)


def style_map(bench: Bench, q: Text = "", by: Text = "overall") -> Response:
    """The works that a query means, laid out by their likeness, as JSON; see `vasari archive map`."""
    with _TURNSTILE.passed(), bench.archive.reading() as connection:
        drawn = map_of(connection, bench.archive.folder, meant(q), by=by, thumbnails=0)
    # Written here, in a thread: FastAPI would write its 20 MB of 100,000 works while all others wait.
    return Response(json.dumps(drawn), media_type="application/json")


def selected(request: Request, bench: Bench, selection: Selection, q: Text = "") -> Response:
    """What sets the chosen works apart from the others that the query finds, as a piece of the page."""
    with _TURNSTILE.passed(), bench.archive.reading() as connection:
        chosen = _ids(connection, selection.keys)
        others = np.setdiff1d(ids_array(connection, meant(q)), chosen)
        works = works_by_id(connection, chosen.tolist())
        rows = _differences(connection, chosen, others)
    years = [year for work in works for year in (work.first, work.last) if year is not None]
    artists = sorted({work.artist for work in works if work.artist})
    return render(
        request,
        "time/selection.html",
        works=works[:SHOWN_WORKS],
        count=len(chosen),
        others=len(others),
        span=(min(years), max(years)) if years else None,
        artists=artists,
        rows=rows,
    )


def _ids(connection: Connection, keys: list[str]) -> np.ndarray:
    found: list[int] = []
    for begin in range(0, len(keys), 500):
        some = keys[begin : begin + 500]
        found += connection.execute(select(WORKS.c.id).where(WORKS.c.key.in_(some))).scalars()
    if not found:
        raise PlanError("None of the chosen works is in the archive.", remedy="load the map again")
    return np.array(sorted(found), dtype=np.int64)


def _differences(connection: Connection, chosen: np.ndarray, others: np.ndarray) -> list[dict[str, Any]]:
    """For each measure: both means, and their distance in standard deviations of all; the farthest first."""
    rows = []
    for name, feature in FEATURES.items():
        if not feature.columns or not len(others):
            continue
        try:
            mine, rest = (numbers(connection, ids, name).astype(np.float64) for ids in (chosen, others))
        except ArchiveError:  # not measured yet: what was measured is told
            continue
        for place, column in enumerate(feature.columns):
            ours, theirs = (values[np.isfinite(values[:, place]), place] for values in (mine, rest))
            if not len(ours) or not len(theirs):
                continue
            spread = np.concatenate([ours, theirs]).std()
            apart = (ours.mean() - theirs.mean()) / spread if spread > 0 else 0.0
            rows.append({"column": column, "mine": ours.mean(), "others": theirs.mean(), "apart": apart})
    return sorted(rows, key=lambda row: -abs(row["apart"]))


ROUTES = (
    Route("GET", "/time", page, Role.VIEWER),
    Route("GET", "/time/answer", answer, Role.VIEWER),
    Route("GET", "/time/export.zip", export, Role.VIEWER),
    Route("GET", "/time/map", style_map, Role.VIEWER),
    Route("POST", "/time/selection", selected, Role.VIEWER, largest_body=1 << 20),
)
