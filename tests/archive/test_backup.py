"""A whole copy while others write, checked by itself and by `sha256sum`, and the archive brought back from it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, update

from vasari.archive.backup import ABOUT, SUMS, backup, check, recover
from vasari.archive.rebuild import rebuild
from vasari.archive.rows import digests
from vasari.archive.schema import FILES, JOURNALED
from vasari.archive.statements import works_of
from vasari.archive.store import DATABASE, Archive
from vasari.foundation.errors import ArchiveError, PlanError


def _digests(folder: Path) -> dict:
    with Archive.open(folder) as archive, archive.reading() as connection:
        return digests(connection)


def _masters(archive: Archive, count: int = 3) -> list[Path]:
    """Copied masters of the first works."""
    paths = []
    with archive.writing() as writer:
        for id in range(1, count + 1):
            row = dict(writer.connection.execute(select(FILES).where(FILES.c.id == id)).mappings().one())
            data = bytes([id]) * 5000
            sha256 = hashlib.sha256(data).hexdigest()
            path = archive.folder / "masters" / sha256[:2] / f"{sha256}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            place = path.relative_to(archive.folder).as_posix()
            writer.put(FILES, [{**row, "path": place, "sha256": sha256, "content": sha256, "copied": True}])
            paths.append(path)
        writer.connection.execute(update(FILES).where(FILES.c.id > count).values(copied=False))
    return paths


def test_a_backup_and_back(archive: Archive, tmp_path: Path, fill) -> None:
    fill(archive)
    before = _digests(archive.folder)
    done = backup(archive, tmp_path / "copy")
    assert (done.journal, done.files, done.masters) == (2, 5, 0)
    assert {one.name for one in (tmp_path / "copy").iterdir()} == {
        "archive.toml", ABOUT, DATABASE, "journal.jsonl", SUMS,
    }  # fmt: skip
    subprocess.run(["sha256sum", "--quiet", "--strict", "-c", SUMS], cwd=tmp_path / "copy", check=True)
    with archive.writing() as writer:
        works_of(writer, ["after the backup"])
    recover(tmp_path / "copy", tmp_path / "back")
    assert _digests(tmp_path / "back") == before
    rebuild(tmp_path / "back")
    assert _digests(tmp_path / "back") == before
    assert not list(tmp_path.glob(".*"))


def test_masters_are_taken_and_compared(sqlite_archive: Archive, tmp_path: Path, fill) -> None:
    fill(sqlite_archive)
    masters = _masters(sqlite_archive)
    whole = backup(sqlite_archive, tmp_path / "whole", masters=True)
    assert (whole.masters, whole.wrong) == (3, [])
    masters[0].write_bytes(b"\0" + masters[0].read_bytes()[1:])
    masters[1].unlink()
    done = backup(sqlite_archive, tmp_path / "copy", masters=True)
    assert sorted(Path(one).name for one in done.wrong) == sorted(one.name for one in masters[:2])
    recover(tmp_path / "whole", tmp_path / "back")
    place = masters[0].relative_to(sqlite_archive.folder)
    assert hashlib.sha256((tmp_path / "back" / place).read_bytes()).hexdigest() == masters[0].stem


def test_back_on_a_server(sqlite_archive: Archive, tmp_path: Path, postgres_url: str, fill) -> None:
    fill(sqlite_archive)
    backup(sqlite_archive, tmp_path / "copy")
    recover(tmp_path / "copy", tmp_path / "back", postgres_url)
    with Archive.open(tmp_path / "back") as back:
        assert back.engine.dialect.name == "postgresql"
    assert _digests(tmp_path / "back") == _digests(sqlite_archive.folder)


def test_others_may_write_meanwhile(archive: Archive, tmp_path: Path, fill) -> None:
    """Each backup is of one state: its journal makes its own database."""
    fill(archive)
    stop = threading.Event()

    def write() -> None:
        with Archive.open(archive.folder) as other:
            number = 0
            while not stop.is_set():
                number += 1
                with other.writing() as writer:
                    works_of(writer, [f"meanwhile {number}"])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(2):
            backup(archive, tmp_path / f"copy{number}")
    finally:
        stop.set()
        thread.join()
    for number in range(2):
        recover(tmp_path / f"copy{number}", tmp_path / f"back{number}")
        before = _digests(tmp_path / f"back{number}")
        (tmp_path / f"back{number}" / DATABASE).unlink()
        rebuild(tmp_path / f"back{number}")
        after = _digests(tmp_path / f"back{number}")
        assert {name: after[name] for name in JOURNALED} == {name: before[name] for name in JOURNALED}


@pytest.mark.parametrize("harmed", [DATABASE, "journal.jsonl", ABOUT])
def test_a_harmed_backup_is_refused(sqlite_archive: Archive, tmp_path: Path, harmed: str, fill) -> None:
    fill(sqlite_archive, 2)
    backup(sqlite_archive, tmp_path / "copy")
    data = bytearray((tmp_path / "copy" / harmed).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "copy" / harmed).write_bytes(data)
    with pytest.raises(ArchiveError, match="not what was backed up"):
        recover(tmp_path / "copy", tmp_path / "back")
    (tmp_path / "copy" / harmed).unlink()
    with pytest.raises(ArchiveError, match="not what was backed up"):
        check(tmp_path / "copy")
    assert not (tmp_path / "back").exists()


def test_what_is_no_backup(tmp_path: Path, sqlite_archive: Archive) -> None:
    with pytest.raises(ArchiveError, match="no backup"):
        recover(sqlite_archive.folder, tmp_path / "back")
    backup(sqlite_archive, tmp_path / "copy")
    sums = (tmp_path / "copy" / SUMS).read_text()
    (tmp_path / "copy" / SUMS).write_text(sums + f"{'0' * 64}  ../../outside\n")
    with pytest.raises(ArchiveError, match="outside"):
        check(tmp_path / "copy")


def test_nothing_is_written_over(sqlite_archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(PlanError, match="exists already"):
        backup(sqlite_archive, tmp_path / "mine")
    with pytest.raises(PlanError, match="is inside"):
        backup(sqlite_archive, sqlite_archive.folder / "backup")
    backup(sqlite_archive, tmp_path / "copy")
    with pytest.raises(PlanError, match="exists already"):
        recover(tmp_path / "copy", tmp_path / "mine")
    shutil.rmtree(tmp_path / "copy")
