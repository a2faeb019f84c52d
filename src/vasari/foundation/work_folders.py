"""A hidden folder beside a result, for what is in the making; those of killed processes are removed.

FOLDER/.vasari-work-XXXX/        of one run; any number of runs may work in FOLDER at a time
FOLDER/.vasari-work-XXXX/lock    held while the run lives; the system frees it when its process dies
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from vasari.foundation.errors import WriteError

PREFIX = ".vasari-work-"
LOCK_NAME = "lock"


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """A new hidden folder in `folder`, which is made, gone afterwards; raises `WriteError`.

    What killed runs left in `folder` is removed first; what living ones work in stays.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            remove_dead(folder)
            work = _claimed(folder, stack)
        except OSError as error:
            raise WriteError(
                f"{folder} cannot be written into: {error.strerror or error}.",
                remedy="choose a folder that you may write to",
            ) from error
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def remove_dead(folder: Path) -> None:
    """Delete the folders for work in `folder` whose lock nobody holds; one without a lock is left alone."""
    for work in folder.glob(f"{PREFIX}*"):
        try:
            with (work / LOCK_NAME).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(work, ignore_errors=True)
        except OSError:  # held, not ours, or on a file system without locks
            continue


def _claimed(folder: Path, stack: ExitStack) -> Path:
    """A new folder for work, its lock held until `stack` closes; raises `OSError`."""
    while True:
        work = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        try:
            lock = stack.enter_context((work / LOCK_NAME).open("xb"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # another run came between making and holding the lock, and takes the folder away
        except OSError:
            (work / LOCK_NAME).unlink(missing_ok=True)  # without locks nobody can tell, and nobody shall try
            return work
        if _stands(work / LOCK_NAME, lock):
            return work


def _stands(path: Path, file: IO[bytes]) -> bool:
    """True where `path` is still the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
