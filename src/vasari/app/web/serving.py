"""The application behind a socket: uvicorn, with limits, and the processes that belong to it: servers and workers."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from vasari.app.settings import Settings
from vasari.app.web.application import create_app
from vasari.app.web.preparer import preparing
from vasari.app.web.workbench import LOG, Workbench
from vasari.foundation.errors import PlanError

#: How long requests may still take after Ctrl-C; streams of progress never end by themselves.
GRACE_SECONDS = 5
#: How long running jobs may still take then, before they are given back to the queue; and the worker itself.
WORKER_GRACE_SECONDS = 10
WORKER_END_SECONDS = 20.0
#: A worker that ends by itself is started again, later each time, up to this.
LONGEST_PAUSE_SECONDS = 60.0
#: Of glibc's mallopt(3): by which number the arenas are meant, and how many a server has.
_M_ARENA_MAX, _ARENAS = -8, 2


def listening(settings: Settings) -> tuple[socket.socket, Settings]:
    """A socket at the host and port of the settings, and the settings with the port it has got.

    Raises `PlanError` where the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(512)
    except (OSError, OverflowError) as error:
        listener.close()
        raise PlanError(
            f"{settings.host} port {settings.port} cannot be listened at: {error}.",
            remedy="choose another --port, or end what listens there",
        ) from error
    return listener, replace(settings, port=listener.getsockname()[1])


def keep_memory_together() -> None:
    """Let glibc allocate in two arenas, not in one for each of some dozen threads: what they free is used again sooner.

    With them a server held a tenth less after the same requests. For processes that serve and do nothing else; where
    MALLOC_ARENA_MAX is set, that holds; where the C library is another, nothing happens.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def server_of(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """The server, ready to run on a socket."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=bool(settings.trusted_proxy),
        forwarded_allow_ips=settings.trusted_proxy or None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=30,
    )
    return uvicorn.Server(config)


def check_may_serve(workbench: Workbench) -> None:
    """Refuse to serve other machines while there are no accounts; raises `PlanError`."""
    settings = workbench.settings
    if settings.is_local or workbench.accounts.are_there():
        return
    where = "With --accounts" if settings.accounts else f"At {settings.host} other machines reach the workbench: there"
    raise PlanError(
        f"{where} each visitor must log in, and there are no accounts.",
        remedy=f"make one: vasari accounts add NAME --role admin --archive {workbench.archive.folder}",
    )


def run(workbench: Workbench, listener: socket.socket) -> None:
    """Serve until Ctrl-C or SIGTERM, with the workers and the further servers that the settings ask for.

    Returns when all of it has ended.
    """
    keep_memory_together()
    folder, settings = workbench.archive.folder, workbench.settings
    server = server_of(create_app(workbench), settings)  # before the rest: an interrupt would break it midway
    further = kept_alive(partial(start_sibling, folder, settings, listener), settings.processes - 1)
    with _ending_on_sigterm(), workers(folder, settings.workers), further, preparing(workbench):
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:  # uvicorn has ended by it, and hands it on
            LOG.info("ended by a signal")


@contextmanager
def _ending_on_sigterm() -> Iterator[None]:
    """Let SIGTERM be as Ctrl-C: uvicorn raises it again after its own end, and ours must come after that."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


@contextmanager
def workers(folder: Path, count: int) -> Iterator[None]:
    """Keep `count` worker processes alive while the block lasts, then ask them to end and wait for it."""
    with kept_alive(partial(start_worker, folder), count):
        yield


@contextmanager
def kept_alive(start: Callable[[], subprocess.Popen[bytes]], count: int) -> Iterator[None]:
    """Keep `count` processes alive while the block lasts, then ask them to end and wait for it."""
    ended = threading.Event()
    threads = [threading.Thread(target=_keep_alive, args=(start, ended), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join(WORKER_END_SECONDS + 5)


def _keep_alive(start: Callable[[], subprocess.Popen[bytes]], ended: threading.Event) -> None:
    """One process, started again when it ends by itself, until `ended`."""
    pause = 1.0
    while not ended.is_set():
        started = time.monotonic()
        try:
            process = start()
        except (OSError, ValueError) as error:  # no room for a process; or the socket it would share was just closed
            LOG.warning("a process of the workbench could not be started: %s; tried again in %g s", error, pause)
            ended.wait(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            continue
        while process.poll() is None and not ended.wait(0.2):
            pass
        if ended.is_set():
            _end(process)
            return
        pause = 1.0 if time.monotonic() - started > LONGEST_PAUSE_SECONDS else min(LONGEST_PAUSE_SECONDS, pause * 2)
        LOG.warning("a process of the workbench ended with %s; the next starts in %g s", process.returncode, pause)
        ended.wait(pause)


def start_worker(folder: Path) -> subprocess.Popen[bytes]:
    """A worker process for an archive. Its standard input is a pipe of ours: where we are gone, it reads the end."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "worker", str(folder), "--while-stdin-is-open"]
    command += ["--grace-s", str(WORKER_GRACE_SECONDS)]
    # In a session of its own: the terminal's Ctrl-C goes to us, and we end it in order.
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


def start_sibling(folder: Path, settings: Settings, listener: socket.socket) -> subprocess.Popen[bytes]:
    """One more server at the same socket, in a process of its own; see `vasari.app.web.sibling`."""
    number = listener.fileno()
    command = [sys.executable, "-m", "vasari.app.web.sibling", str(folder), str(number), json.dumps(asdict(settings))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=(number,), start_new_session=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(WORKER_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
