"""Who said what, and which of it is shown: persons over catalogs over files over names, a model never."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from vasari.archive.schema import ARTISTS, STATEMENTS, WORKS
from vasari.archive.statements import FIELDS, KINDS, Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import PlanError

ME, TATE, FILE, NAME, MODEL = (Speaker(kind, kind.title()) for kind in KINDS)


def _say(archive: Archive, speaker: Speaker, *claims: Claim) -> None:
    with archive.writing() as writer:
        ids = works_of(writer, ["work"])
        state(writer, {ids["work"]: list(claims)}, speaker)


def _shown(archive: Archive) -> dict:
    with archive.reading() as connection:
        row = connection.execute(
            select(WORKS, ARTISTS.c.name.label("artist")).outerjoin(ARTISTS).where(WORKS.c.key == "work")
        ).mappings()
        return {name: value for name, value in row.one().items() if name not in ("added", "id", "artist_id")}


def _said(archive: Archive) -> list[tuple]:
    columns = (STATEMENTS.c.field, STATEMENTS.c.kind, STATEMENTS.c.by, STATEMENTS.c.value)
    with archive.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(select(*columns)))


def test_whose_word_goes_first(archive: Archive) -> None:
    for speaker in (MODEL, NAME, FILE, TATE, ME):
        _say(archive, speaker, Claim("title", speaker.kind))
        assert _shown(archive)["title"] == ("" if speaker is MODEL else speaker.kind)
    assert len(_said(archive)) == 5, "nobody's word replaces another's"
    for speaker, then in ((ME, "catalog"), (FILE, "catalog"), (TATE, "name"), (NAME, "")):
        _say(archive, speaker, Claim("title", ""))
        assert _shown(archive)["title"] == then
    assert _said(archive) == [("title", "model", "Model", "model")]


def test_a_later_word_replaces_ones_own(sqlite_archive: Archive) -> None:
    _say(sqlite_archive, TATE, Claim("title", "first"), Claim("medium", "oil"))
    _say(sqlite_archive, TATE, Claim("title", "second"))
    assert _said(sqlite_archive) == [("medium", "catalog", "Catalog", "oil"), ("title", "catalog", "Catalog", "second")]
    assert (_shown(sqlite_archive)["title"], _shown(sqlite_archive)["medium"]) == ("second", "oil")


def test_what_is_said_again_is_no_change(sqlite_archive: Archive) -> None:
    claims = [Claim("title", "one"), Claim("tag", "a"), Claim("tag", "b")]
    _say(sqlite_archive, TATE, *claims)
    before = sqlite_archive.fact("journal")
    _say(sqlite_archive, TATE, *reversed(claims))
    assert sqlite_archive.fact("journal") == before


def test_fields_of_many_values(sqlite_archive: Archive) -> None:
    _say(sqlite_archive, TATE, Claim("tag", "a"), Claim("tag", "b"))
    _say(sqlite_archive, ME, Claim("tag", "c"))
    _say(sqlite_archive, TATE, Claim("tag", "b"), Claim("tag", "d"))
    assert [(by, value) for _, _, by, value in _said(sqlite_archive)] == [
        ("Catalog", "b"),
        ("Catalog", "d"),
        ("Person", "c"),
    ]


def test_artists_have_rows_of_their_own(archive: Archive) -> None:
    with archive.writing() as writer:
        ids = works_of(writer, ["a", "b", "c"])
        state(writer, {id: [Claim("artist", "Monet")] for id in ids.values()}, TATE)
        state(writer, {ids["c"]: [Claim("artist", "Manet")]}, ME)
    with archive.reading() as connection:
        shown = connection.execute(select(WORKS.c.key, ARTISTS.c.name).join(ARTISTS).order_by(WORKS.c.key)).all()
        assert [tuple(row) for row in shown] == [("a", "Monet"), ("b", "Monet"), ("c", "Manet")]
        assert sorted(connection.execute(select(ARTISTS.c.name)).scalars()) == ["Manet", "Monet"]


@pytest.mark.parametrize(
    ("words", "edtf", "first", "last"),
    [("1885", "1885", 1885, 1885), ("1855 BC", "-1854", -1854, -1854), ("n.d.", "XXXX", None, None)],
)
def test_dates_are_read(sqlite_archive: Archive, words: str, edtf: str, first: int | None, last: int | None) -> None:
    _say(sqlite_archive, TATE, Claim("date", words))
    shown = _shown(sqlite_archive)
    assert (shown["date_text"], shown["date_edtf"]) == (words, edtf)
    assert (shown["date_first"], shown["date_last"]) == (first, last)


LONG = ["x" * 100_000, "桃" * 30_000, "Ä" * 900, "a\tb\nc\r", "🎨" * 500, "'; DROP TABLE works; --", '"\\']


def test_values_of_any_length(archive: Archive) -> None:
    for value in LONG:
        _say(archive, TATE, *(Claim(field, value) for field in FIELDS))
        said = _said(archive)
        assert [row[0] for row in said] == sorted(FIELDS)
        assert {row[3] for row in said} == {value}


def test_nul_in_a_value(archive: Archive) -> None:
    """PostgreSQL's texts cannot hold it; both databases keep the same."""
    _say(archive, TATE, Claim("title", "a\0b"), Claim("tag", "\0"))
    assert "\0" not in _shown(archive)["title"]
    assert _shown(archive)["title"].startswith("a")


def test_the_best_is_shown_after_many_works_at_once(archive: Archive) -> None:
    with archive.writing() as writer:
        ids = works_of(writer, [f"w{number}" for number in range(1203)])
        state(writer, {id: [Claim("title", key), Claim("artist", f"artist {id % 7}")] for key, id in ids.items()}, TATE)
    with archive.reading() as connection:
        assert connection.execute(select(WORKS.c.key).where(WORKS.c.title == WORKS.c.key)).all().__len__() == 1203
        assert len(connection.execute(select(ARTISTS)).all()) == 7


def test_no_such_field_or_speaker() -> None:
    with pytest.raises(PlanError, match="is no field"):
        Claim("colour", "red")
    with pytest.raises(PlanError, match="sort of speaker"):
        Speaker("critic", "me")


_WORDS = st.lists(
    st.tuples(st.sampled_from([ME, TATE, FILE, NAME, MODEL]), st.sampled_from(["title", "artist", "date"])),
    unique=True, min_size=1, max_size=6,
)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    with Archive.create(tmp_path_factory.mktemp("shared") / "archive") as made:
        yield made


@settings(max_examples=10, deadline=None)
@given(said=_WORDS, seed=st.randoms(use_true_random=False))
def test_the_order_of_speaking_does_not_matter(shared: Archive, said: list, seed) -> None:
    values = {"title": "title by {}", "artist": "Artist {}", "date": "18{}"}
    looks, kept = [], []
    for order in (said, seed.sample(said, len(said))):
        _forget(shared)
        for speaker, field in order:
            _say(shared, speaker, Claim(field, values[field].format(10 + KINDS.index(speaker.kind))))
        looks.append(_shown(shared))
        kept.append(_said(shared))
    assert looks[0] == looks[1]
    assert kept[0] == kept[1]
    best = min((KINDS.index(speaker.kind) for speaker, field in said if field == "title"), default=KINDS.index("model"))
    assert looks[0]["title"] == ("" if KINDS[best] == "model" else f"title by {10 + best}")


def _forget(archive: Archive) -> None:
    for speaker in (ME, TATE, FILE, NAME, MODEL):
        _say(archive, speaker, *(Claim(field, "") for field in ("title", "artist", "date")))


def test_every_order_of_two_speakers(sqlite_archive: Archive) -> None:
    for number, (one, other) in enumerate(itertools.permutations((ME, TATE, FILE, NAME), 2)):
        with sqlite_archive.writing() as writer:
            ids = works_of(writer, [f"w{number}"])
            for speaker in (one, other):
                state(writer, {ids[f"w{number}"]: [Claim("place", speaker.kind)]}, speaker)
            best = min((one, other), key=lambda speaker: KINDS.index(speaker.kind))
            shown = writer.connection.execute(select(WORKS.c.place).where(WORKS.c.key == f"w{number}")).scalar_one()
            assert shown == best.kind


def test_a_speaker_fits_every_database(archive: Archive) -> None:
    _say(archive, Speaker("catalog", "a\0b" + "x" * 500), Claim("title", "Seen"))
    assert _said(archive) == [("title", "catalog", "ab" + "x" * 198, "Seen")]
