"""Hosts, proxies, sizes and files: what is refused before any page is asked."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from vasari.app.settings import Settings, is_loopback
from vasari.app.web import static_files
from vasari.app.web.api import jobs, visitors
from vasari.app.web.application import create_app
from vasari.app.web.pages import admin, log_in
from vasari.app.web.workbench import Workbench

LOCAL = "http://127.0.0.1:8765"
#: Enough of the table for what is tested here, and soon made into an application.
FEW = (*static_files.ROUTES, *visitors.ROUTES, *log_in.ROUTES, *admin.ROUTES, *jobs.ROUTES)


@pytest.fixture(scope="module")
def client(seeded_folder: Path) -> Iterator[TestClient]:
    """One client for all that changes nothing."""
    bench = Workbench.open(seeded_folder, Settings())
    with TestClient(create_app(bench, FEW), base_url=LOCAL) as made:
        yield made
    bench.close()


def _client(bench: Workbench, **settings: Any) -> TestClient:
    changed = dataclasses.replace(bench, settings=Settings(**settings))
    return TestClient(create_app(changed, FEW), base_url=LOCAL, raise_server_exceptions=False)


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "127.3.2.1"])
def test_names_of_this_machine_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/api/v1/visitor", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8765", "0.0.0.0", "192.168.1.5", "", "["]
)
def test_other_names_are_not(client: TestClient, host: str) -> None:
    answer = client.get("/api/v1/visitor", headers={"Host": host})
    assert answer.status_code == 421 and answer.json()["error"]["remedy"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host"])
def test_a_proxy_before_the_one_person_is_noticed(client: TestClient, header: str) -> None:
    """Behind a proxy everybody would be the one person of this machine."""
    assert client.get("/api/v1/visitor", headers={header: "203.0.113.9"}).status_code == 421


def test_with_accounts_the_names_of_the_settings_count(shared_bench: Workbench) -> None:
    with _client(shared_bench, accounts=True, names=("Archive.example",)) as client:
        assert client.get("/log-in", headers={"Host": "archive.example:443"}).status_code == 200
        assert client.get("/log-in", headers={"Host": "evil.example"}).status_code == 421
    with _client(shared_bench, accounts=True) as client:
        assert client.get("/log-in", headers={"Host": "archive.example"}).status_code == 200
        assert client.get("/api/v1/visitor").status_code == 401


def test_cookies_beyond_this_machine_travel_over_tls_alone(shared_bench: Workbench) -> None:
    with _client(shared_bench, host="0.0.0.0") as client:
        cookie = client.get("/log-in").headers["set-cookie"]
        assert cookie.startswith("__Host-vasari=") and {"HttpOnly", "Secure", "SameSite=lax", "Path=/"} <= set(
            cookie.split("; ")
        )
        assert client.get("/log-in").headers["strict-transport-security"]
    with _client(shared_bench, accounts=True) as client:
        assert "Secure" not in client.get("/log-in").headers["set-cookie"]


def _blocks(size: int) -> Iterator[bytes]:
    for _ in range(size // 1000):
        yield b"a" * 1000


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/admin/accounts", "application/x-www-form-urlencoded"),
        ("/admin/accounts", "multipart/form-data; boundary=x"),
        ("/api/v1/jobs", "application/json"),
    ],
)
def test_too_large_a_request_is_refused_whatever_it_says(bench: Workbench, path: str, kind: str) -> None:
    with _client(bench, largest_form_bytes=10_000) as client:
        token = {"X-CSRF-Token": client.get("/api/v1/visitor").json()["csrf"], "Content-Type": kind}
        said = client.post(path, content=b"a" * 20_000, headers=token)
        unsaid = client.post(path, content=_blocks(20_000), headers=token)
        without = client.post(path, content=_blocks(20_000), headers={"Content-Type": kind})
    assert said.status_code == 413 and unsaid.status_code == 413
    assert without.status_code in (403, 413)


def test_nothing_is_read_of_those_who_may_not_send(shared_bench: Workbench) -> None:
    """The gate answers before it takes a single block of the body."""
    app = create_app(dataclasses.replace(shared_bench, settings=Settings(accounts=True)), FEW)
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/jobs", "raw_path": b"/api/v1/jobs", "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8765), "scheme": "http", "http_version": "1.1", "root_path": "", "extensions": {},
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 401


@pytest.mark.parametrize(
    "path",
    [
        "../settings.py", "..%2fsettings.py", "%2e%2e/%2e%2e/settings.py", "....//settings.py", "/etc/passwd",
        "vendor/../../settings.py", "..\\settings.py", "workbench.css%00.js", "vendor", "", "vendor/licenses",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_static_files(client: TestClient, path: str) -> None:
    answer = client.get(f"/static/1/{path}")
    assert answer.status_code == 404 and "import" not in answer.text


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("a.localhost", False),
    ],
)
def test_loopback(host: str, is_own: bool) -> None:
    assert is_loopback(host) is is_own
