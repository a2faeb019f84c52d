"""The database from the journal, row for row, and the journal from the database; the old ones are kept."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from vasari.archive import database_files as files
from vasari.archive.backup import check
from vasari.archive.compaction import rewrite_journal
from vasari.archive.rebuild import rebuild
from vasari.archive.rows import digests
from vasari.archive.schema import JOURNALED, WORKS
from vasari.archive.statements import works_of
from vasari.archive.store import DATABASE, SETTINGS, Archive
from vasari.foundation.errors import ArchiveError

#: All but the plain forms of values, of which those of words that were taken back are gone after a new journal.
KEPT = [*JOURNALED, "features", "origins"]


def _digests(folder: Path) -> dict:
    with Archive.open(folder) as archive, archive.reading() as connection:
        return digests(connection)


def _aside(folder: Path) -> list[Path]:
    return sorted(folder.glob("catalog.2*.sqlite"))


def test_every_row_comes_back(archive: Archive, fill) -> None:
    fill(archive)
    before, folder = _digests(archive.folder), archive.folder
    archive.close()
    done = rebuild(folder)
    assert _digests(folder) == before
    assert done.rows == {name: before[name].rows for name in JOURNALED}
    assert (done.entries, done.carried) == (2, 12)
    with Archive.open(folder) as again, again.writing() as writer:
        works_of(writer, ["goes on"])
        assert not list(folder.glob(".*.part*"))


def test_a_damaged_file_is_kept_and_made_anew(sqlite_archive: Archive, fill) -> None:
    fill(sqlite_archive)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    sqlite_archive.close()
    (folder / DATABASE).write_bytes(b"damaged" * 999)
    done = rebuild(folder)
    after = _digests(folder)
    assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}
    assert done.carried is None and after["features"].rows == 0
    assert done.kept == _aside(folder)[0].name
    assert (folder / done.kept).read_bytes().startswith(b"damaged")


def test_a_lost_database_and_lost_settings(sqlite_archive: Archive, fill) -> None:
    fill(sqlite_archive)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    sqlite_archive.close()
    for one in (*folder.glob(DATABASE + "*"), folder / SETTINGS):
        one.unlink()
    assert rebuild(folder).kept == ""
    assert _digests(folder)["works"] == before["works"]


def test_a_lost_server(tmp_path: Path, postgres_url: str, fill) -> None:
    with Archive.create(tmp_path / "a", postgres_url) as archive:
        fill(archive)
    before = _digests(tmp_path / "a")
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    assert rebuild(tmp_path / "a").kept == ""
    after = _digests(tmp_path / "a")
    assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}


def test_old_tables_on_a_server_are_kept(tmp_path: Path, postgres_url: str, fill) -> None:
    with Archive.create(tmp_path / "a", postgres_url) as archive:
        fill(archive)
    done = rebuild(tmp_path / "a")
    schema = done.kept.removeprefix("schema ")
    with Archive.open(tmp_path / "a") as archive, archive.reading() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {schema}.works")).scalar_one() == 12


def test_who_has_the_old_file_open_cannot_write_into_it(sqlite_archive: Archive, fill) -> None:
    fill(sqlite_archive)
    with sqlite_archive.reading() as connection:
        connection.execute(select(WORKS)).all()
    rebuild(sqlite_archive.folder)
    with pytest.raises(ArchiveError, match="no longer the archive's"), sqlite_archive.writing() as writer:
        works_of(writer, ["lost"])
    assert len(list(sqlite_archive.journal.entries())) == 2


def test_what_never_happened_does_not_come_back(sqlite_archive: Archive, fill) -> None:
    fill(sqlite_archive)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    with sqlite_archive.journal.path.open("a") as file:
        file.write('{"n":3,"at":"","changes":[["put","artists",[{"id":99,"name":"Nobody"}]]]}\n{"n":4,"a')
    rebuild(folder)
    assert _digests(folder) == before


def test_an_old_copy_of_the_database_takes_all_of_the_journal(sqlite_archive: Archive, fill) -> None:
    folder = sqlite_archive.folder
    sqlite_archive.close()
    old = (folder / DATABASE).read_bytes()
    with Archive.open(folder) as archive:
        fill(archive)
        with archive.writing() as writer:
            works_of(writer, ["later"])
    before = _digests(folder)
    (folder / DATABASE).write_bytes(old)
    rebuild(folder)
    after = _digests(folder)
    assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}


def test_a_journal_that_knows_less_is_refused(archive: Archive, fill) -> None:
    fill(archive)
    before, folder = _digests(archive.folder), archive.folder
    lines = archive.journal.path.read_bytes().splitlines(keepends=True)
    archive.journal.path.write_bytes(lines[0])
    with pytest.raises(ArchiveError, match="ends at entry 1") as caught:
        rebuild(folder)
    assert "--journal" in caught.value.remedy
    archive.journal.path.unlink()
    with pytest.raises(ArchiveError, match="no journal"):
        rebuild(folder)
    assert _digests(folder) == before
    assert not _aside(folder)


def test_damage_in_the_journal_changes_nothing(archive: Archive, fill) -> None:
    fill(archive)
    before, folder = _digests(archive.folder), archive.folder
    lines = archive.journal.path.read_bytes().splitlines(keepends=True)
    archive.journal.path.write_bytes(lines[0][:-9] + b"\n" + lines[1])
    with pytest.raises(ArchiveError, match="line 1 is damaged"):
        rebuild(folder)
    assert _digests(folder) == before
    assert not list(folder.glob(".*.part*"))


def test_rows_of_an_older_vasari(sqlite_archive: Archive, fill) -> None:
    """A column that came later gets its default, one that is gone is left out."""
    fill(sqlite_archive)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    lines = []
    for line in sqlite_archive.journal.path.read_text().splitlines():
        entry = json.loads(line)
        for _, table, rows in entry["changes"]:
            for row in rows if table == "works" else ():
                del row["derived"], row["url"]
                row["gone since"] = 1
        lines.append(json.dumps(entry, separators=(",", ":")) + "\n")
    sqlite_archive.journal.path.write_text("".join(lines))
    rebuild(folder)
    assert _digests(folder) == before


def test_a_new_journal_from_the_database(archive: Archive, fill) -> None:
    fill(archive)
    for number in range(5):
        with archive.writing() as writer:
            works_of(writer, [f"more {number}"])
    before, folder = _digests(archive.folder), archive.folder
    old = archive.journal.path.read_bytes()
    archive.journal.path.write_bytes(old.splitlines(keepends=True)[0])  # it lacks the rest
    done = rewrite_journal(archive)
    assert done.rows == sum(before[name].rows for name in JOURNALED)
    assert (folder / done.kept).read_bytes() == old.splitlines(keepends=True)[0]
    with archive.writing() as writer:
        works_of(writer, ["after"])
    assert {number for number, _, _ in archive.journal.entries()} == {7, 8}
    before = _digests(folder)
    archive.close()
    rebuild(folder)
    after = _digests(folder)
    assert {name: after[name] for name in KEPT} == {name: before[name] for name in KEPT}


def test_an_old_copy_beside_a_new_journal(sqlite_archive: Archive, fill) -> None:
    """The new journal begins after the entry of the old copy: it knows all, and is not cut."""
    folder = sqlite_archive.folder
    fill(sqlite_archive)
    sqlite_archive.close()
    old = (folder / DATABASE).read_bytes()
    with Archive.open(folder) as archive:
        with archive.writing() as writer:
            works_of(writer, ["later"])
        rewrite_journal(archive)
    before = _digests(folder)
    (folder / DATABASE).write_bytes(old)
    with Archive.open(folder) as archive, pytest.raises(ArchiveError, match="old copy"), archive.writing():
        pass
    rebuild(folder)
    assert _digests(folder)["works"] == before["works"]


def test_an_empty_archive(archive: Archive) -> None:
    before, folder = _digests(archive.folder), archive.folder
    assert rewrite_journal(archive).rows == 0
    archive.journal.path.unlink()
    archive.close()
    assert rebuild(folder).entries == 0
    assert _digests(folder) == before


def test_a_busy_database_is_not_taken_for_a_damaged_one(
    sqlite_archive: Archive, fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_archive)
    monkeypatch.setattr("vasari.archive.databases.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(sqlite_archive.folder / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Exception, match="locked"):
        rebuild(sqlite_archive.folder)
    other.close()
    assert not _aside(sqlite_archive.folder)


@pytest.mark.parametrize("moment", ["settle", "retire", "set_aside", "after"])
def test_broken_off_it_is_done_again(
    sqlite_archive: Archive, fill, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Whenever it stops, nothing is lost: the same command ends it."""
    fill(sqlite_archive)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    sqlite_archive.close()
    name = "set_aside" if moment == "after" else moment
    step = {"settle": files.settle, "retire": files.retire, "set_aside": files.set_aside}[name]

    def stop(*arguments: Any) -> str:
        if moment == "after":
            step(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(files, name, stop)
        rebuild(folder)
    (folder / f".{DATABASE}.dead.part").write_bytes(b"left by a process that was killed")
    rebuild(folder)
    after = _digests(folder)
    assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}
    assert after["features"].rows == (0 if moment == "after" else 12)
    assert not list(folder.glob(".*.part*"))
    with Archive.open(folder) as archive, archive.writing() as writer:
        works_of(writer, ["goes on"])


KILLED = """
import sys
from pathlib import Path
from vasari.archive.backup import backup
from vasari.archive import database_files as files
from vasari.archive.backup import check
from vasari.archive.compaction import rewrite_journal
from vasari.archive.rebuild import rebuild
from vasari.archive.store import Archive

folder, step = Path(sys.argv[1]), sys.argv[2]
print("begins", flush=True)
for number in range(1000):
    if step == "rebuild":
        rebuild(folder)
    else:
        with Archive.open(folder) as archive:
            rewrite_journal(archive) if step == "journal" else backup(archive, folder.with_name(f"copy{number}"))
"""


@pytest.mark.slow
@pytest.mark.parametrize("step", ["rebuild", "journal", "backup"])
def test_kill_at_any_instant(sqlite_archive: Archive, fill, step: str) -> None:
    """`kill -9` of a process that does nothing else: the rows are there, or are there again after one command."""
    fill(sqlite_archive, 300)
    before, folder = _digests(sqlite_archive.folder), sqlite_archive.folder
    sqlite_archive.close()
    moments = random.Random(5)
    for _ in range(12):
        process = subprocess.Popen([sys.executable, "-c", KILLED, folder, step], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"begins\n"
        time.sleep(moments.uniform(0, 1.5))
        process.kill()
        process.wait()
        process.stdout.close()
        if not (folder / DATABASE).exists():
            rebuild(folder)
        after = _digests(folder)
        assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}
    for copy in folder.parent.glob("copy*"):
        check(copy)
    rebuild(folder)
    assert _digests(folder)["statements"] == before["statements"]
    with Archive.open(folder) as archive, archive.writing() as writer:
        works_of(writer, ["goes on"])
