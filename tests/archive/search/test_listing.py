"""Pages of works: whole, in one order on both databases, and steady while works come and go."""

from __future__ import annotations

import pytest

from vasari.archive.query import parsed, work_ids
from vasari.archive.search.listing import SORTS, count_works, list_works, works_by_id
from vasari.archive.statements import works_of
from vasari.foundation.errors import PlanError


def pages(connection, query, sort, limit=7):
    cursor, works = None, []
    while True:
        page = list_works(connection, query, sort=sort, limit=limit, cursor=cursor)
        works += page.works
        assert len(page.works) == limit or page.cursor is None
        cursor = page.cursor
        if cursor is None:
            return works


def order(work, sort):
    years = [year for year in (work.first, work.last) if year is not None]
    return {
        "key": (work.key,),
        "title": (work.title,),
        "artist": (work.artist == "", work.artist),
        "date": (years[0] if years else 10**6,),
        "added": (),
    }[sort] + (work.id,)


@pytest.mark.parametrize("sort", SORTS)
def test_pages_hold_every_work_once_and_in_order(archive, filled, sort):
    filled(archive, 40)
    with archive.reading() as connection:
        query = parsed("not (title = 'Title 3')")
        works = pages(connection, query, sort)
        assert sorted(work.id for work in works) == work_ids(connection, query)
        assert works == sorted(works, key=lambda work: order(work, sort))
        assert count_works(connection, query) == len(works)


def test_a_work_that_comes_between_two_pages_moves_no_other(sqlite_archive, filled):
    filled(sqlite_archive, 20)
    with sqlite_archive.reading() as connection:
        everything = [work.key for work in pages(connection, parsed(""), "key")]
        first = list_works(connection, parsed(""), limit=7)
    with sqlite_archive.writing() as writer:
        works_of(writer, ["a comes first", "zzz comes last"])
    with sqlite_archive.reading() as connection:
        second = list_works(connection, parsed(""), limit=100, cursor=first.cursor)
    assert [work.key for work in (*first.works, *second.works)] == [*everything, "zzz comes last"]


def test_a_work_is_told_with_what_the_catalog_shows(sqlite_archive, filled):
    ids = filled(sqlite_archive, 10)
    with sqlite_archive.reading() as connection:
        found = works_by_id(connection, [ids[3], 999, ids[1], ids[5]])
    assert [work.id for work in found] == [ids[3], ids[1], ids[5]]
    assert (found[0].key, found[0].title, found[0].picture) == ("work 3", "Title 3", "3.jpg")
    assert found[2].picture == ""


@pytest.mark.parametrize(
    "options",
    [{"sort": "color"}, {"limit": 0}, {"limit": 1001}, {"cursor": "???"}, {"cursor": "WzFd"}, {"sort": "title"}],
)
def test_what_makes_no_page_is_refused(sqlite_archive, filled, options):
    filled(sqlite_archive, 10)
    with sqlite_archive.reading() as connection:
        cursor = list_works(connection, parsed(""), limit=2).cursor
        with pytest.raises(PlanError) as caught:
            list_works(connection, parsed(""), **({"cursor": cursor} | options))
    assert caught.value.remedy
