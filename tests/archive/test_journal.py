"""Every change is in the journal as well, and the two never disagree: not after errors, deaths or a torn line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from vasari.archive.journal import Change, Journal
from vasari.archive.rows import digests
from vasari.archive.schema import WORKS
from vasari.archive.statements import works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import ArchiveError, WriteError


def _keys(archive: Archive) -> list[str]:
    with archive.reading() as connection:
        return list(connection.execute(select(WORKS.c.key).order_by(WORKS.c.id)).scalars())


def _python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)])


def test_a_transaction_that_raises_leaves_nothing(archive: Archive) -> None:
    with archive.writing() as writer:
        works_of(writer, ["kept"])
    lines = archive.journal.path.read_bytes()
    with pytest.raises(RuntimeError), archive.writing() as writer:
        works_of(writer, ["gone"])
        raise RuntimeError
    assert _keys(archive) == ["kept"]
    assert archive.journal.path.read_bytes() == lines
    assert archive.fact("journal") == "1"


def test_a_transaction_without_changes_is_no_entry(archive: Archive) -> None:
    with archive.writing():
        pass
    assert not archive.journal.path.exists()
    assert archive.fact("journal") == "0"


DIES = """
import os, sys
from vasari.archive.journal import Journal
from vasari.archive.statements import works_of
from vasari.archive.store import Archive

append = Journal.append
def append_and_die(self, number, at, changes):
    if sys.argv[2] == "before":
        os._exit(9)
    append(self, number, at, changes)
    if sys.argv[2] == "torn":
        size = self.path.stat().st_size
        os.truncate(self.path, size - 25)
    os._exit(9)
Journal.append = append_and_die
with Archive.open(sys.argv[1]) as archive, archive.writing() as writer:
    works_of(writer, ["never happened"])
"""


@pytest.mark.parametrize("moment", ["before", "after", "torn"])
def test_death_around_the_commit(archive: Archive, moment: str) -> None:
    """A process dies before its entry, within it, or between it and the commit."""
    with archive.writing() as writer:
        works_of(writer, ["first"])
    lines = archive.journal.path.read_bytes()
    assert _python(DIES, archive.folder, moment).wait(60) == 9
    assert (archive.journal.path.read_bytes() == lines) == (moment == "before")
    assert _keys(archive) == ["first"]
    with archive.writing() as writer:
        works_of(writer, ["second"])
    assert _keys(archive) == ["first", "second"]
    entries = list(archive.journal.entries())
    assert [number for number, _, _ in entries] == [1, 2]
    assert b"never happened" not in archive.journal.path.read_bytes()


WRITES = """
import sys
from vasari.archive.statements import works_of
from vasari.archive.store import Archive

with Archive.open(sys.argv[1]) as archive:
    for number in range(int(sys.argv[3])):
        with archive.writing() as writer:
            works_of(writer, ["shared", f"{sys.argv[2]} {number}"])
"""


def test_two_processes_at_once_lose_nothing(archive: Archive) -> None:
    both = [_python(WRITES, archive.folder, name, 10) for name in "ab"]
    assert [one.wait(120) for one in both] == [0, 0]
    assert sorted(_keys(archive)) == sorted(["shared", *(f"{name} {number}" for name in "ab" for number in range(10))])
    assert [number for number, _, _ in archive.journal.entries()] == list(range(1, 21))


def test_a_journal_that_lacks_entries_is_refused(archive: Archive) -> None:
    for key in "abc":
        with archive.writing() as writer:
            works_of(writer, [key])
    whole = archive.journal.path.read_bytes()
    for shorter in (b"".join(whole.splitlines(keepends=True)[:2]), b"", whole[:-1]):
        archive.journal.path.write_bytes(shorter)
        with pytest.raises(ArchiveError, match="ends at entry"), archive.writing():
            pass
        assert archive.journal.path.read_bytes() == shorter
    archive.journal.path.write_bytes(whole)
    with archive.writing() as writer:
        works_of(writer, ["d"])
    assert _keys(archive) == list("abcd")


def test_an_old_copy_of_the_database_does_not_shorten_the_journal(archive: Archive) -> None:
    """Two entries ahead cannot be a transaction that was broken off: nothing is cut."""
    with archive.writing() as writer:
        works_of(writer, ["a"])
    archive.journal.append(2, "2026-01-01T00:00:00Z", [Change("put", "artists", [{"id": 1, "name": "A"}])])
    archive.journal.append(3, "2026-01-01T00:00:00Z", [Change("put", "artists", [{"id": 2, "name": "B"}])])
    before = archive.journal.path.read_bytes()
    with pytest.raises(ArchiveError, match="old copy") as caught, archive.writing():
        pass
    assert "rebuild" in caught.value.remedy
    assert archive.journal.path.read_bytes() == before


def test_a_line_of_garbage_at_the_end_is_cut_off(sqlite_archive: Archive) -> None:
    """A power cut may leave a block of zeros and a newline where the last entry was being written."""
    with sqlite_archive.writing() as writer:
        works_of(writer, ["a"])
    with sqlite_archive.journal.path.open("ab") as file:
        file.write(bytes(70_000) + b"}\n" + bytes(10))
    with sqlite_archive.writing() as writer:
        works_of(writer, ["b"])
    assert [number for number, _, _ in sqlite_archive.journal.entries()] == [1, 2]


def test_what_cannot_be_journaled_is_not_kept(archive: Archive) -> None:
    """The journal's folder is gone from under it: the database must not change alone."""
    with archive.writing() as writer:
        works_of(writer, ["a"])
    journal = archive.journal.path
    journal.rename(journal.with_name("aside"))
    journal.mkdir()
    with pytest.raises((WriteError, ArchiveError, OSError)), archive.writing() as writer:
        works_of(writer, ["b"])
    assert _keys(archive) == ["a"]
    journal.rmdir()
    journal.with_name("aside").rename(journal)


def test_entries_tell_of_damage_and_gaps(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    for number in (4, 4, 5):
        journal.append(number, "2026-01-01T00:00:00Z", [])
    assert [number for number, _, _ in journal.entries()] == [4, 4, 5]
    journal.append(7, "2026-01-01T00:00:00Z", [])
    with pytest.raises(ArchiveError, match="line 4 is entry 7, the line before it 5"):
        list(journal.entries())
    for damage in (b'{"n":8,"at"\n', b"[]\n", b'{"n":"x","at":"","changes":[]}\n', b"\xff\n"):
        journal.path.write_bytes(damage)
        with pytest.raises(ArchiveError, match="line 1 is damaged"):
            list(journal.entries())


def test_an_entry_is_what_was_changed(archive: Archive, fill) -> None:
    fill(archive)
    put: dict[str, dict] = {}
    for _, _, changes in archive.journal.entries():
        for change in changes:
            for row in change.rows:
                key = json.dumps([row.get("id"), *(row.get(name) for name in ("work_id", "field", "by", "digest"))])
                if change.what == "put":
                    put.setdefault(change.table, {})[key] = row
                else:
                    key = json.dumps([None, *(row.get(name) for name in ("work_id", "field", "by", "digest"))])
                    del put[change.table][key]
    with archive.reading() as connection:
        found = digests(connection)
        assert connection.execute(select(func.count()).select_from(WORKS)).scalar_one() == 12
    assert {name: len(rows) for name, rows in put.items()} == {name: found[name].rows for name in put}
    assert set(put) == {"artists", "works", "statements", "files", "derivatives", "events"}


FILLS = """
import resource, sys
from pathlib import Path
from vasari.archive.journal import Change, Journal
from vasari.archive.statements import works_of
from vasari.archive.store import Archive
from vasari.foundation.errors import WriteError

with Archive.open(sys.argv[1]) as archive:
    with archive.writing() as writer:
        works_of(writer, ["before"])
    journal = archive.journal.path
    size = max(one.stat().st_size for one in journal.parent.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 3000, size + 3000))
    for what in ("database", "journal"):
        before = journal.read_bytes()
        try:
            if what == "database":
                with archive.writing() as writer:
                    works_of(writer, [f"{number} {'x' * 300}" for number in range(900)])
            else:
                archive.journal.append(2, "", [Change("put", "artists", [{"id": 1, "name": "x" * (size + 4000)}])])
            sys.exit(1)
        except WriteError as error:
            print(what, error)
            assert "free some space" in error.remedy or "has space" in error.remedy, error
        assert journal.read_bytes() == before
"""


def test_a_full_disk_leaves_both_as_they_were(sqlite_archive: Archive) -> None:
    """Files may not grow beyond a limit: what was begun is taken back, and goes on when there is room."""
    assert _python(FILLS, sqlite_archive.folder).wait(120) == 0
    with sqlite_archive.writing() as writer:
        works_of(writer, ["after"])
    assert _keys(sqlite_archive) == ["before", "after"]
    assert [number for number, _, _ in sqlite_archive.journal.entries()] == [1, 2]
