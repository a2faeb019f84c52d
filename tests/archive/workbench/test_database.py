"""The workbench's tables beside an archive, on both databases, and the archive that does not mind them."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, inspect, select, text

import vasari.archive.workbench as package
from vasari.archive import transfer
from vasari.archive.backup import backup, recover
from vasari.archive.rebuild import rebuild
from vasari.archive.schema import METADATA as ARCHIVE_METADATA
from vasari.archive.store import Archive
from vasari.archive.workbench.accounts_schema import ACCOUNTS, AUDIT
from vasari.archive.workbench.database import DATABASE, WorkbenchDatabase, _config
from vasari.archive.workbench.metadata import METADATA, VERSION_TABLE
from vasari.archive.workbench.schema import UPLOADS
from vasari.foundation.errors import ArchiveError, WriteError

ROW = {
    "sha256": "a" * 64, "name": "scan.tif", "suffix": ".tif", "bytes": 7_000_000_000, "kind": "picture",
    "format": "TIFF", "width": 3, "height": 2, "pages": 1, "owner": "", "created": 1.5,
}  # fmt: skip


def test_the_migrations_make_what_the_tables_say(archive: Archive) -> None:
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    with WorkbenchDatabase.open(archive) as database, database.engine.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables,
        }
        assert compare_metadata(MigrationContext.configure(connection, opts=options), METADATA) == []
        assert not set(METADATA.tables) & set(ARCHIVE_METADATA.tables)
        assert ("works" in inspect(connection).get_table_names()) == (connection.dialect.name == "postgresql")


def test_what_was_sent_in_before_it_could_have_several_names_is_kept(archive: Archive) -> None:
    """Up to the third revision and back, with rows in the table."""

    def moved(database: WorkbenchDatabase, move: Callable[[Config, str], None], revision: str) -> None:
        config = _config()
        with database.writing() as connection:
            config.attributes["connection"] = connection
            move(config, revision)

    with WorkbenchDatabase.open(archive) as database:
        with database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW, {**ROW, "name": "a.tif"}])
        moved(database, command.downgrade, "0002")
        with database.reading() as connection:
            assert list(connection.execute(select(UPLOADS.c.name)).scalars()) == ["a.tif"]
        moved(database, command.upgrade, "0003")
        with database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW])
        with pytest.raises(WriteError), database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW])
        with database.reading() as connection:
            assert set(connection.execute(select(UPLOADS.c.name)).scalars()) == {"a.tif", "scan.tif"}


def test_opened_by_several_at_once(archive: Archive) -> None:
    opened: list[WorkbenchDatabase] = []
    threads = [threading.Thread(target=lambda: opened.append(WorkbenchDatabase.open(archive))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    for database in opened:
        database.close()


def test_what_is_written_is_kept_whole_or_not_at_all(archive: Archive) -> None:
    with WorkbenchDatabase.open(archive.folder) as database:
        with database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW])
        with pytest.raises(ZeroDivisionError), database.writing() as connection:
            connection.execute(insert(UPLOADS), [{**ROW, "sha256": "b" * 64}])
            raise ZeroDivisionError
    with WorkbenchDatabase.open(archive) as database, database.reading() as connection:
        assert [dict(row) for row in connection.execute(select(UPLOADS)).mappings()] == [ROW]


def test_a_newer_workbench_is_refused(archive: Archive) -> None:
    with WorkbenchDatabase.open(archive) as database, database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(ArchiveError, match="newer Vasari"):
        WorkbenchDatabase.open(archive)


def test_the_archive_is_backed_up_and_made_anew_beside_it(archive: Archive, tmp_path: Path) -> None:
    with WorkbenchDatabase.open(archive) as database:
        with database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW])
        backup(archive, tmp_path / "backup")
        archive.close()
        rebuild(archive.folder)
        with Archive.open(archive.folder), database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(UPLOADS)).scalar_one() == 1


def test_an_archive_comes_back_to_a_server_where_a_workbench_is(sqlite_archive: Archive, postgres_url: str) -> None:
    transfer.transfer(sqlite_archive, postgres_url)
    with Archive.open(sqlite_archive.folder) as moved, WorkbenchDatabase.open(moved) as database:
        assert not (moved.folder / DATABASE).exists()
        with database.writing() as connection:
            connection.execute(insert(UPLOADS), [ROW])
        with moved.engine.connect() as connection:
            names = {"include_name": lambda name, kind, _: kind != "table" or name in ARCHIVE_METADATA.tables}
            assert compare_metadata(MigrationContext.configure(connection, opts=names), ARCHIVE_METADATA) == []


def test_a_workbench_goes_along(sqlite_archive: Archive, postgres_url: str, tmp_path: Path) -> None:
    """From SQLite to a server and back, into a backup and out of it: each row, and the next number after the last."""
    folder = sqlite_archive.folder
    accounts = {"name": "ann", "password": "x", "role": "admin", "enabled": True, "created": 1.0}
    said = {"at": 1.0, "who": "ann", "address": "", "event": "log-in", "object": "", "detail": {"a": [1]}}
    with WorkbenchDatabase.open(sqlite_archive) as database, database.writing() as connection:
        connection.execute(insert(UPLOADS), [ROW])
        connection.execute(insert(ACCOUNTS), [accounts])
        connection.execute(insert(AUDIT), [said, said])
    for url in (postgres_url, None):
        with Archive.open(folder) as archive:
            transfer.transfer(archive, url)
        assert (folder / DATABASE).exists() == (url is None)
        with WorkbenchDatabase.open(folder) as database, database.writing() as connection:
            assert [dict(row) for row in connection.execute(select(UPLOADS)).mappings()] == [ROW]
            assert [dict(row) for row in connection.execute(select(ACCOUNTS)).mappings()] == [accounts]
            connection.execute(insert(AUDIT), [said])
            ids = list(connection.execute(select(AUDIT.c.id).order_by(AUDIT.c.id)).scalars())
            assert ids == list(range(1, len(ids) + 1))
    with Archive.open(folder) as archive:
        backup(archive, tmp_path / "copy")
    recover(tmp_path / "copy", tmp_path / "again")
    with WorkbenchDatabase.open(tmp_path / "again") as database, database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(AUDIT)).scalar_one() == 4
        assert dict(connection.execute(select(AUDIT)).mappings().first() or {})["detail"] == {"a": [1]}
