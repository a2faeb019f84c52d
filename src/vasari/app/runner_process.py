"""A worker's hold on the process that does its jobs: start it, hand it a job, hear of it, stop it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vasari.app.installation import fingerprint
from vasari.archive.workbench.jobs import Job

#: Seconds that a process is given to save what it can before it is killed.
PATIENCE_S = 5.0
_LONGEST_LINE = 1 << 26


class RunnerProcess:
    """A process that does one job at a time and stays for the next; of one thread alone."""

    def __init__(self, archive: Path, folder: Path, memory_bytes: int = 0) -> None:
        self.command = [
            sys.executable, "-m", "vasari.app.job_runner", "--archive", str(archive), "--folder", str(folder),
            "--memory", str(memory_bytes),
        ]  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None
        self.socket: socket.socket | None = None
        self.buffer = b""
        self.installed = ""

    @property
    def is_outdated(self) -> bool:
        """True where Vasari's files have changed since the process began: what it has loaded does not fit them."""
        return self.process is not None and self.installed != fingerprint()

    def begin(self, job: Job) -> None:
        """Hand over a job, to a new process where there is none, or one that Vasari was updated beneath."""
        if self.process is None or self.process.poll() is not None or self.is_outdated:
            self.stop()
            self._start()
        if self.socket is not None:
            with suppress(OSError):  # a process that has just died is found dead by `hear`
                self.socket.sendall(json.dumps(asdict(job)).encode() + b"\n")

    def hear(self, timeout_s: float) -> dict[str, Any] | None:
        """The next thing that it says: {"done", "total", "words"}, {"result"} or {"failed"}; None where it is silent.

        A process that died says {"died": CODE}.
        """
        if self.socket is None:
            return {"died": 0}
        while b"\n" not in self.buffer:
            self.socket.settimeout(timeout_s)
            try:
                more = self.socket.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                more = b""
            if not more or len(self.buffer) > _LONGEST_LINE:
                code = self._wait(PATIENCE_S)
                self.stop()
                return {"died": code}
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def stop(self, patience_s: float = 0.0) -> None:
        """End the process and all that it started; with patience it may save first."""
        process, self.process = self.process, None
        if process is not None and process.poll() is None:
            if patience_s:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(patience_s)
            _kill_group(process)
            process.wait()
        elif process is not None:
            _kill_group(process)
        if self.socket is not None:
            self.socket.close()
        self.socket, self.buffer = None, b""

    def _start(self) -> None:
        self.installed = fingerprint()
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*self.command, "--socket", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.socket = ours

    def _wait(self, timeout_s: float) -> int:
        if self.process is None:
            return 0
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return 0


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all of its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
