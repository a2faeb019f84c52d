"""`vasari worker`: does the jobs of a workbench, on any number of machines."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from vasari.app.cli.archive.opening import archive_extra
from vasari.app.cli.progress import printable
from vasari.foundation.errors import ExitCode, PlanError


def worker(
    archive: Annotated[
        Path, Parameter(help="the archive's folder; workers on other machines see it by the same files")
    ],
    *,
    jobs: Annotated[int, Parameter(help="jobs at a time, each in a process of its own")] = 1,
    once: Annotated[bool, Parameter(help="end when nothing waits", negative=())] = False,
    memory_gb: Annotated[float, Parameter(help="memory of each of these processes, in GiB; 0 for all there is")] = 0.0,
    hours: Annotated[float, Parameter(help="longest time of a job, in hours")] = 72.0,
    lease_s: Annotated[float, Parameter(help="seconds after which another takes over from a worker that died")] = 60.0,
    grace_s: Annotated[float, Parameter(help="seconds that running jobs are given at the end")] = 30.0,
    operations: Annotated[
        tuple[str, ...], Parameter(help="do jobs of these alone, such as restore train", consume_multiple=True)
    ] = (),
    while_stdin_is_open: Annotated[bool, Parameter(help="end when stdin closes", negative=(), show=False)] = False,
) -> int:
    """Do the jobs of a workbench until Ctrl-C or SIGTERM, which lets running ones finish, or gives them back.

    A job whose worker died is taken over by another after its lease, and goes on where it was.
    """
    with archive_extra():
        from vasari.app.operations.table import operation_of
        from vasari.app.worker import Worker, WorkerOptions
    for name in operations:
        operation_of(name)
    if not (archive / "archive.toml").is_file():
        raise PlanError(f"{archive} holds no archive.", remedy="make one: vasari archive init DIR")
    stop = threading.Event()
    _listen(stop)
    if while_stdin_is_open:
        threading.Thread(target=_wait_for_the_end, args=(stop,), daemon=True).start()
    options = WorkerOptions(jobs, memory_gb, hours, lease_s, grace_s, operations)
    Worker(archive.resolve(), options, stop, lambda text: print(printable(text), file=sys.stderr, flush=True)).run(once)
    return ExitCode.DONE


def _listen(stop: threading.Event) -> None:
    """Let Ctrl-C and SIGTERM end the worker in peace, and a second one at once."""

    def told(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(ExitCode.INTERRUPTED)
        print("vasari: ending; once more ends at once, and jobs go on elsewhere", file=sys.stderr, flush=True)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)


def _wait_for_the_end(stop: threading.Event) -> None:
    """Whoever holds the other end of stdin is gone when it closes, even killed."""
    while os.read(0, 1024):
        pass
    stop.set()
