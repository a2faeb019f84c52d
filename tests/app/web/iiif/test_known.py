"""Which file an identifier means: asked of the database once, and again after each change of the archive."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import event, select

from vasari.app.web.errors import Refusal
from vasari.app.web.iiif.known import Known
from vasari.app.web.workbench import Workbench
from vasari.archive.ingest.person import say
from vasari.archive.schema import FILES, WORKS


@pytest.fixture
def asked(bench: Workbench) -> Iterator[list[str]]:
    """The questions that the catalog is asked."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT"):
            found.append(statement)

    event.listen(bench.archive.engine, "before_cursor_execute", note)
    yield found
    event.remove(bench.archive.engine, "before_cursor_execute", note)


def settled(bench: Workbench) -> None:
    """Let the last change of the archive be a minute ago."""
    os.utime(bench.archive.journal.path, (time.time() - 60,) * 2)


def first(bench: Workbench) -> tuple[str, str]:
    """The identifier of a picture, and the key of its work."""
    with bench.archive.reading() as connection:
        row = connection.execute(
            select(FILES.c.content, WORKS.c.key).join(WORKS, WORKS.c.id == FILES.c.work_id)
        ).first()
    assert row is not None
    return row.content.replace("#", "-"), row.key


def test_the_database_is_asked_once_while_nothing_changes(bench: Workbench, asked: list[str]) -> None:
    identifier, _ = first(bench)
    settled(bench)
    known = Known()
    row, rights = known.of(bench.archive, identifier)
    assert row["content"].replace("#", "-") == identifier and rights == ""
    asked.clear()
    assert known.of(bench.archive, identifier) == (row, rights)
    assert not asked


def test_after_a_change_it_is_asked_anew(bench: Workbench, asked: list[str]) -> None:
    identifier, key = first(bench)
    settled(bench)
    known = Known()
    known.of(bench.archive, identifier)
    say(bench.archive, key, ["rights=CC0"], "ada")
    assert known.of(bench.archive, identifier)[1] == "CC0"
    asked.clear()
    known.of(bench.archive, identifier)
    assert asked, "so soon after a change what is read may be of before, and must not be kept"


def test_what_is_not_there_is_refused_each_time(bench: Workbench) -> None:
    settled(bench)
    known = Known()
    for _ in range(2):
        with pytest.raises(Refusal):
            known.of(bench.archive, "0" * 64)
