"""What works are called by the files that they came from, and that they are found by it, on both databases."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import select

from vasari.archive import databases
from vasari.archive.events import note, note_all
from vasari.archive.file_names import file_name
from vasari.archive.query import parsed
from vasari.archive.rebuild import rebuild
from vasari.archive.schema import NAMES as NAMES_TABLE
from vasari.archive.search.listing import count_works, list_works
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("/scans/1890/ärm.tif", "ärm.tif"),
        ("scans/what?.jpg", "what?.jpg"),
        ("https://museum.example/a/Mus%C3%A9e.jpg", "Musée.jpg"),
        ("https://museum.example/a.jpg?sig=SECRET#top", "a.jpg"),
    ],
)
def test_a_file_is_named_without_what_its_address_asks_for(origin: str, name: str) -> None:
    assert file_name(origin) == name


NAMES = ("/scans/1890/IMG_0231.png", "/scans/1890/IMG_0232.png", "/scans/Ärmel, links.tif", "/scans/titled 0231.jpg")


def _named(archive: Archive) -> dict[str, str]:
    """Four works by the files that they came from, the last with a title; their keys."""
    keys = {name: f"file:{number:064}" for number, name in enumerate(NAMES)}
    with archive.writing() as writer:
        ids = works_of(writer, list(keys.values()))
        note_all(writer, "ingestion", [(key, "success", {"path": name}) for name, key in keys.items()])
        note(writer, "duplicate found", keys[NAMES[0]], "warning", {"path": "/scans/twin.png", "of": NAMES[0]})
        state(writer, {ids[keys[NAMES[3]]]: [Claim("title", "The Harbor")]}, Speaker("person", "me"))
    return keys


def _found(archive: Archive, query: str) -> list[str]:
    with archive.reading() as connection:
        works = list_works(connection, parsed(query)).works
        assert count_works(connection, parsed(query)) == len(works)
    return [NAMES[int(work.key[5:])] for work in works]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("'IMG_0231.png'", [0]),
        ("'0231'", [0]),
        ("img", [0, 1]),
        ("'img_02*'", [0, 1]),
        ("'023*'", [0, 1]),
        ("'png img_0232'", [1]),
        ("armel", [2]),
        ("'links ar*'", [2]),
        ("not armel", [0, 1, 3]),
        ("'1890'", []),  # a folder is no name
        ("twin", []),
        ("titled", []),  # what has a title goes by it
        ("harbor", [3]),
        ("'0231 harbor'", []),
        ("harbor or '0232'", [1, 3]),
    ],
)
def test_a_work_without_a_title_is_found_by_its_files_name(archive: Archive, query: str, found: list[int]) -> None:
    _named(archive)
    assert _found(archive, query) == [NAMES[number] for number in found]


def test_a_title_that_is_given_and_taken_back(archive: Archive) -> None:
    keys = _named(archive)
    for title, found in (("Arm", []), ("", [NAMES[2]])):
        with archive.writing() as writer:
            id = works_of(writer, [keys[NAMES[2]]])[keys[NAMES[2]]]
            state(writer, {id: [Claim("title", title)]}, Speaker("person", "me"))
        assert _found(archive, "links") == found


def test_the_upgrade_and_a_rebuild_find_the_names_again(archive: Archive) -> None:
    _named(archive)
    twice = ("file:" + "0" * 64, "success", {"path": "/other/IMG_0231.png"})
    with archive.writing() as writer:  # a picture that came more often than the upgrade takes in at once
        note_all(writer, "ingestion", [twice] * 2001)
    with archive.reading() as connection:
        before = set(connection.execute(select(NAMES_TABLE)))
    with archive.engine.connect().execution_options(writes=True) as connection, connection.begin():
        config = databases._config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    databases.migrate(archive.engine)
    with archive.reading() as connection:
        assert before and set(connection.execute(select(NAMES_TABLE))) == before
    rebuild(archive.folder)
    with Archive.open(archive.folder) as again, again.reading() as connection:
        assert set(connection.execute(select(NAMES_TABLE))) == before
