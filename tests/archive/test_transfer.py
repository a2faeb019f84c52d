"""SQLite to PostgreSQL and back: the same rows in every table, or the archive as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from vasari.archive.rows import digests
from vasari.archive.statements import works_of
from vasari.archive.store import DATABASE, SETTINGS, Archive, read_settings
from vasari.archive.transfer import transfer
from vasari.foundation.errors import ArchiveError, PlanError, VasariError


def _digests(folder: Path) -> dict:
    with Archive.open(folder) as archive, archive.reading() as connection:
        return digests(connection)


def test_there_and_back(sqlite_archive: Archive, postgres_url: str, second_postgres_url: str, fill) -> None:
    fill(sqlite_archive, 340)  # more than a batch of statements
    folder = sqlite_archive.folder
    before = _digests(folder)
    assert all(before[name].rows for name in ("works", "features", "terms", "words", "derivatives", "events"))
    there = transfer(sqlite_archive, postgres_url)
    assert there.rows == {name: one.rows for name, one in before.items()}
    assert _digests(folder) == before
    assert not (folder / DATABASE).exists() and (folder / there.kept).exists()
    for url in (second_postgres_url, None):  # to another server, and to SQLite again
        transfer(Archive.open(folder), url)
        assert _digests(folder) == before
    assert "database" not in read_settings(folder)
    with Archive.open(folder) as archive:
        assert archive.engine.dialect.name == "sqlite"
        with archive.writing() as writer:
            works_of(writer, ["goes on"])
    assert not list(folder.glob(".*.part*"))


def test_who_has_the_old_one_open_is_told(sqlite_archive: Archive, postgres_url: str, fill) -> None:
    fill(sqlite_archive)
    with Archive.open(sqlite_archive.folder) as other:
        assert other.fact("journal") == "2"
        transfer(sqlite_archive, postgres_url)
        with pytest.raises(ArchiveError, match="no longer the archive's"), other.writing() as writer:
            works_of(writer, ["lost"])


def test_a_database_that_is_taken_or_away(sqlite_archive: Archive, postgres_url: str, tmp_path: Path, fill) -> None:
    fill(sqlite_archive)
    folder = sqlite_archive.folder
    before, settings = _digests(folder), (folder / SETTINGS).read_bytes()
    with Archive.create(tmp_path / "other", postgres_url):
        pass
    for url in (postgres_url, "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(VasariError) as caught:
            transfer(sqlite_archive, url)
        assert caught.value.remedy
    with pytest.raises(PlanError, match="already"):
        transfer(sqlite_archive, None)
    assert _digests(folder) == before
    assert (folder / SETTINGS).read_bytes() == settings


def test_broken_off_in_the_middle(sqlite_archive: Archive, postgres_url: str, fill) -> None:
    """After a failure the same address serves again."""
    fill(sqlite_archive)
    before = _digests(sqlite_archive.folder)

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer(sqlite_archive, postgres_url, stop)
    assert _digests(sqlite_archive.folder) == before
    transfer(sqlite_archive, postgres_url)
    assert _digests(sqlite_archive.folder) == before
