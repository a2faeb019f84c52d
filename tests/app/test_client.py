"""The client of the workbench: what it must not give away."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from vasari.app.client import Job, Workbench, WorkbenchError
from vasari.foundation.errors import PlanError

TOKEN = "vasari_a-secret"


@contextmanager
def answering(seen: list[dict[str, str]], leads_to: str = "") -> Iterator[str]:
    """A server that notes the headers of requests, and sends them elsewhere where `leads_to` says so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(dict(self.headers))
            self.send_response(302 if leads_to else 200)
            if leads_to:
                self.send_header("Location", leads_to + self.path)
            self.end_headers()
            self.wfile.write(b"" if leads_to else b"{}")

        def log_message(self, format: str, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hanging_up(said: bytes) -> Iterator[str]:
    """A server that reads a little of each request, says so much and closes the connection, as if it were killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer() -> None:
        while not stop.is_set():
            with suppress(OSError), listener.accept()[0] as connection:
                connection.recv(1 << 12)
                connection.sendall(said)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        with suppress(OSError):
            socket.create_connection(listener.getsockname()).close()
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}',
             b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a', b"HTTP/1.1 200 OK\r\n\r\n<html>", b"\0"]
)  # fmt: skip
def test_a_server_that_is_killed_in_its_answer_is_told_of_as_silence(said: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"a" * 5_000_000)
    with hanging_up(said) as address:
        bench = Workbench(address, token=TOKEN, timeout_s=10)
        job = Job({"id": "1", "files": [{"name": "b.png", "url": "/b.png", "sha256": "0" * 64}]})
        asks: list[Callable[[], object]] = [
            lambda: bench.job("1"), lambda: bench.upload(tmp_path / "a.png"), lambda: bench.download(job, tmp_path)
        ]  # fmt: skip
        for ask in asks:
            with pytest.raises(WorkbenchError) as failed:
                ask()
            assert failed.value.status == 0 and failed.value.remedy
    assert not (tmp_path / "b.png").exists()


def test_a_file_that_is_not_there_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        Workbench("http://127.0.0.1:9", token=TOKEN).upload(tmp_path / "none.png")


def test_the_token_does_not_follow_a_redirect() -> None:
    asked: list[dict[str, str]] = []
    elsewhere: list[dict[str, str]] = []
    with ExitStack() as stack:
        other = stack.enter_context(answering(elsewhere))
        address = stack.enter_context(answering(asked, other))
        Workbench(address, token=TOKEN)._ask("GET", "/api/v1/visitor")
    assert asked[0]["Authorization"] == f"Bearer {TOKEN}"
    assert elsewhere and all("Authorization" not in headers for headers in elsewhere)
