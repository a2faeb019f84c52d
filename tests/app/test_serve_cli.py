"""`vasari serve` and `vasari accounts` as processes: what they refuse, what they print, how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from vasari.app.cli.main import main
from vasari.archive.store import Archive

PASSWORD = "a long enough sentence"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Archive.create(tmp_path / "archive").close()
    return tmp_path / "archive"


def _vasari(*words: object, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vasari.app.cli.main", *map(str, words)]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=240, check=False)


def test_no_archive_is_told_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(tmp_path)]) == 1
    assert "vasari archive init" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["--host", "0.0.0.0"], ["--accounts"]])
def test_others_are_not_served_before_there_are_accounts(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(folder), "--port", "0", *words]) == 2
    said = capsys.readouterr()
    assert "vasari accounts add NAME --role admin" in said.err and "http" not in said.out


def test_a_taken_port_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["serve", str(folder), "--port", str(taken.getsockname()[1])]) == 2
    assert "choose another --port" in capsys.readouterr().err


def test_accounts_from_the_command_line(folder: Path) -> None:
    place = ("--archive", folder)
    assert _vasari("accounts", "add", "Ada", "--role", "admin", *place, given="short\n").returncode == 2
    added = _vasari("accounts", "add", "Ada", "--role", "admin", "--json", *place, given=PASSWORD + "\n")
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout) | {"created": 0} == {"name": "ada", "role": "admin", "enabled": True, "created": 0}
    assert PASSWORD not in added.stdout + added.stderr


def test_accounts_are_changed_and_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    def run(*words: str, given: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        assert main(["accounts", *words, "--archive", str(folder)]) == 0
        return capsys.readouterr().out

    assert "no accounts" in run("list")
    run("add", "ada", "--role", "admin", given=PASSWORD)
    run("add", "ben", given=PASSWORD)
    assert "editor" in run("role", "ben", "editor")
    run("disable", "ben")
    assert run("list") == "ada  admin\nben  editor  (may not log in)\n"
    run("enable", "ben")
    run("password", "ben", given="another long sentence")
    run("remove", "ben")
    assert [row["name"] for row in json.loads(run("list", "--json"))] == ["ada"]
    assert main(["accounts", "remove", "ada", "--archive", str(folder)]) == 2
    assert main(["accounts", "role", "nobody", "admin", "--archive", str(folder)]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_served_with_a_worker_and_ended(folder: Path, end: signal.Signals) -> None:
    """It prints where it is, answers there, and takes its worker with it, however it ends."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())  # type: ignore[union-attr]
            assert address
            with urllib.request.urlopen(f"{address[0]}api/v1/visitor", timeout=60) as answer:
                assert json.load(answer)["role"] == "admin"
            worker = _child_of(process.pid)
            process.send_signal(end)
            assert process.wait(60) == (0 if end is not signal.SIGKILL else -signal.SIGKILL)
            for _ in range(600):
                if not Path(f"/proc/{worker}").exists():
                    break
                time.sleep(0.1)
            else:
                pytest.fail("the worker lives on")
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_several_processes_serve_one_port(folder: Path, end: signal.Signals) -> None:
    """Each answers while the other stands still; one that is killed is started again; both end together."""
    command = [sys.executable, "-m", "vasari.app.cli.main", "serve", str(folder)]
    command += ["--port", "0", "--workers", "0", "--processes", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())  # type: ignore[union-attr]
            assert address
            first = _child_of(process.pid)
            for still in (process.pid, first):
                os.kill(still, signal.SIGSTOP)
                with urllib.request.urlopen(f"{address[0]}api/v1/visitor", timeout=60) as answer:
                    assert json.load(answer)["role"] == "admin"
                os.kill(still, signal.SIGCONT)
            os.kill(first, signal.SIGKILL)
            _until(lambda: _child_of(process.pid) != first)
            second = _child_of(process.pid)
            process.send_signal(end)
            assert process.wait(60) == (0 if end is not signal.SIGKILL else -signal.SIGKILL)
            _until(lambda: not Path(f"/proc/{second}").exists())
        finally:
            process.kill()


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1800):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to be within three minutes")


def _child_of(parent: int) -> int:
    """The one child of a process, once it is there."""
    for _ in range(300):
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        threads = [path / "children" for path in Path(f"/proc/{parent}/task").iterdir()]
        children += [child for path in threads for child in path.read_text().split()]
        if children:
            return int(children[0])
        time.sleep(0.1)
    raise TimeoutError(f"{os.getpid()}: no worker was started")
