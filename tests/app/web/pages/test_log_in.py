"""Logging in and out, one's account, and administration: through the pages, as a browser without scripts does."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi.testclient import TestClient

from vasari.app.web.api import visitors
from vasari.app.web.application import create_app
from vasari.app.web.pages import account, admin, log_in, preferences
from vasari.app.web.workbench import Workbench
from vasari.archive.workbench.roles import Role

LOCAL = "http://127.0.0.1:8765"
COOKIE = "vasari-8765"
PASSWORD = "a long enough sentence"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    client: TestClient
    bench: Workbench
    clock: Clock

    def post(self, path: str, page: str = "/account", **fields: str):  # type: ignore[no-untyped-def]
        """Send a form of a page with the token that is in it."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.client.get(page).text)
        return self.client.post(path, data={"csrf": found[1] if found else "", **fields}, follow_redirects=False)

    def log_in(self, name: str = "viewer", password: str = PASSWORD, **fields: str):  # type: ignore[no-untyped-def]
        return self.post("/log-in", "/log-in", name=name, password=password, **fields)


@pytest.fixture
def desk(shared_bench: Workbench) -> Iterator[Desk]:
    clock = Clock()
    changed = {name: dataclasses.replace(getattr(shared_bench, name), clock=clock) for name in ("sessions", "tokens")}
    bench = dataclasses.replace(shared_bench, **changed)
    rows = (*preferences.ROUTES, *log_in.ROUTES, *account.ROUTES, *admin.ROUTES, *visitors.ROUTES)
    with TestClient(create_app(bench, rows), base_url=LOCAL) as client:
        yield Desk(client, bench, clock)


def test_from_a_page_to_the_log_in_and_back(desk: Desk) -> None:
    asked = desk.client.get("/account?x=1", follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (303, "/log-in?next=/account%3Fx%3D1")
    form = desk.client.get(asked.headers["location"]).text
    assert 'name="next" value="/account?x=1"' in form
    answer = desk.log_in(next="/account?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?x=1")
    assert "viewer" in desk.client.get("/account").text
    assert desk.client.get("/log-in", follow_redirects=False).headers["location"] == "/"
    assert desk.client.get("/admin").status_code == 403
    assert desk.post("/log-out").headers["location"] == "/log-in"
    assert desk.client.get("/account", follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_led_away(desk: Desk, wanted: str) -> None:
    page = desk.client.get("/log-in", params={"next": wanted}).text
    assert [next for next in re.findall(r'name="next" value="([^"]*)"', page) if next.startswith("/log-in")]
    assert 'name="next" value="/"' in page and f'"{wanted}' not in page
    assert desk.log_in(next=wanted).headers["location"] == "/"


def test_a_session_that_was_planted_is_not_the_one_that_is_logged_in(desk: Desk) -> None:
    planted = "p" * 43
    desk.client.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
    answer = desk.log_in()
    given = re.search(rf"{COOKIE}=([^;]+)", answer.headers["set-cookie"])
    assert given and given[1] != planted
    desk.client.cookies.clear()
    with_planted = desk.client.get("/account", headers={"Cookie": f"{COOKIE}={planted}"}, follow_redirects=False)
    with_given = desk.client.get("/account", headers={"Cookie": f"{COOKIE}={given[1]}"}, follow_redirects=False)
    assert (with_planted.status_code, with_given.status_code) == (303, 200)


def test_a_session_of_before_is_worth_nothing_after_the_log_out(desk: Desk) -> None:
    desk.log_in()
    session = desk.client.cookies[COOKIE]
    desk.post("/log-out")
    answer = desk.client.get("/account", headers={"Cookie": f"{COOKIE}={session}"}, follow_redirects=False)
    assert answer.status_code == 303


def test_wrong_names_and_wrong_passwords_look_alike(desk: Desk) -> None:
    answers = [desk.log_in("viewer", "not this one"), desk.log_in("nobody", "not this one")]
    assert [answer.status_code for answer in answers] == [401, 401]
    told = [re.sub(r"[0-9a-f]{64}|viewer|nobody", "", answer.text) for answer in answers]
    assert told[0] == told[1]
    assert "not this one" not in answers[0].text


def test_the_log_in_is_throttled(desk: Desk) -> None:
    for _ in range(5):
        assert desk.log_in(password="guess").status_code == 401
    answer = desk.log_in()
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) == 1
    desk.clock.now += 1.1
    assert desk.log_in().status_code == 303
    events = [entry.event for entry in desk.bench.audit.page()]
    assert events[:2] == ["log-in", "log-in throttled"] and events.count("log-in failed") == 5


def test_tokens_are_shown_once_and_make_no_others(desk: Desk) -> None:
    desk.log_in("editor")
    page = desk.post("/account/tokens", label="my <b>script</b>", role="editor", days="30")
    secret = re.search(r"vasari_[A-Za-z0-9_-]{43}", page.text)
    assert secret and "<b>" not in page.text and page.headers["cache-control"] == "no-store"
    assert secret[0] not in desk.client.get("/account").text
    assert desk.post("/account/tokens", label="more", role="admin").status_code == 400
    bearer = {"Authorization": f"Bearer {secret[0]}"}
    with TestClient(desk.client.app, base_url=LOCAL) as program:
        assert program.get("/api/v1/visitor", headers=bearer).json()["role"] == "editor"
        for path, fields in (
            ("/account/tokens", {"label": "x", "role": "viewer"}),
            ("/account/sessions/end-others", {}),
        ):
            assert program.post(path, data=fields, headers=bearer).status_code == 403
        (token,) = desk.bench.tokens.of("editor")
        assert desk.post(f"/account/tokens/{token.id}/revoke").status_code == 303
        assert program.get("/api/v1/visitor", headers=bearer).status_code == 401


def test_a_password_is_changed_by_who_knows_it(desk: Desk) -> None:
    desk.log_in()
    elsewhere = desk.bench.sessions.log_in("viewer", PASSWORD)
    fields = {"new": "another long sentence", "again": "another long sentence"}
    assert desk.post("/account/password", current="a guess, no more", **fields).status_code == 400
    assert desk.post("/account/password", current=PASSWORD, new="short", again="short").status_code == 400
    assert desk.post("/account/password", current=PASSWORD, **{**fields, "again": "different"}).status_code == 400
    assert desk.post("/account/password", current=PASSWORD, **fields).status_code == 303
    assert desk.client.get("/account", follow_redirects=False).status_code == 200
    assert desk.bench.sessions.account(elsewhere) is None
    desk.post("/log-out")
    assert desk.log_in().status_code == 401
    assert desk.log_in(password="another long sentence").status_code == 303


def test_administration(desk: Desk) -> None:
    desk.log_in("admin")
    add = {"name": "new.person@example.org", "password": PASSWORD, "role": "viewer"}
    assert desk.post("/admin/accounts", "/admin", **add).status_code == 303
    assert desk.post("/admin/accounts", "/admin", **add).status_code == 400
    name = "/admin/accounts/new.person%40example.org"
    assert desk.post(f"{name}/role", "/admin", role="editor").status_code == 303
    assert desk.bench.accounts.get(add["name"]).role is Role.EDITOR
    assert desk.post(f"{name}/role", "/admin", role="emperor").status_code == 400
    assert desk.post(f"{name}/password", "/admin", password="a whole new sentence").status_code == 303
    assert desk.post(f"{name}/disable", "/admin").status_code == 303
    assert "may not log in" in desk.client.get("/admin").text
    assert desk.post(f"{name}/enable", "/admin").status_code == 303
    assert desk.post(f"{name}/remove", "/admin").status_code == 303
    assert desk.post("/admin/accounts/admin/remove", "/admin").status_code == 400
    page = desk.client.get("/admin/audit", params={"who": "admin", "event": "role changed"}).text
    assert "new.person@example.org" in page and "after: editor" in page
    assert desk.client.get("/admin/audit", params={"before": 1}).status_code == 200


def test_what_strangers_write_is_only_text(desk: Desk) -> None:
    desk.log_in("<script>alert(1)</script>", "guess")
    desk.log_in("admin")
    page = desk.client.get("/admin/audit").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page


def test_on_this_machine_there_is_nothing_to_log_in_to(client: TestClient) -> None:
    assert client.get("/log-in", follow_redirects=False).headers["location"] == "/"
    assert "no account" in client.get("/account").text
    assert client.get("/admin").status_code == 200
