"""Folders for work beside results: gone afterwards, removed after a kill, and never taken from a living run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vasari.foundation import work_folders
from vasari.foundation.errors import WriteError
from vasari.foundation.work_folders import LOCK_NAME, PREFIX, work_folder

WORKING = """
import sys
from pathlib import Path
from vasari.foundation.work_folders import work_folder
with work_folder(Path(sys.argv[1])) as work:
    (work / "half.png").write_bytes(b"half")
    print(work, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Another process at work in `tmp_path`, and its folder."""
    command = [sys.executable, "-c", WORKING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def test_it_is_gone_afterwards_whatever_happens(tmp_path: Path) -> None:
    with work_folder(tmp_path / "new") as work:
        assert work.parent == tmp_path / "new" and work.name.startswith(PREFIX)
    with pytest.raises(ZeroDivisionError), work_folder(tmp_path / "new") as work:
        (work / "a.png").write_bytes(b"a")
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path, other) -> None:
    process, left = other
    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / f"{PREFIX}of-mine").mkdir()  # no lock, so not known to be dead
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (left / "half.png").exists()
    with work_folder(tmp_path) as work:
        assert sorted(one.name for one in tmp_path.iterdir()) == sorted([work.name, f"{PREFIX}of-mine", "mine.png"])


def test_a_living_process_keeps_its_folder(tmp_path: Path, other) -> None:
    process, theirs = other
    with work_folder(tmp_path) as work, work_folder(tmp_path) as more:
        assert len({work, more, theirs}) == 3
        assert work.exists() and more.exists()
        assert (theirs / "half.png").read_bytes() == b"half"
    assert process.poll() is None and [one.name for one in tmp_path.iterdir()] == [theirs.name]
    process.communicate("")
    assert process.returncode == 0 and list(tmp_path.iterdir()) == []


def test_a_folder_removed_before_its_lock_was_held_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run comes just before the lock is held, and takes the folder for a dead one's."""
    flock, calls = work_folders.fcntl.flock, []

    def late(lock, how) -> None:
        calls.append(lock.name)
        if len(calls) == 1:
            work_folders.remove_dead(tmp_path)
        flock(lock, how)

    monkeypatch.setattr(work_folders.fcntl, "flock", late)
    with work_folder(tmp_path) as work:
        assert work != Path(calls[0]).parent and (work / LOCK_NAME).exists()
        assert [one.name for one in tmp_path.iterdir()] == [work.name]


def test_many_at_once_in_one_folder_survive(tmp_path: Path) -> None:
    lost = []

    def working() -> None:
        for _ in range(40):
            with work_folder(tmp_path) as work:
                (work / "a").write_bytes(b"a")
                work_folders.remove_dead(tmp_path)
                if not (work / "a").exists():
                    lost.append(work)

    threads = [threading.Thread(target=working) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not lost and list(tmp_path.iterdir()) == []


def test_without_locks_it_works_and_nobody_takes_it_for_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(lock, how) -> None:
        raise OSError(95, "Operation not supported")

    with monkeypatch.context() as patched:
        patched.setattr(work_folders.fcntl, "flock", unknown)
        with work_folder(tmp_path) as work:
            assert work.exists() and not (work / LOCK_NAME).exists()
            patched.undo()
            work_folders.remove_dead(tmp_path)
            assert work.exists()
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError, match="cannot be written into"), work_folder(tmp_path / "file"):
        pass
