"""A workbench over a small seeded archive: as an object, behind a test client, and served to a real Chromium."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data

from vasari.app.settings import Settings
from vasari.app.web.application import create_app
from vasari.app.web.workbench import Workbench
from vasari.archive.ingest.adding import add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.statements import Claim, Speaker, state, works_of
from vasari.archive.store import Archive
from vasari.archive.workbench.roles import Role

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

AXE = Path(__file__).with_name("axe.min.js")
LOCAL = "http://127.0.0.1:8765"
PASSWORD = "a long enough sentence"
#: A title that would run where it is not escaped.
EVIL = "<script>alert('xss')</script><img src=x onerror=alert(1)>"
#: Title, artist, date, medium; the pictures are real photographs, cut and turned.
WORKS = (
    (EVIL, "Monet, Claude", "1872", "oil on canvas"),
    ("Девочка с персиками «Vera»", "Серов, Валентин", "1887", "oil on canvas"),
    ("神奈川沖浪裏", "葛飾北斎", "c. 1831", "woodblock print"),
    *((f"Study no. {n}", ("Morisot, Berthe", "Monet, Claude")[n % 2], f"{1860 + 3 * n}", "oil") for n in range(9)),
)


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of twelve dated works with pictures, to copy and not to change."""
    scans = tmp_path_factory.mktemp("scans")
    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    keys = []
    for number in range(len(WORKS)):
        pixels = np.rot90(sources[number % 4], number // 4)
        Image.fromarray(np.ascontiguousarray(pixels[: 380 - 6 * number])).save(scans / f"{number:02}.png")
        keys.append("file:" + hashlib.sha256((scans / f"{number:02}.png").read_bytes()).hexdigest())
    folder = tmp_path_factory.mktemp("seeded") / "archive"
    names = ("title", "artist", "date", "medium")
    with Archive.create(folder) as archive:
        add(archive, [str(scans)], AddPlan(copy=True, workers=1))
        with archive.writing() as writer:
            ids = works_of(writer, keys)
            said = (map(Claim, names, values) for values in WORKS)
            state(writer, {ids[key]: tuple(claims) for key, claims in zip(keys, said)}, Speaker("catalog", "test"))
    Workbench.open(folder, Settings()).close()  # its tables are made once, and copied with the folder
    return folder


@pytest.fixture
def archive_folder(seeded_folder: Path, tmp_path: Path) -> Path:
    """A copy of the seeded archive, to change."""
    return shutil.copytree(seeded_folder, tmp_path / "archive")


@contextmanager
def opened(folder: Path, **settings: Any) -> Iterator[Workbench]:
    """The workbench of a folder."""
    bench = Workbench.open(folder, Settings(**settings))
    try:
        yield bench
    finally:
        bench.close()


@pytest.fixture
def bench(archive_folder: Path) -> Iterator[Workbench]:
    """A workbench for one person on this machine."""
    with opened(archive_folder) as made:
        yield made


@pytest.fixture
def client(bench: Workbench) -> Iterator[TestClient]:
    """A browser of the one person, without scripts; `send_token(client)` gives the header that changes need."""
    with TestClient(create_app(bench), base_url=LOCAL, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with weak parameters: the real ones are slow on purpose."""
    import argon2

    from vasari.archive.workbench import passwords

    weak = argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: weak)
    monkeypatch.setattr(passwords, "_stand_in", lambda: weak.hash("nobody"))


@pytest.fixture(scope="session")
def reader(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """As `client`, over one archive for all tests that change nothing."""
    folder = shutil.copytree(seeded_folder, tmp_path_factory.mktemp("read") / "archive")
    with (
        opened(folder) as bench,
        TestClient(create_app(bench), base_url=LOCAL, raise_server_exceptions=False) as made,
    ):
        yield made


@pytest.fixture
def shared_bench(archive_folder: Path, quick_hashes: None) -> Iterator[Workbench]:
    """A workbench with the accounts viewer, editor and admin, whose password is `PASSWORD`."""
    with opened(archive_folder, accounts=True) as made:
        for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
            made.accounts.add(role.word, PASSWORD, role, by="test")
        yield made


@pytest.fixture
def token_header() -> Callable[[TestClient], dict[str, str]]:
    """`token_header(client)`: the header that a change needs, for the session that the client has."""

    def header(client: TestClient) -> dict[str, str]:
        return {"X-CSRF-Token": client.get("/api/v1/visitor").json()["csrf"]}

    return header


# A real server and a real browser.


@contextmanager
def served(folder: Path, **settings: Any) -> Iterator[tuple[str, Workbench]]:
    """A workbench served by uvicorn from a thread, at a free port: its address, and itself."""
    from vasari.app.web import serving

    listener, ready = serving.listening(replace(Settings(port=0, workers=0), **settings))
    with listener, opened(folder, **{name: getattr(ready, name) for name in Settings.__dataclass_fields__}) as bench:
        server = serving.server_of(create_app(bench), ready)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{ready.port}", bench
        finally:
            server.should_exit = True
            thread.join(15)


@contextmanager
def worked(folder: Path) -> Iterator[None]:
    """A worker at its jobs, in a thread of this process."""
    from vasari.app.worker import Worker, WorkerOptions

    stop = threading.Event()
    worker = Worker(folder, WorkerOptions(grace_s=0), stop, say=lambda text: None)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)


@pytest.fixture
def shared_live(archive_folder: Path, quick_hashes: None) -> Iterator[tuple[str, Workbench]]:
    """As `live`, with the accounts viewer, editor and admin, whose password is `PASSWORD`."""
    with served(archive_folder, accounts=True) as (address, bench):
        for role in (Role.VIEWER, Role.EDITOR, Role.ADMIN):
            bench.accounts.add(role.word, PASSWORD, role, by="test")
        yield address, bench


@pytest.fixture
def live(archive_folder: Path) -> Iterator[tuple[str, Workbench]]:
    """The workbench over a copy of the seeded archive, served for real: (address, workbench)."""
    with served(archive_folder) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once a module: while Playwright is there, its event loop lets no other run in the thread."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not Path("/usr/bin/chromium").exists():
        pytest.skip("there is no Chromium")
    playwright.expect.set_options(timeout=45_000)
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield made
        made.close()


#: What a console says where nothing went wrong: OpenSeadragon of a tile that came after its picture was taken off, htmx
#: of requests that the browser gave up itself, since the page was left or asked for something newer (of one that the
#: network lost it says htmx:sendError as well).
NO_COMPLAINT = ("loaded before reset", "htmx:sendAbort", "htmx:afterRequest")
GIVEN_UP = "net::ERR_ABORTED"


@dataclass
class Watched:
    """A page, and what its console and its network complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def accessibility(self) -> list[str]:
        """What axe-core finds wrong: rule and place."""
        # Evaluated over the debugging protocol: the page's own policy stays as strict as it is.
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
        return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """An empty page of Chromium that collects every console error, page error and failed request."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    made = Watched(context.new_page())
    made.page.set_default_timeout(45_000)

    def hear(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and not any(fine in said.text for fine in NO_COMPLAINT):
            made.complaints.append(said.text)

    def miss(asked: Request) -> None:
        if asked.failure != GIVEN_UP:
            made.complaints.append(f"{asked.url}: {asked.failure}")

    made.page.on("console", hear)
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on("requestfailed", miss)
    yield made
    context.close()
