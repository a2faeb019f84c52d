"""Counts of values, held against the queries that they name."""

from __future__ import annotations

import pytest

from vasari.archive.queries.nodes import both
from vasari.archive.query import parsed, work_ids
from vasari.archive.search.facets import FACETS, facets, ids_array, load
from vasari.archive.statements import Claim, Speaker, state
from vasari.foundation.errors import PlanError


def test_every_count_is_what_its_query_finds(archive, filled):
    filled(archive, 60)
    for asked in ("", "title = 'Title 2'", "derived", "style = Cubism or 1880s", "title = 'no such'"):
        check(archive, asked)


def check(archive, asked):
    with archive.reading() as connection:
        query = parsed(asked)
        found = facets(connection, archive.folder, query, limit=1000)
        assert set(found) == set(FACETS)
        for counts in found.values():
            for count in counts:
                assert count.works == len(work_ids(connection, both(query, parsed(count.query)))), count
        for field in ("artist", "style"):
            counts = [count.works for count in found[field]]
            assert counts == sorted(counts, reverse=True)
        assert bool(found["artist"]) == (asked != "title = 'no such'")
        assert ids_array(connection, query).tolist() == work_ids(connection, query)


def test_nobody_is_left_out_and_models_are_not_believed(sqlite_archive, filled):
    filled(sqlite_archive, 60)
    with sqlite_archive.reading() as connection:
        found = facets(connection, sqlite_archive.folder, parsed(""), limit=1000)
        unnamed = len(work_ids(connection, parsed("artist = ''")))
        assert sum(count.works for count in found["artist"]) + unnamed == len(work_ids(connection, parsed("")))
    assert {count.value for count in found["style"]} == {"Cubism", "Impressionism"}
    assert [count.value for count in found["decade"]][:2] == ["-671/-662", "-661/-652"]
    assert "1880s" in [count.value for count in found["decade"]]


def test_a_change_is_counted_and_damage_is_made_good(sqlite_archive, filled):
    ids = filled(sqlite_archive, 12)
    folder = sqlite_archive.folder / "index"
    with sqlite_archive.reading() as connection:
        before = facets(connection, sqlite_archive.folder, parsed(""), ["artist"])
    [old] = folder.glob("facets-*")
    with sqlite_archive.writing() as writer:
        state(writer, {ids[1]: [Claim("artist", "Newcomer")]}, Speaker("person", "me"))
    with sqlite_archive.reading() as connection:
        after = facets(connection, sqlite_archive.folder, parsed(""), ["artist"])
        [new] = folder.glob("facets-*")
        new.write_bytes(new.read_bytes()[:100])
        again = facets(connection, sqlite_archive.folder, parsed(""), ["artist"])
    assert after == again != before
    assert "Newcomer" in [count.value for count in after["artist"]]
    assert new != old


def test_codes_are_counted_where_they_cannot_be_kept(sqlite_archive, filled):
    filled(sqlite_archive, 12)
    (sqlite_archive.folder / "index").write_text("a file where the folder should be")
    with sqlite_archive.reading() as connection:
        assert len(load(connection, sqlite_archive.folder).ids) == 12


def test_an_unknown_field_is_refused(sqlite_archive):
    with sqlite_archive.reading() as connection, pytest.raises(PlanError, match="colour"):
        facets(connection, sqlite_archive.folder, parsed(""), ["colour"])
