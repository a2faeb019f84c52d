"""An archive as a folder: made, opened, upgraded, and what it says of what is wrong with it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from vasari.archive.rebuild import rebuild
from vasari.archive.schema import FACTS, WORKS
from vasari.archive.statements import works_of
from vasari.archive.store import DATABASE, JOURNAL, SETTINGS, Archive, read_settings
from vasari.foundation.errors import ArchiveError, PlanError, WriteError


def test_what_is_made_can_be_opened(archive: Archive) -> None:
    with archive.writing() as writer:
        works_of(writer, ["a", "b"])
    with Archive.open(archive.folder) as again, again.reading() as connection:
        assert connection.execute(select(WORKS.c.key).order_by(WORKS.c.id)).scalars().all() == ["a", "b"]
        assert again.fact("journal") == "1"


@pytest.mark.parametrize("name", ["what? #1 100%", "Ärchiv «a» 档案", "a;b&c=d"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    with Archive.create(tmp_path / name) as made, made.writing() as writer:
        works_of(writer, ["a"])
    assert {one.name for one in (tmp_path / name).iterdir()} >= {DATABASE, JOURNAL, SETTINGS}
    with Archive.open(tmp_path / name) as again:
        assert again.fact("journal") == "1"


def test_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="holds no archive"):
        Archive.open(tmp_path)


@pytest.mark.parametrize("words", [b"id = \n", b"\xff\xfe", b"database = 5\n"])
def test_damaged_settings(sqlite_archive: Archive, words: bytes) -> None:
    (sqlite_archive.folder / SETTINGS).write_bytes(words)
    with pytest.raises(ArchiveError, match="cannot be read"):
        Archive.open(sqlite_archive.folder)


def test_a_second_archive_in_the_same_place(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="holds an archive already"):
        Archive.create(archive.folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(ArchiveError, match="not empty"):
        Archive.create(tmp_path / "full")


def test_a_database_that_is_taken(tmp_path: Path, postgres_url: str) -> None:
    with Archive.create(tmp_path / "one", postgres_url), pytest.raises(ArchiveError, match="holds an archive"):
        Archive.create(tmp_path / "two", postgres_url)
    assert not (tmp_path / "two" / SETTINGS).exists()


@pytest.mark.parametrize("url", ["mysql://a/b", "nothing at all", "oracle://x", "no-such://x"])
def test_an_address_of_another_sort(tmp_path: Path, url: str) -> None:
    with pytest.raises(PlanError, match="database address"):
        Archive.create(tmp_path / "a", url)


def test_the_password_is_not_kept(tmp_path: Path, postgres_url: str) -> None:
    secret = make_url(postgres_url).set(password="se:cr@t").update_query_dict({"password": "se:cr@t"})
    with Archive.create(tmp_path / "a", secret.render_as_string(hide_password=False)):
        pass
    assert "cr@t" not in (tmp_path / "a" / SETTINGS).read_text() and "cr%40t" not in str(read_settings(tmp_path / "a"))
    with Archive.open(tmp_path / "a") as again:
        assert again.fact("journal") == "0"


def test_a_lost_database(sqlite_archive: Archive) -> None:
    sqlite_archive.close()
    for one in sqlite_archive.folder.glob(DATABASE + "*"):
        one.unlink()
    with pytest.raises(ArchiveError, match="lost its database") as caught:
        Archive.open(sqlite_archive.folder)
    assert "rebuild" in caught.value.remedy
    assert not (sqlite_archive.folder / DATABASE).exists()


def test_an_emptied_database_comes_back_as_the_remedy_says(sqlite_archive: Archive) -> None:
    with sqlite_archive.writing() as writer:
        works_of(writer, ["kept"])
    sqlite_archive.close()
    for one in sqlite_archive.folder.glob(DATABASE + "*"):
        one.write_bytes(b"")
    with pytest.raises(ArchiveError, match="is empty") as caught:
        Archive.open(sqlite_archive.folder)
    assert "vasari archive rebuild" in caught.value.remedy
    rebuild(sqlite_archive.folder)
    with Archive.open(sqlite_archive.folder) as again, again.reading() as connection:
        assert connection.execute(select(WORKS.c.key)).scalars().all() == ["kept"]


def test_a_lost_server(tmp_path: Path, postgres_url: str) -> None:
    with Archive.create(tmp_path / "a", postgres_url):
        pass
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    with pytest.raises(ArchiveError, match="is empty"):
        Archive.open(tmp_path / "a")
    settings = tmp_path / "a" / SETTINGS
    settings.write_text('id = "0"\ndatabase = "postgresql://nobody@127.0.0.1:1/none"\n')
    with pytest.raises(ArchiveError, match="cannot be read"):
        Archive.open(tmp_path / "a")


@pytest.mark.parametrize("damage", ["no database", "torn"])
def test_a_damaged_database(sqlite_archive: Archive, damage: str) -> None:
    sqlite_archive.close()
    path = sqlite_archive.folder / DATABASE
    path.write_bytes(b"this is a letter, not a database" * 99 if damage == "no database" else path.read_bytes()[:4500])
    with pytest.raises(ArchiveError, match="cannot be read") as caught:
        Archive.open(sqlite_archive.folder)
    assert "rebuild" in caught.value.remedy


def test_a_newer_and_an_older_revision(archive: Archive) -> None:
    def at(revision: str) -> None:
        with archive.engine.connect().execution_options(writes=True) as connection, connection.begin():
            connection.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": revision})

    at("9999")
    for refused in (Archive.open, Archive.upgrade):
        with pytest.raises(ArchiveError, match="newer than this Vasari") as caught:
            refused(archive.folder)
        assert caught.value.remedy == "update Vasari"
    at("0001")
    with pytest.raises(ArchiveError, match="revision 0001") as caught:
        Archive.open(archive.folder)
    assert "archive upgrade" in caught.value.remedy


def test_upgrading_what_is_new_changes_nothing(archive: Archive) -> None:
    before, after = Archive.upgrade(archive.folder)
    assert before == after


def test_tables_of_another_program(tmp_path: Path, postgres_url: str) -> None:
    engine = create_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) primary key)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('f00dcafe')"))
    engine.dispose()
    with pytest.raises(ArchiveError, match="another program"):
        Archive.create(tmp_path / "a", postgres_url)


def test_reading_sees_one_state(archive: Archive) -> None:
    with archive.reading() as connection:
        before = connection.execute(select(WORKS.c.key)).scalars().all()
        with archive.writing() as writer:
            works_of(writer, ["meanwhile"])
        assert connection.execute(select(WORKS.c.key)).scalars().all() == before == []
    with archive.reading() as connection:
        assert connection.execute(select(WORKS.c.key)).scalars().all() == ["meanwhile"]


def test_what_a_reader_changes_is_thrown_away(archive: Archive) -> None:
    with archive.reading() as connection:
        connection.execute(FACTS.insert().values(name="mine", value="1"))
    with archive.reading() as connection:
        assert connection.execute(select(FACTS).where(FACTS.c.name == "mine")).all() == []


def test_a_busy_database_is_told(sqlite_archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vasari.archive.databases.BUSY_SECONDS", 0.05)
    other = sqlite3.connect(sqlite_archive.folder / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    hasty = Archive.open(sqlite_archive.folder)
    with hasty, pytest.raises(WriteError, match="locked") as caught, hasty.writing():
        pass
    assert "wait" in caught.value.remedy
    other.close()


def test_a_full_disk_keeps_nothing_and_says_what_to_do(sqlite_archive: Archive) -> None:
    """The database may grow by a few pages only: SQLite says that the disk is full."""
    with sqlite_archive.writing() as writer:
        works_of(writer, ["first"])
    journal = (sqlite_archive.folder / JOURNAL).read_bytes()
    with pytest.raises(WriteError, match="full") as caught, sqlite_archive.writing() as writer:
        pages = writer.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        writer.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")
        works_of(writer, [f"work {number} {'x' * 100}" for number in range(3000)])
    assert "free some space" in caught.value.remedy
    assert (sqlite_archive.folder / JOURNAL).read_bytes() == journal
    sqlite_archive.close()
    with Archive.open(sqlite_archive.folder) as again, again.writing() as writer:
        works_of(writer, ["second"])  # goes on when there is room
        assert writer.connection.execute(select(WORKS.c.key)).scalars().all() == ["first", "second"]


def test_what_could_not_be_made_leaves_the_folder_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, values: object) -> None:
        raise WriteError("The disk is full.", remedy="free some space")

    with monkeypatch.context() as patch, pytest.raises(WriteError, match="full"):
        patch.setattr("vasari.archive.store.write_settings", full)
        Archive.create(tmp_path / "art")
    assert list((tmp_path / "art").iterdir()) == []
    Archive.create(tmp_path / "art").close()
