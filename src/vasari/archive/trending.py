"""From an archive to the tables of trends: dated works, their artists, what was measured, their groups."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from vasari.archive.dates.dating import Assumptions
from vasari.archive.dates.draws import bounds
from vasari.archive.dates.parse import DEFAULT, parse_date
from vasari.archive.features.table import FEATURES, Column
from vasari.archive.queries.nodes import Query
from vasari.archive.query import where
from vasari.archive.schema import ARTISTS, STATEMENTS, WORKS
from vasari.archive.statements import FIELDS, KINDS
from vasari.archive.terms import plain_value
from vasari.archive.trends.works import Works
from vasari.foundation.errors import PlanError

#: The class of works whose own is too rare to be shown.
OTHERS = "(others)"
#: What catalogs write where nobody is known, in plain form: each such work stands for an artist of its own.
UNKNOWN_ARTISTS = frozenset(
    {
        "unknown", "unknown artist", "artist unknown", "anonymous", "anonymous artist", "unidentified", "n/a",
        "unidentified artist", "unbekannt", "unbekannter kunstler", "anonym", "anonyme", "artiste inconnu", "inconnu",
        "anonimo", "ignoto", "autore ignoto", "неизвестный", "неизвестныи художник", "неизвестен", "佚名",
    }
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Dated:
    """The works that a query finds: ids int64 [works], keys, titles, artists ("" where unknown), date texts, and years.

    `first` and `last` int64 [works] are astronomical, under the assumptions asked for; `known` bool [works].
    """

    ids: np.ndarray
    keys: tuple[str, ...]
    titles: tuple[str, ...]
    artists: np.ndarray
    dates: tuple[str, ...]
    first: np.ndarray
    last: np.ndarray
    known: np.ndarray

    def table(self, values: np.ndarray, labels: Sequence[str] | None = None) -> Works:
        """The table of trends for values [works] or [works, columns]; raises `PlanError` where nothing is left."""
        return Works.of_years(values, self.first, self.last, self.artists, labels, self.known)

    def rows(self, values: np.ndarray, name: str, labels: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The works behind a figure, for a CSV: all that are dated, measured and in a group, ordered by their keys."""
        used = self.known & np.isfinite(values)
        if labels is not None:
            used &= np.array(labels) != ""
        rows = [
            {
                "key": self.keys[row], "title": self.titles[row], "artist": str(self.artists[row]),
                "date": self.dates[row], "first_year": int(self.first[row]), "last_year": int(self.last[row]),
                name: float(values[row]),
            } | ({"group": labels[row]} if labels is not None else {})
            for row in np.flatnonzero(used).tolist()
        ]  # fmt: skip
        return sorted(rows, key=lambda row: row["key"])


def dated_works(connection: Connection, query: Query, assumptions: Assumptions = DEFAULT) -> Dated:
    """The works of a query with their years; raises `PlanError` where it finds none.

    Years are read anew from the date texts under `assumptions`; under the default ones the catalog's own are taken.
    """
    columns = (WORKS.c.id, WORKS.c.key, WORKS.c.title, ARTISTS.c.name, WORKS.c.date_text, WORKS.c.date_first)
    found = connection.execute(
        select(*columns, WORKS.c.date_last)
        .select_from(WORKS.outerjoin(ARTISTS))
        .where(where(query))
        .order_by(WORKS.c.id)
    ).all()
    if not found:
        raise PlanError("The query finds no works.", remedy="widen it; vasari archive list shows what it finds")
    ids, keys, titles, artists, texts, first, last = zip(*found)
    if assumptions == DEFAULT:
        years = _stored_years(first, last)
    else:
        years = _read_years(texts, assumptions)
    return Dated(
        np.array(ids, dtype=np.int64), keys, titles, np.array(_same_artists(artists)), texts,
        np.where(years[2] > 0, years[0], 0), np.where(years[2] > 0, years[1], 0), years[2] > 0,
    )  # fmt: skip


def measured_column(name: str) -> tuple[str, int, Column]:
    """The feature, its column's place and the column of a name: `lightness_mean`; raises `PlanError` for another."""
    for feature, about in FEATURES.items():
        for place, column in enumerate(about.columns):
            if column.name == name:
                return feature, place, column
    known = [column.name for about in FEATURES.values() for column in about.columns]
    raise PlanError(f"Nothing called {name!r} is measured.", remedy=f"choose from: {', '.join(known)}")


def labels_of(connection: Connection, works: Dated, field: str, most: int = 8) -> list[str]:
    """One label of a field for each work, the best that is said; beyond the `most` frequent ones `(others)`.

    A person's word goes before a catalog's and so on; what models say is not taken. Where the best speaker gave
    several, the most frequent in the table wins, so that a work has one class. Works without one are "".
    """
    if field not in FIELDS:
        raise PlanError(f"{field!r} is no field of a work.", remedy=f"use one of {', '.join(FIELDS)}")
    said: dict[int, tuple[int, list[str]]] = {}
    query = select(STATEMENTS.c.work_id, STATEMENTS.c.kind, STATEMENTS.c.value).where(
        STATEMENTS.c.field == field, STATEMENTS.c.kind != "model"
    )
    for work, kind, value in connection.execute(query.order_by(STATEMENTS.c.work_id, STATEMENTS.c.value)):
        rank = KINDS.index(kind)
        best, values = said.get(work, (len(KINDS), []))
        if rank < best:
            said[work] = (rank, [value])
        elif rank == best:
            values.append(value)
    mine = [said.get(int(id), (0, []))[1] for id in works.ids]
    counts = Counter(value for values in mine for value in values)
    order = {value: place for place, (value, _) in enumerate(sorted(counts.items(), key=lambda one: (-one[1], one[0])))}
    chosen = [min(values, key=order.__getitem__) if values else "" for values in mine]
    kept = set(_most_frequent(chosen, most))
    return [one if one in kept or not one else OTHERS for one in chosen]


def groups_of(connection: Connection, works: Dated, groups: Mapping[str, Query]) -> list[str]:
    """The name of the group whose query finds each work, "" for none; raises `PlanError` for a work in two groups."""
    names: dict[int, list[str]] = defaultdict(list)
    for name, query in groups.items():
        for id in connection.execute(select(WORKS.c.id).where(where(query))).scalars():
            names[id].append(name)
    both = [id for id in works.ids.tolist() if len(names[id]) > 1]
    if both:
        raise PlanError(
            f"{len(both)} works are in more than one group, the first is {_key(works, both[0])}.",
            remedy="make the groups exclude each other: add 'and not (...)' to one",
        )
    return [(names[id] or [""])[0] for id in works.ids.tolist()]


def _same_artists(names: Sequence[str | None]) -> list[str]:
    """One name for each artist: "MONET, Claude" and "Claude Monet (French, 1840-1926)" are one; "" for unknown ones."""
    forms: dict[str, set[str]] = defaultdict(set)
    plain = {name: plain_value("artist", name) for name in set(names) if name}
    for name, form in plain.items():
        forms[form].add(name)
    shown = {form: min(written, key=_ugliness) for form, written in forms.items()}
    return ["" if not name or plain[name] in UNKNOWN_ARTISTS else shown[plain[name]] for name in names]


def _ugliness(name: str) -> tuple[bool, int, str]:
    """By which of several written forms of one name the plainest is chosen."""
    return "," in name, len(name), name


def _key(works: Dated, id: int) -> str:
    return works.keys[int(np.searchsorted(works.ids, id))]


def _most_frequent(labels: Sequence[str], most: int) -> list[str]:
    counts = Counter(label for label in labels if label)
    return [label for label, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]]


def _stored_years(first: Sequence[int | None], last: Sequence[int | None]) -> np.ndarray:
    """Years int64 [3, works]: first, last, and 1 where anything is known; an open end reaches `open_years`."""
    return np.array([_ends(low, high) for low, high in zip(first, last)], dtype=np.int64).T


def _ends(low: int | None, high: int | None) -> tuple[int, int, int]:
    if low is None:
        return (0, 0, 0) if high is None else (high - DEFAULT.open_years, high, 1)
    return low, low + DEFAULT.open_years if high is None else high, 1


def _read_years(texts: Sequence[str], assumptions: Assumptions) -> np.ndarray:
    read: dict[str, tuple[int, int, int]] = {}
    for text in set(texts):
        dating = parse_date(text, assumptions)
        low, high = bounds([dating], assumptions)[0] if dating.known else (0, 0)
        read[text] = (int(low), int(high), int(dating.known))
    return np.array([read[text] for text in texts], dtype=np.int64).T
