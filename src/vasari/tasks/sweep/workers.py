"""The servers that train a sweep's runs (`process`): started when needed, lent to one run at a time, ended with us."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from vasari.foundation.execute import Stop

SECONDS_TO_SAVE = 60.0
POLL_SECONDS = 0.2
PACKAGES = Path(__file__).parents[3]

Server = subprocess.Popen[bytes]


class Crew:
    """Servers by need, as many as there are threads that ask at a time; `stop` ends all that train, saved.

    with Crew(folder, threads=1) as crew:
        crew.train(job)
    """

    def __init__(self, folder: Path, threads: int) -> None:
        self.stop = Stop()
        self._folder, self._threads = folder, threads
        self._idle: list[Server] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._idle:
            _end(server)

    def train(self, job: Mapping[str, Any]) -> int:
        """Have a job trained to its end; its exit code, or that of a server that died. Raises `StoppedError`."""
        with self._lock:
            server = self._idle.pop() if self._idle else self._started()
        try:
            code = self._trained(server, job)
        except BaseException:
            _end(server)
            raise
        if server.poll() is None:
            with self._lock:
                self._idle.append(server)
        return code

    def _started(self) -> Server:
        environment = {**os.environ, **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(self._threads))}
        # The same package as here, from wherever it was imported.
        paths = [str(PACKAGES), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(one for one in paths if one)
        return subprocess.Popen(
            [sys.executable, "-m", "vasari.tasks.sweep.process", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is told to it once, by us
        )

    def _trained(self, server: Server, job: Mapping[str, Any]) -> int:
        found: list[bytes] = []
        listener = threading.Thread(target=lambda: found.append(_answer(server, job)), daemon=True)
        listener.start()
        while listener.is_alive():
            self.stop.check()
            listener.join(POLL_SECONDS)
        answer = found[0].strip() if found else b""
        return int(answer) if answer else server.wait()


def _answer(server: Server, job: Mapping[str, Any]) -> bytes:
    """Tell a server its job, and wait for its line; nothing where it died."""
    if server.stdin is None or server.stdout is None:
        return b""
    with contextlib.suppress(BrokenPipeError):
        server.stdin.write(f"{json.dumps(job)}\n".encode())
        server.stdin.flush()
        return server.stdout.readline()
    return b""


def _end(server: Server) -> None:
    """Let a server, and what it trains, save and end."""
    if server.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            server.stdin.close()
    try:
        server.wait(SECONDS_TO_SAVE)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    if server.stdout is not None:
        server.stdout.close()
