"""The table of routes and the gate before it: every route for every role, and every change without a token."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from vasari.app.web.application import create_app
from vasari.app.web.route import Route
from vasari.app.web.routes import ROUTES
from vasari.app.web.security.headers import CONTENT_SECURITY_POLICY, HEADERS
from vasari.app.web.workbench import Workbench
from vasari.archive.workbench.audit import EVENTS
from vasari.archive.workbench.roles import Role
from vasari.archive.workbench.secrets_kept import digest_of

LOCAL = "http://127.0.0.1:8765"
CHANGES = tuple(row for row in ROUTES if row.changes)


def _stub() -> dict[str, bool]:
    return {"reached": True}


#: The table with endpoints that do nothing: what is tested is who reaches them.
STUBS = tuple(dataclasses.replace(row, endpoint=_stub) for row in ROUTES)


def _id(row: Route) -> str:
    return f"{row.method} {row.path}"


def _address(row: Route) -> str:
    return re.sub(r"\{[^}]*\}", "1", row.path)


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory, seeded_folder: object) -> Iterator[TestClient]:
    """The stubs in a workbench with accounts; its sessions are those of `visitors`."""
    import shutil
    from pathlib import Path

    from vasari.app.settings import Settings

    folder = shutil.copytree(Path(str(seeded_folder)), tmp_path_factory.mktemp("roles") / "archive")
    bench = Workbench.open(folder, Settings(accounts=True))
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
        bench.accounts.add(role.word, "a long enough sentence", role, by="test")
    app = create_app(bench, STUBS)
    with TestClient(app, base_url=LOCAL, follow_redirects=False, raise_server_exceptions=False) as made:
        yield made
    bench.close()


@pytest.fixture(scope="module")
def visitors(shared_client: TestClient) -> dict[Role, tuple[str, str]]:
    """Role -> (secret of a session, secret of a token of the API)."""
    bench: Workbench = shared_client.app.state.workbench  # type: ignore[attr-defined]
    made = {}
    for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
        session = bench.sessions.log_in(role.word, "a long enough sentence")
        made[role] = (session, bench.tokens.make(bench.accounts.get(role.word), "test", role)[1])
    return made


def _csrf(session: str) -> str:
    from vasari.app.web.security.csrf import token_of

    return token_of(session)


def _is_refused(row: Route, role: Role, status: int, location: str) -> bool:
    if role is Role.PUBLIC:
        return status == 401 or (status == 303 and location.startswith("/log-in?next="))
    return status == 403


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.word)
@pytest.mark.parametrize("row", STUBS, ids=_id)
def test_every_route_for_every_role(
    row: Route, role: Role, shared_client: TestClient, visitors: dict[Role, tuple[str, str]]
) -> None:
    session = "s" * 43 if role is Role.PUBLIC else visitors[role][0]
    shared_client.cookies.clear()
    headers = {"X-CSRF-Token": _csrf(session), "Cookie": f"vasari-8765={session}"}
    answer = shared_client.request(row.method, _address(row), headers=headers)
    if role >= row.role:
        assert (answer.status_code, answer.json()) == (row.status, {"reached": True})
    else:
        assert _is_refused(row, role, answer.status_code, answer.headers.get("location", ""))
        assert "reached" not in answer.text


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR, Role.ADMIN], ids=lambda role: role.word)
@pytest.mark.parametrize("row", STUBS, ids=_id)
def test_every_route_for_every_token(
    row: Route, role: Role, shared_client: TestClient, visitors: dict[Role, tuple[str, str]]
) -> None:
    """A token of a role opens what the role opens, and needs no other token against forgery."""
    shared_client.cookies.clear()
    answer = shared_client.request(row.method, _address(row), headers={"Authorization": f"Bearer {visitors[role][1]}"})
    assert (answer.status_code == row.status) if role >= row.role else (answer.status_code == 403)


def test_open_iiif_opens_that_alone(shared_client: TestClient) -> None:
    bench: Workbench = shared_client.app.state.workbench  # type: ignore[attr-defined]
    settings = dataclasses.replace(bench.settings, open_iiif=True)
    with TestClient(create_app(dataclasses.replace(bench, settings=settings), STUBS), base_url=LOCAL) as client:
        for row in STUBS:
            is_open = row.role is Role.PUBLIC or row.path.startswith("/iiif/")
            answer = client.request(row.method, _address(row), follow_redirects=False)
            reached = "reached" in answer.text
            assert reached == (is_open and not row.changes), _id(row)


def test_a_bad_token_opens_nothing_even_what_is_public(shared_client: TestClient) -> None:
    for row in STUBS:
        answer = shared_client.request(row.method, _address(row), headers={"Authorization": "Bearer vasari_no"})
        assert answer.status_code == 401 or answer.headers["location"].startswith("/log-in"), _id(row)


@pytest.mark.parametrize(
    ("address", "back"),
    [("http://x/time?a=1&b=2", "/time%3Fa%3D1%26b%3D2"), ("http://[", "/"), ("https://evil.example//e", "/")],
)
def test_a_piece_of_a_page_leads_to_the_log_in_and_back(shared_client: TestClient, address: str, back: str) -> None:
    shared_client.cookies.clear()
    answer = shared_client.get("/lab", headers={"HX-Request": "true", "HX-Current-URL": address})
    assert answer.status_code == 401 and answer.headers["HX-Redirect"] == f"/log-in?next={back}"


@pytest.fixture
def local(bench: Workbench) -> Iterator[TestClient]:
    with TestClient(create_app(bench, STUBS), base_url=LOCAL, follow_redirects=False) as made:
        yield made


def test_the_one_person_of_this_machine_reaches_everything(local: TestClient) -> None:
    token = {"X-CSRF-Token": _csrf("s" * 43), "Cookie": f"vasari-8765={'s' * 43}"}
    for row in STUBS:
        assert local.request(row.method, _address(row), headers=token).status_code == row.status, _id(row)


@pytest.mark.parametrize("row", CHANGES, ids=_id)
def test_no_change_without_its_token(row: Route, local: TestClient) -> None:
    session = "s" * 43
    right, cookie = _csrf(session), {"Cookie": f"vasari-8765={session}"}
    refused: list[tuple[str, dict[str, str]]] = [
        ("no token", cookie),
        ("an empty one", {**cookie, "X-CSRF-Token": ""}),
        ("that of another session", {**cookie, "X-CSRF-Token": _csrf("t" * 43)}),
        ("no session", {"X-CSRF-Token": right}),
        ("the digest of the session", {**cookie, "X-CSRF-Token": digest_of(session)}),
        ("another site", {**cookie, "X-CSRF-Token": right, "Sec-Fetch-Site": "cross-site"}),
        ("another port", {**cookie, "X-CSRF-Token": right, "Sec-Fetch-Site": "same-site"}),
        ("another origin", {**cookie, "X-CSRF-Token": right, "Origin": "http://127.0.0.1:9999"}),
        ("no origin", {**cookie, "X-CSRF-Token": right, "Origin": "null"}),
        ("an origin that is no address", {**cookie, "X-CSRF-Token": right, "Origin": "http://["}),
    ]
    for what, headers in refused:
        answer = local.request(row.method, _address(row), headers=headers)
        assert answer.status_code == 403 and "reached" not in answer.text, what
    in_form = local.request(row.method, _address(row), headers=cookie, data={"csrf": right})
    ours = {"Origin": LOCAL, "Sec-Fetch-Site": "same-origin", "X-CSRF-Token": right}
    assert in_form.status_code == (row.status if row.largest_body != 0 else 403)
    assert local.request(row.method, _address(row), headers={**cookie, **ours}).status_code == row.status


def test_every_answer_has_the_headers(local: TestClient) -> None:
    for row in STUBS:
        for headers in ({}, {"Cookie": f"vasari-8765={'s' * 43}", "X-CSRF-Token": _csrf("s" * 43)}):
            answer = local.request(row.method, _address(row), headers=headers)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS, _id(row)
            assert answer.headers["cache-control"] == "no-store"
    for path in ("/nothing", "/api/v1/nothing", "/static/1/nothing"):
        assert local.get(path).headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY and "*" not in CONTENT_SECURITY_POLICY


def test_there_is_no_route_beside_the_table(bench: Workbench) -> None:
    app = create_app(bench)
    found = {(method, route.path) for route in app.routes for method in route.methods}  # type: ignore[attr-defined]
    assert {pair for pair in found if pair[0] != "HEAD"} == {(row.method, row.path) for row in ROUTES}
    assert len(ROUTES) == len({(row.method, row.path) for row in ROUTES})


def test_only_the_api_is_documented(client: TestClient) -> None:
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert paths and all(path.startswith("/api/v1/") for path in paths)
    assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404


def test_an_unexpected_failure_tells_nothing(bench: Workbench) -> None:
    def broken() -> None:
        raise RuntimeError("the secret of the house")

    rows = tuple(Route("GET", path, broken, Role.VIEWER) for path in ("/broken", "/api/v1/broken"))
    with TestClient(create_app(bench, (*rows, *ROUTES)), base_url=LOCAL) as client:
        for row in rows:
            answer = client.get(row.path)
            assert answer.status_code == 500 and "secret" not in answer.text and "Traceback" not in answer.text
            assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert client.get("/api/v1/broken").json()["error"]["remedy"]


def test_failures_are_told_as_they_are_asked_for(
    client: TestClient, token_header: Callable[..., dict[str, str]]
) -> None:
    page, fragment = client.get("/nothing"), client.get("/nothing", headers={"HX-Request": "true"})
    assert page.status_code == fragment.status_code == 404
    assert "<html" in page.text and "<html" not in fragment.text and 'role="alert"' in fragment.text
    assert set(client.get("/api/v1/nothing").json()["error"]) == {"what", "remedy"}
    misunderstood = client.post("/admin/accounts", headers=token_header(client))
    assert misunderstood.status_code == 422 and "name: Field required" in misunderstood.text


def test_what_changes_something_is_written_down(
    client: TestClient, token_header: Callable[..., dict[str, str]]
) -> None:
    bench: Workbench = client.app.state.workbench  # type: ignore[attr-defined]
    asked = {"statements": {"title": "A new title"}}
    answer = client.patch("/api/v1/works/1", json=asked, headers=token_header(client))
    assert answer.status_code == 200, answer.text
    refused = client.patch("/api/v1/works/99999", json=asked, headers=token_header(client))
    assert refused.status_code == 404
    (entry,) = bench.audit.page()
    assert (entry.who, entry.event, entry.object) == ("local", "work edited", "/api/v1/works/1")
    assert entry.address == "testclient"


def test_every_change_of_an_editor_has_its_event() -> None:
    """But for what only shows something, and admin's own, which the accounts write down themselves."""
    without = {row.path for row in CHANGES if row.role is Role.EDITOR and not row.event}
    assert all(path.endswith(("/preview", "/mask")) for path in without), without
    assert {row.event for row in ROUTES if row.event} <= set(EVENTS)
