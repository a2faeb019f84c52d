"""Queries on both databases, against the same query evaluated over the same random rows by plain Python."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from tests.archive.queries.strategies import comparisons, queries, years

from vasari.archive.dates.parse import parse_date
from vasari.archive.queries.nodes import All, Comparison, Either, Flag, Is, Not, Operator, Relation, Words
from vasari.archive.query import parsed, work_ids
from vasari.archive.schema import FILES, STATEMENTS, TERMS, WORDS
from vasari.archive.statements import Claim, Speaker, digest_of, state, works_of

ARTISTS = ["Claude Monet", "Monet, Claude", "Édouard Manet", "Camille Monet", "Monet", "Berthe Morisot"]
TITLES = ["Été à l’Estaque", "The Starry Night", "Night", "100% pure_white", "Water Lilies", "睡莲"]
TAGS = ["Impressionism", "impressionism", "Post-Impressionism", "night", "Café"]
DATES = [
    "1885",
    "c. 1890",
    "1880-1890",
    "after 1880",
    "before 1850",
    "n.d.",
    "664 BC",
    "1st century BC",
    "1 BC",
    "5 AD",
]
SPEAKERS = [Speaker("person", "me"), Speaker("catalog", "Tate"), Speaker("model", "styles"), Speaker("name", "files")]
VALUES = {"artist": ARTISTS, "title": TITLES, "style": TAGS, "tag": TAGS, "date": DATES, "medium": TITLES}


def filled(archive, seed: int, works: int = 40) -> list[dict]:
    """Works with random statements, some with files, some derived; and what Python remembers of them."""
    draw = np.random.default_rng(seed)
    known = [
        {"key": f"work {number}", "derived": bool(draw.random() < 0.2), "said": [], "picture": False}
        for number in range(works)
    ]
    with archive.writing() as writer:
        for derived in (False, True):
            ids = works_of(writer, [work["key"] for work in known if work["derived"] is derived], derived)
            for work in known:
                work["id"] = ids.get(work["key"], work.get("id"))
        for speaker in SPEAKERS:
            claims = {}
            for work in known:
                chosen = [(field, str(draw.choice(values))) for field, values in VALUES.items() if draw.random() < 0.4]
                claims[work["id"]] = [Claim(field, value) for field, value in chosen]
                work["said"] += [(speaker, field, value) for field, value in chosen]
            state(writer, claims, speaker)
        pictures = draw.choice(["", "present", "missing"], works)
        rows = [(number, str(picture)) for number, picture in enumerate(pictures) if picture]
        writer.add(FILES, [_file(known[number]["id"], number, picture) for number, picture in rows])
        for number, picture in rows:
            known[number]["picture"] = picture == "present"
    return sorted(known, key=lambda work: work["id"])


def _file(work: int, number: int, state: str) -> dict:
    return {
        "work_id": work, "path": f"{number}.jpg", "page": 0, "content": f"{number:064}", "sha256": f"{number:064}",
        "bytes": 1, "modified_ns": 0, "width": 1, "height": 1, "format": "jpeg", "depth": 8, "phash": None,
        "copied": False, "state": state, "added": "", "checked": "",
    }  # fmt: skip


def folded(text: str) -> str:
    """Case, accents and the one curly apostrophe of these values away."""
    letters = unicodedata.normalize("NFD", text.lower().replace("’", "'"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def shown(work: dict, field: str) -> list[str]:
    """What the catalog shows of a field: the best speaker's word, or every value of a field of many."""
    order = {"person": 0, "catalog": 1, "name": 2}
    said = [
        (order[speaker.kind], value) for speaker, name, value in work["said"] if name == field and speaker.kind in order
    ]
    if field in ("style", "tag"):
        return [value for _, value in said]
    return [min(said)[1]] if said else []


def by(work: dict, comparison: Comparison) -> list[str]:
    who = comparison.by
    if who is None:
        return shown(work, comparison.field)
    return [
        value
        for speaker, field, value in work["said"]
        if field == comparison.field and (speaker.by == who.who if who.named else who.who in ("anyone", speaker.kind))
    ]


def compared(work: dict, comparison: Comparison, wanted: str) -> bool:
    if comparison.field == "key":
        return work["key"] == wanted
    found = by(work, comparison)
    if not wanted.strip():
        return not found
    if comparison.operator is Operator.EXACT:
        return wanted in found
    names = [folded(value) for value in found]
    if comparison.field == "artist":
        names = [" ".join(reversed(name.split(", "))) for name in names]
        wanted = " ".join(reversed(wanted.split(", ")))
    wanted = folded(wanted)
    if comparison.operator is Operator.CONTAINS:
        return any(wanted in name for name in names)
    return any(name == wanted or (comparison.field == "artist" and name.endswith(" " + wanted)) for name in names)


def dated(work: dict, relation: Relation, first: int, last: int) -> bool:
    dating = parse_date("".join(shown(work, "date")))
    begin, end = dating.earliest, dating.latest
    if relation is Relation.BEFORE:
        return end is not None and end < first
    if relation is Relation.AFTER:
        return begin is not None and begin > last
    if relation is Relation.WITHIN:
        return begin is not None and end is not None and first <= begin and end <= last
    return dating.known and (begin is None or begin <= last) and (end is None or end >= first)


def spoken(work: dict, text: str) -> bool:
    wanted = folded(text).replace("*", "").replace("%", " ").replace("-", " ").replace("'", " ").split()
    for speaker, _, value in work["said"]:
        if speaker.kind == "model":
            continue
        words = folded(value).replace("%", " ").replace("_", " ").replace("-", " ").replace("'", " ").split()
        words = list(value) if value == "睡莲" else words
        whole, last = (wanted[:-1], wanted[-1]) if text.endswith("*") else (wanted, "")
        if all(word in words for word in whole) and any(word.startswith(last) for word in words):
            return True
    return False


def holds(work: dict, node) -> bool:
    match node:
        case None:
            return True
        case All(parts):
            return all(holds(work, part) for part in parts)
        case Either(parts):
            return any(holds(work, part) for part in parts)
        case Not(part):
            return not holds(work, part)
        case Is(Flag.DERIVED):
            return work["derived"]
        case Is(Flag.DATED):
            return parse_date("".join(shown(work, "date"))).known
        case Is(Flag.HAS_PICTURE):
            return work["picture"]
        case Words(text):
            return spoken(work, text)
        case Comparison():
            return any(compared(work, node, value) for value in node.values)
    return dated(work, node.relation, node.first, node.last)


LEAVES = st.one_of(
    *(
        comparisons([field], st.sampled_from([*values, values[0].upper(), "", values[1].split()[-1], "e"]))
        for field, values in VALUES.items()
    ),
    comparisons(["key"], st.sampled_from(["work 3", "WORK 3", "work 4"])),
    years(-700, 20),
    years(1840, 1900),
    st.sampled_from(Flag).map(Is),
    st.sampled_from(["night", "NIGHT starry", "mon*", "ete estaque", "claude monet", "睡", "pure white", "cafe"]).map(
        Words
    ),
)


def test_both_databases_find_what_plain_python_finds(archive):
    known = filled(archive, seed=1)
    with archive.reading() as connection:

        @settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
        @given(queries(LEAVES))
        def check(query):
            wanted = [
                work["id"] for work in known if holds(work, query.root) and (query.names_derived or not work["derived"])
            ]
            assert work_ids(connection, query) == wanted

        check()


@pytest.mark.parametrize(
    "leaf", ["artist = Monet", "style = impressionism", "night", "has picture", "1885/1890", "dated"]
)
def test_each_part_divides_the_works(sqlite_archive, leaf):
    filled(sqlite_archive, seed=1)
    with sqlite_archive.reading() as connection:
        everything = work_ids(connection, parsed(""))
        some, others = work_ids(connection, parsed(leaf)), work_ids(connection, parsed(f"not ({leaf})"))
    assert some and others
    assert sorted(some + others) == everything


def test_terms_follow_from_values_whatever_order_they_came_in(archive):
    filled(archive, seed=2, works=10)
    with archive.reading() as connection:
        said = {(row.field, row.digest) for row in connection.execute(select(STATEMENTS.c.field, STATEMENTS.c.digest))}
        terms = {(row.field, row.digest): row.plain for row in connection.execute(select(TERMS))}
        words = set(connection.execute(select(WORDS.c.word).where(WORDS.c.field == "title")).scalars())
    assert said <= set(terms)
    assert terms[("artist", digest_of("Monet, Claude"))] == "claude monet"
    assert words <= {
        "ete",
        "a",
        "l",
        "estaque",
        "the",
        "starry",
        "night",
        "100",
        "pure",
        "white",
        "water",
        "lilies",
        "睡",
        "莲",
    }


def test_an_archive_of_the_first_revision_is_filled_by_the_upgrade(archive, monkeypatch):
    from alembic import command

    from vasari.archive import databases

    known = filled(archive, seed=3, works=10)
    wanted = parsed("artist = Monet or night")
    with archive.reading() as connection:
        before = work_ids(connection, wanted)
        terms, words = set(connection.execute(select(TERMS))), set(connection.execute(select(WORDS)))
    with archive.engine.connect().execution_options(writes=True) as connection, connection.begin():
        config = databases._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    databases.migrate(archive.engine)
    assert known and before
    with archive.reading() as connection:
        assert work_ids(connection, wanted) == before
        assert (set(connection.execute(select(TERMS))), set(connection.execute(select(WORDS)))) == (terms, words)
