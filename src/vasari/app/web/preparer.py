"""Beside a server: the process that makes reading copies ahead, started whenever pictures came that may lack one."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from vasari.app.web.iiif.image_service import pictures_shown
from vasari.app.web.iiif.known import SETTLED_S, state_of
from vasari.app.web.iiif.preparing import is_work_left
from vasari.app.web.workbench import LOG, Workbench
from vasari.archive.schema import FILES
from vasari.foundation.errors import VasariError

#: How far a pass stands back behind the server: beside two busy processes it still gets a tenth of what each has.
NICE = 10
#: Seconds between two looks whether the archive grew. While pictures are being added, a pass goes on beside it.
LOOK_EVERY_S = 2.0
#: Seconds until a pass is tried again that came to nothing, doubled each time up to the second.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 10.0, 600.0
#: Seconds that a pass has to end in when the server does.
END_S = 5.0


@contextmanager
def preparing(bench: Workbench) -> Iterator[None]:
    """Have reading copies made ahead while the block lasts, unless the settings say not to."""
    if bench.settings.copies_on_demand:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_look, args=(bench, ended), name="preparing", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2 * END_S)


def _look(bench: Workbench, ended: threading.Event) -> None:
    """Start a pass when the server starts, and when the archive has got other files than at the last."""
    journal: object = None
    files: object = None
    pause = FIRST_PAUSE_S
    while not ended.is_set():
        try:
            now = state_of(bench.archive)
            if now != journal and time.time() - now[2] / 1e9 > SETTLED_S:  # what changed it is committed
                found = _files_of(bench)
                if found != files and _is_work_left(bench) and not _passed(bench, ended):
                    ended.wait(pause)
                    pause = min(2 * pause, LONGEST_PAUSE_S)
                    continue
                journal, files, pause = now, found, FIRST_PAUSE_S
        except (VasariError, OSError) as error:  # the database is away, or there is no room for a process
            LOG.warning("reading copies are not made: %s", error)
            ended.wait(LONGEST_PAUSE_S)
        ended.wait(LOOK_EVERY_S)


def _files_of(bench: Workbench) -> tuple[int, int]:
    """What changes when an archive gets files, or finds some again."""
    query = select(func.count(), func.max(FILES.c.id)).where(FILES.c.state == "present")
    with bench.archive.reading() as connection:
        count, newest = connection.execute(query).one()
    return int(count), int(newest or 0)


def _is_work_left(bench: Workbench) -> bool:
    return is_work_left(bench.archive, bench.folder, pictures_shown(bench).copies)


def _passed(bench: Workbench, ended: threading.Event) -> bool:
    """Have a pass made by a process; False where it failed. What it skipped is told in its own words."""
    with start_pass(bench.archive.folder, bench.settings.reading_copies_gib) as process:
        while process.poll() is None and not ended.wait(0.2):
            pass
        if ended.is_set():
            _end(process)
    pictures_shown(bench).copies.cache.recount()
    if process.returncode in (0, 3) or ended.is_set():
        return True
    LOG.warning("the process that makes reading copies ended with %s", process.returncode)
    return False


def start_pass(folder: Path, gib: float) -> subprocess.Popen[bytes]:
    """A pass of low priority in a process of its own; it ends when its standard input does, so also with us."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "archive", "prepare", "--archive", str(folder)]
    command += ["--gib", str(gib), "--nice", str(NICE), "--while-stdin-is-open"]
    # In a session of its own: the terminal's Ctrl-C goes to us, and we end it in order.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
