"""Weights from an address: digest demanded, content compared, fetched once."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vasari.foundation.errors import WeightsError
from vasari.models import downloads, hub

DIGEST = hashlib.sha256(b"weights").hexdigest()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real server on this machine that holds `a.safetensors`."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "a.safetensors").write_bytes(b"weights")
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_once_and_compared(server: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    path = downloads.fetch(f"{server}/a.safetensors", DIGEST, cache)
    assert path.read_bytes() == b"weights" and path.name == "a.safetensors"
    (tmp_path / "served" / "a.safetensors").write_bytes(b"other weights")
    assert downloads.fetch(f"{server}/a.safetensors", DIGEST, cache) == path
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="not the file that was named"):
        downloads.fetch(f"{server}/a.safetensors", DIGEST, cache)


def test_a_failed_download_is_told(server: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="could not be downloaded"):
        downloads.fetch(f"{server}/missing.safetensors", DIGEST, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_addresses_are_read() -> None:
    assert downloads.parse(f"https://example.org/a.safetensors#sha256={DIGEST}") == (
        "https://example.org/a.safetensors",
        DIGEST,
    )
    url, _ = downloads.parse(f"hf://owner/repository/folder/a.safetensors#sha256={DIGEST}")
    assert url == "https://huggingface.co/owner/repository/resolve/main/folder/a.safetensors"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("https://example.org/a.safetensors", "carries no digest"),
        ("https://example.org/a.safetensors#sha256=abc", "carries no digest"),
        (f"http://example.org/a.safetensors#sha256={DIGEST}", "not allowed"),
        (f"file:///etc/passwd#sha256={DIGEST}", "not allowed"),
        (f"hf://owner/a.safetensors#sha256={DIGEST}", "names no file"),
    ],
)
def test_addresses_that_cannot_be_trusted_are_refused(address: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        hub.load(address)
