"""Scripts wherever a text can stand, ways out wherever a name can stand: on every row of the table of routes."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from vasari.app.settings import Settings
from vasari.app.web.application import create_app
from vasari.app.web.route import Route
from vasari.app.web.routes import ROUTES
from vasari.app.web.workbench import Workbench
from vasari.archive.statements import FIELDS, Claim, Speaker, state
from vasari.archive.workbench.jobs import Order
from vasari.foundation.runs import RunFolder

LOCAL = "http://127.0.0.1:8765"
#: Runs where it stands between tags, within either kind of quotes, and within a script. No slash: files are called so.
EVIL = "\"'><img src=x onerror=alert(1)><script>alert(2)<!--"
SECRET = "what no visitor may read"
#: Addresses of what a browser shows as a page or a piece of one; {job} and {run} are put in.
PAGES = {
    "/log-in": "/log-in", "/account": "/account", "/admin": "/admin", "/admin/audit": "/admin/audit", "/jobs": "/jobs",
    "/jobs/{id}": "/jobs/{job}", "/jobs/{id}/row": "/jobs/{job}/row", "/": "/",
    "/jobs/{id}/remarks": "/jobs/{job}/remarks", "/gallery/works": "/gallery/works",
    "/gallery/facets": "/gallery/facets", "/works/dates": "/works/dates", "/works/{id}": "/works/1",
    "/works/{id}/alike": "/works/1/alike", "/restore": "/restore?input=work:1", "/style": "/style?input=work:1",
    "/generate": "/generate", "/time": "/time", "/time/answer": "/time/answer?what=shares:style&draws=20",
    "/lab": "/lab", "/lab/runs/{id}": "/lab/runs/{run}",
}  # fmt: skip
#: Those on which something stands that somebody else wrote.
TOLD = {"/admin/audit", "/jobs", "/jobs/{id}", "/jobs/{id}/row", "/", "/gallery/works", "/gallery/facets",
        "/works/{id}", "/restore", "/style", "/lab", "/lab/runs/{id}"}  # fmt: skip
#: Parameters of addresses that pages read.
ASKED = ("q", "f", "sort", "like", "picture", "by", "cursor", "next", "state", "before", "what", "text", "input",
         "works", "name", "limit", "draws", "circa_years", "of", "model", "date", "value")  # fmt: skip


class Reader(HTMLParser):
    """What of a page would run, and the text that it shows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.runs: list[str] = []
        self.shown: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.runs.append(f"<script> {given}")
        if tag == "img" and given.get("src") == "x":
            self.runs.append("<img src=x>")
        for name, value in given.items():
            scheme = value.strip().lower().split(":")[0]
            if name.startswith("on") or (name in ("href", "src", "action", "formaction") and scheme in SCRIPTS):
                self.runs.append(f"<{tag} {name}={value!r}>")
            self.shown.append(value)

    def handle_data(self, data: str) -> None:
        self.shown.append(data)


SCRIPTS = ("javascript", "data", "vbscript")


@pytest.fixture(scope="module")
def house(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """A workbench in which every text is evil, beside a secret; a client, and the ids that its pages need."""
    import shutil

    place = tmp_path_factory.mktemp("attacks")
    folder = shutil.copytree(seeded_folder, place / "archive")
    for one in (place, folder, folder / "workbench"):
        (one / "secret.txt").write_text(SECRET)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(one / "secret.png")
    run = RunFolder(place / "runs" / EVIL)
    run.begin({"name": EVIL, "kind": "restore"})
    run.log({"images_seen": 8, "step": 1, EVIL: 1.0, "images_per_second": 1.0, "validation": {EVIL: 1.0}})
    run.log({"event": EVIL, "images_seen": 8})
    bench = Workbench.open(folder, Settings(roots=(str(place / "runs"),)))
    with TestClient(create_app(bench), base_url=LOCAL, raise_server_exceptions=False) as client:
        spoil(bench)
        page = client.get("/lab").text
        ids = {"run": page.split('href="/lab/runs/')[1].split('"')[0], "job": bench.jobs.page().jobs[0].id}
        yield client, ids
    bench.close()


def spoil(bench: Workbench) -> None:
    """Put a script into everything that holds a text: a work, a job, the audit."""
    said = [Claim(name, "javascript:alert(1)" if name == "url" else EVIL) for name in FIELDS if name != "date"]
    with bench.archive.writing() as writer:
        state(writer, {1: [*said, Claim("date", f"1850 {EVIL}")], 2: [Claim("style", "calm")]}, Speaker("person", EVIL))
    asked = {"reference": EVIL, "name": EVIL}
    bench.jobs.submit(Order("restore", "0" * 64, {"style": [EVIL]}, [asked], owner=EVIL))
    job = bench.jobs.take(EVIL)
    assert job is not None
    bench.jobs.report(job, done=1, total=2, words=EVIL)
    failure = {"source": EVIL, "status": "failed", "error": EVIL}
    file = {"name": f"{EVIL}.png", "bytes": 1, "sha256": "0" * 64}
    bench.jobs.finish(job, {"files": [file], "values": {"entries": [failure]}})
    bench.jobs.submit(Order("restore", "1" * 64, {}, [asked], owner=EVIL))
    failing = bench.jobs.take(EVIL)
    assert failing is not None
    bench.jobs.fail(failing, EVIL, EVIL, again=False)
    bench.audit.note(EVIL, "upload", address=EVIL, object=EVIL)


def test_every_page_of_the_table_is_tried() -> None:
    shown = {row.path for row in ROUTES if row.method == "GET" and not row.is_api}
    files = ("/static/", "/studio/", "/works/files/", "/style/swatch/", "/generate/directions", "/time/export.zip",
             "/time/map", "/lab/reports/", "/lab/runs/{id}/")  # fmt: skip
    assert {path for path in shown if not path.startswith(files)} == set(PAGES)


@pytest.mark.parametrize("path", PAGES)
def test_a_script_is_shown_and_never_run(house: tuple[TestClient, dict[str, str]], path: str) -> None:
    client, ids = house
    answer = client.get(PAGES[path].format(**ids))
    assert answer.status_code == 200 and "text/html" in answer.headers["content-type"], answer.text
    read = Reader(answer.text)
    assert not read.runs
    assert path not in TOLD or any(EVIL in text for text in read.shown), "the script is there, as a text"


@pytest.mark.parametrize("path", PAGES)
def test_what_is_asked_for_is_not_run_either(house: tuple[TestClient, dict[str, str]], path: str) -> None:
    client, ids = house
    address = PAGES[path].format(**ids).partition("?")[0]
    for name in ASKED:
        for value in (EVIL, "javascript:alert(1)", "decade = 'x'", "decade = '1/x'"):
            answer = client.get(f"{address}?{urlencode({name: value})}")
            assert answer.status_code < 500 and not Reader(answer.text).runs, (name, value)


def test_a_page_that_does_not_escape_is_noticed() -> None:
    """The reader itself: a test that cannot fail is worse than none."""
    for page in (f"<p>{EVIL}</p>", f'<a title="{EVIL}">', f"<a title='{EVIL}'>", '<a href=" JavaScript:alert(1)">'):
        assert Reader(page).runs, page
    assert not Reader('<a href="/works/1" title="&lt;script&gt;"><script src="/static/1/a.js"></script>').runs


#: From every depth, plain and in disguise; `+` as a program may write a blank.
WAYS_OUT = [
    way
    for depth in range(1, 6)
    for up in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "....//", "%252e%252e%252f")
    for way in (up * depth + "secret.txt", up * depth + "secret.png")
] + ["/etc/passwd", "%2fetc%2fpasswd", "secret.txt%00.png", ".", "..", "%00", "~", "file:%2f%2f%2fetc%2fpasswd"]
NAMED = [row for row in ROUTES if row.method == "GET" and "{" in row.path and "/events" not in row.path]


@pytest.mark.parametrize("row", NAMED, ids=lambda row: row.path)
def test_no_name_leads_out(house: tuple[TestClient, dict[str, str]], row: Route) -> None:
    client, ids = house
    for way in WAYS_OUT:
        address = row.path.replace("{version}", "1").replace("{id}", ids["job"] if "jobs" in row.path else "{id}")
        for name in ("{name:path}", "{rest:path}", "{name}", "{content}", "{sha256}", "{id}"):
            address = address.replace(name, way)
        for part in ("{region}", "{size}", "{rotation}", "{last}"):
            address = address.replace(part, {"{region}": "full", "{size}": "max", "{rotation}": "0"}.get(part, way))
        answer = client.get(address)
        kept_out(answer.status_code, answer.content, address)


@pytest.mark.parametrize("address", ["/studio/picture", "/studio/tile", "/restore", "/style", "/"])
def test_no_reference_leads_out(house: tuple[TestClient, dict[str, str]], address: str) -> None:
    client, ids = house
    ways = [f"job:{ids['job']}/{way}" for way in WAYS_OUT] + [f"upload:{'0' * 64}/{way}" for way in WAYS_OUT]
    ways += ["file:/etc/passwd", "work:1/../../secret.png", "file:secret.png"]
    for way in ways:
        plain = way.replace("%2f", "/").replace("%2e", ".").replace("%5c", "\\")
        asked = {"picture": plain, "input": plain, "level": 0, "column": 0, "row": 0}
        answer = client.get(f"{address}?{urlencode(asked)}")
        kept_out(answer.status_code, answer.content, plain)


def kept_out(status: int, content: bytes, address: str) -> None:
    """Nothing secret is in the answer, whether it is a refusal or, where a client has worked the dots out, a page."""
    assert status < 500, (address, status)
    assert SECRET.encode() not in content and b"root:" not in content, quote(address)
    assert b"\x89PNG" not in content, quote(address)
