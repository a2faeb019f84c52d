"""The engine for a SQLite file: several processes may open a new file at the same moment."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from vasari.archive import databases


@contextmanager
def being_written(path: Path, *, until_after: float) -> Iterator[None]:
    """A new file that is not in WAL mode yet, and that another holds for writing for so many seconds."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("CREATE TABLE things (number INTEGER)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO things VALUES (1)")
        ends = threading.Timer(until_after, other.execute, ("COMMIT",))
        ends.start()
        try:
            yield
        finally:
            ends.join()


def test_a_file_that_another_writes_at_the_moment_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    with being_written(path, until_after=0.3):
        engine = databases.engine_of_file(path)
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
            assert connection.execute(text("SELECT number FROM things")).scalars().all() == [1]
        engine.dispose()


def test_it_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "BUSY_SECONDS", 0.1)
    path = tmp_path / "new.sqlite"
    with being_written(path, until_after=1.0), pytest.raises(OperationalError, match="locked"):
        databases.engine_of_file(path).connect()
