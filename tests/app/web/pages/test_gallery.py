"""The gallery and the page of a work: without scripts by the test client, and their story in a real Chromium."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from vasari.app.web.application import create_app
from vasari.app.web.pages import gallery
from vasari.app.web.pages.gallery import Asked
from vasari.app.web.workbench import Workbench
from vasari.archive.indexing import index
from vasari.archive.ingest.person import say
from vasari.archive.schema import DERIVATIVES, FILES
from vasari.archive.store import Archive
from vasari.archive.workbench.roles import Role
from vasari.foundation.treatment import now

LOCAL = "http://127.0.0.1:8765"
CARD = re.compile(r'<li class="work">\s*<a href="/works/(\d+)">')


def cards(page: str) -> list[str]:
    return CARD.findall(page)


def test_an_address_asks_for_what_it_was_made_of() -> None:
    asked = Asked("peach & plum", ("artist == 'Monet'", "1880/1889"), sort="date")
    parts = urlsplit(asked.address("/gallery/works", cursor="abc"))
    assert parts.path == "/gallery/works"
    assert parse_qs(parts.query) == {
        "q": ["peach & plum"], "f": list(asked.f), "sort": ["date"], "cursor": ["abc"]
    }  # fmt: skip
    assert parse_qs(urlsplit(asked.added("1880/1889")).query)["f"] == ["artist == 'Monet'"]
    assert Asked().address() == "/"


def test_the_first_page_shows_pictures_with_their_sizes_and_nothing_runs(reader: TestClient) -> None:
    page = reader.get("/").text
    assert len(cards(page)) == 12
    assert page.count('loading="lazy"') == 12
    assert re.search(r'<img src="/iiif/image/[0-9a-f]{64}/full/!400,400/0/default.jpg" width="\d+" height="\d+"', page)
    assert "12 works" in page
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_works_go_on_to_the_last_and_each_comes_once(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "AT_ONCE", 5)
    page = reader.get("/?sort=date").text
    found, rounds = cards(page), 0
    while (more := re.search(r'hx-get="(/gallery/works[^"]*)"', page)) is not None:
        page = reader.get(html.unescape(more[1])).text
        found += cards(page)
        rounds += 1
    assert rounds == 2
    assert len(found) == len(set(found)) == 12
    without_scripts = re.search(r'<a href="(/\?[^"]*cursor=[^"]*)">', reader.get("/?sort=date").text)
    assert without_scripts and len(cards(reader.get(html.unescape(without_scripts[1])).text)) == 5


def test_a_facet_leads_to_as_many_works_as_it_counts_and_away_again(reader: TestClient) -> None:
    facets = reader.get("/gallery/facets").text
    links = re.findall(
        r'<a href="(/\?[^"]*)"[^>]*><span class="facet-value">([^<]*)</span> <span class="facet-count">(\d+)', facets
    )
    assert len(links) > 8
    for address, value, count in links:
        page = reader.get(html.unescape(address)).text
        assert len(cards(page)) == int(count), value
        assert 'class="chip"' in page
    chosen = reader.get("/gallery/facets", params={"f": "artist == 'Monet, Claude'"}).text
    assert 'aria-current="true"' in chosen


@pytest.mark.parametrize("query", ["artist='Monet", "artst='Monet'", "1890/1880", "(", "in (", "date in 0"])
def test_a_query_that_is_not_understood_is_told_kindly(reader: TestClient, query: str) -> None:
    answer = reader.get("/", params={"q": query})
    assert answer.status_code == 400
    assert 'id="q-wrong"' in answer.text and 'aria-invalid="true"' in answer.text
    assert f'value="{html.escape(query).replace("&#x27;", "&#39;")}"' in answer.text
    assert "What helps" in answer.text


def test_decades_and_refusals_have_their_chinese(reader: TestClient) -> None:
    asking = {"Accept-Language": "zh"}
    page = reader.get("/gallery/facets", headers=asking).text
    assert "1870 年代" in page and "1870s" not in page
    assert "1870 年代" in reader.get("/", params={"f": "1870/1879"}, headers=asking).text
    assert "作品没有字段 &#39;artst&#39;。" in reader.get("/", params={"q": "artst='x'"}, headers=asking).text
    assert "目录: test" in reader.get("/works/1", headers=asking).text


def test_an_empty_archive_offers_to_add_pictures_to_those_who_may(tmp_path: Path, quick_hashes: None) -> None:
    from tests.app.web.conftest import opened

    Archive.create(tmp_path / "empty").close()
    with opened(tmp_path / "empty", accounts=True) as bench:
        for role, may in ((Role.VIEWER, False), (Role.EDITOR, True)):
            bench.accounts.add(role.word, "a long enough sentence", role, by="test")
            _, token = bench.tokens.make(bench.accounts.get(role.word), "test", role)
            with TestClient(create_app(bench), base_url=LOCAL) as client:
                page = client.get("/", headers={"Authorization": f"Bearer {token}"}).text
            assert "The archive is empty." in page
            assert (page.count('data-opens="adding"'), 'id="adding"' in page) == (2 * may, may)


def test_pictures_are_added_by_hand(live: tuple[str, Workbench], watched: Any, tmp_path: Path) -> None:
    """A file is sent, put in by a job, and shown by the name that it had."""
    from playwright.sync_api import expect
    from tests.app.web.conftest import worked

    address, bench = live
    Image.fromarray(np.arange(64 * 48 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)).save(
        tmp_path / "IMG_0231.png"
    )
    page = watched.page
    page.goto(address + "/")
    page.get_by_role("button", name="Add pictures").click()
    expect(page.locator("#adding-run")).to_be_disabled()
    page.set_input_files("#adding-files", tmp_path / "IMG_0231.png")
    expect(page.locator("#adding-sent")).to_have_text("Ready to be added: IMG_0231.png")
    assert not watched.accessibility()
    page.uncheck("#adding-measure")
    with worked(bench.archive.folder), page.expect_navigation():
        page.click("#adding-run")
    expect(page.locator("#count")).to_have_text("13 works")
    page.get_by_text("IMG_0231.png").click()
    assert page.inner_text("h1") == "IMG_0231.png"
    assert [one for one in watched.complaints if "/events" not in one] == []


def test_what_cannot_be_added_is_told_before(live: tuple[str, Workbench], watched: Any, tmp_path: Path) -> None:
    """All files that are refused in one notice; nothing is added while a file is on its way."""
    from playwright.sync_api import expect

    picture = Image.fromarray(np.zeros((9, 9, 3), np.uint8))
    picture.save(tmp_path / "fine.png")
    picture.save(tmp_path / "moves.gif", save_all=True, append_images=[Image.new("RGB", (9, 9), "red")])
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("no picture")
    page, held = watched.page, []
    page.goto(live[0] + "/")
    page.get_by_role("button", name="Add pictures").click()
    page.set_input_files("#adding-files", [tmp_path / name for name in ("a.txt", "moves.gif", "b.txt", "fine.png")])
    expect(page.locator("#adding-sent")).to_have_text("Ready to be added: fine.png")
    told = page.locator("#adding .notice p")
    expect(told).to_have_text([re.compile(f"^{name}") for name in (r"a\.txt is", r"moves\.gif: ", r"b\.txt is")])
    assert not watched.accessibility()
    page.route("**/api/v1/uploads?**", lambda route: held.append(route))
    with page.expect_request("**/api/v1/uploads?**"):
        page.set_input_files("#adding-files", tmp_path / "fine.png")
    expect(page.locator("#adding-run")).to_be_disabled()
    page.wait_for_timeout(100)
    held[0].continue_()
    expect(page.locator("#adding-run")).to_be_enabled(timeout=30_000)


def test_what_is_chosen_before_the_script_is_there_is_sent(
    live: tuple[str, Workbench], watched: Any, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    Image.new("RGB", (9, 9), "red").save(tmp_path / "early.png")
    page, held = watched.page, []
    page.route("**/gallery-adding.js*", lambda route: held.append(route))
    page.goto(live[0] + "/")
    with page.expect_request("**/gallery-adding.js*"):
        page.get_by_role("button", name="Add pictures").click()
    page.set_input_files("#adding-files", tmp_path / "early.png")
    held[0].continue_()
    expect(page.locator("#adding-sent")).to_have_text("Ready to be added: early.png")


def test_what_failed_leads_to_its_job(live: tuple[str, Workbench], watched: Any, tmp_path: Path) -> None:
    """The job's link; files that came while it ran stay; the gallery is renewed when the dialog is closed."""
    from playwright.sync_api import expect

    address, bench = live
    for name in ("first.png", "second.png"):
        Image.new("RGB", (9, 9), "red" if name == "first.png" else "blue").save(tmp_path / name)
    page = watched.page
    page.goto(address + "/")
    page.get_by_role("button", name="Add pictures").click()
    page.uncheck("#adding-measure")
    page.set_input_files("#adding-files", tmp_path / "first.png")
    with page.expect_response("**/api/v1/jobs"):
        page.click("#adding-run")
    expect(page.locator("#adding-sent")).to_have_text("The pictures are being added …")
    page.set_input_files("#adding-files", tmp_path / "second.png")
    expect(page.locator("#adding-sending li")).to_have_count(0)
    expect(page.locator("#adding-sent")).to_have_text("The pictures are being added …")
    expect(page.locator("#adding-run")).to_be_disabled()
    taken = bench.jobs.take("test")
    assert taken is not None
    bench.jobs.finish(taken, {"files": [], "values": {"failures": [{"source": "first.png", "error": "torn"}]}})
    expect(page.locator("#adding .notice")).to_contain_text("Not added: 1.")
    expect(page.get_by_role("link", name="The job")).to_have_attribute("href", f"/jobs/{taken.id}")
    expect(page.locator("#adding-sent")).to_have_text("Ready to be added: second.png")
    with page.expect_response("**/api/v1/jobs"):
        page.click("#adding-run")
    expect(page.locator("#adding-sent")).to_have_text("The pictures are being added …")
    taken = bench.jobs.take("test")
    assert taken is not None
    bench.jobs.cancel(taken.id)
    bench.jobs.give_back(taken)
    expect(page.locator("#adding .notice")).to_contain_text("The job was cancelled.")
    with page.expect_navigation():
        page.locator("#adding [data-closes]").click()


def test_hostile_queries_are_shown_and_not_run(reader: TestClient) -> None:
    page = reader.get("/", params={"q": '"><script>alert(1)</script>', "f": "'<img src=x>'", "sort": "<b>"}).text
    assert "<script>alert(1)" not in page and "<img src=x>" not in page


@pytest.mark.parametrize("address", ["/works/nope", "/works/1.5", "/works/99999999"])
def test_a_mistyped_address_of_a_work_leads_back(reader: TestClient, address: str) -> None:
    answer = reader.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 404 and "back to the gallery" in answer.text


def test_pictures_like_a_work(client: TestClient, bench: Workbench) -> None:
    first = cards(client.get("/").text)[0]
    assert "have the pictures measured" in client.get(f"/?like={first}&by=palette").text
    index(bench.archive, ("palette",))
    page = client.get(f"/?like={first}&by=palette").text
    assert len(cards(page)) == 11 and first not in cards(page)
    assert client.get("/?like=999999&by=palette").status_code in (200, 404)


def test_pictures_like_one_that_was_sent(
    client: TestClient, bench: Workbench, token_header: Callable[[TestClient], dict[str, str]]
) -> None:
    index(bench.archive, ("palette",))
    first = client.get("/api/v1/works").json()["works"][0]
    sent = client.get(first["image"].removeprefix(LOCAL) + "/full/max/0/default.png").content
    answer = client.post("/api/v1/uploads?name=one.png", content=sent, headers=token_header(client))
    hash = answer.json()["uploads"][0]["sha256"]
    found = cards(client.get(f"/?picture={hash}&by=palette").text)
    near = client.get(f"/api/v1/works/{first['id']}/similar?by=palette").json()["works"]
    twins = {str(work["id"]) for work in near if work["distance"] < 1e-3}  # the same picture, turned
    assert found[0] in {str(first["id"]), *twins} and len(twins) < 3
    assert len(found) == 12
    assert client.get(f"/?picture={'0' * 64}&by=palette").status_code == 200
    assert client.get("/?picture=..%2Fx&by=palette").status_code == 422


def test_the_page_of_a_work(reader: TestClient) -> None:
    first = cards(reader.get("/").text)[0]
    page = reader.get(f"/works/{first}").text
    for part in (
        'id="viewer"',
        'data-info="/iiif/image/',
        'id="about"',
        'id="events"',
        "read as: ",
        "catalog: test",
    ):
        assert part in page
    assert reader.get("/works/999999").status_code == 404
    original = re.search(r'href="(/works/files/[^"]+)"', page)
    assert original and reader.get(original[1]).headers["content-disposition"].startswith("attachment")
    assert reader.get("/works/files/" + "0" * 64).status_code == 404


def test_a_word_is_kept_by_a_form_without_scripts(client: TestClient) -> None:
    first = cards(client.get("/").text)[0]
    page = client.get(f"/works/{first}").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)
    assert csrf
    form = {"csrf": csrf[1], "field": "tag", "value": "one\n\ntwo <b>\n"}
    answer = client.post(f"/works/{first}/statements", data=form, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/works/{first}")
    page = client.get(f"/works/{first}").text
    assert "<li>one</li><li>two &lt;b&gt;</li>" in page
    assert "metadata modification" in page
    wrong = client.post(f"/works/{first}/statements", data=form | {"field": "color"}, follow_redirects=False)
    assert wrong.status_code == 400
    assert client.post(f"/works/{first}/statements", data={"field": "tag", "value": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("c. 1890s", "1885 to 1904, approximately"),
        ("1890", "read as: 1890"),
        ("before 1900", "until 1899"),
        ("after 1880", "from 1881 on"),
        ("664 BC", "664 BC"),
        ("um 1905 <b>", "&lt;b&gt;"),
        ("whenever", "not understood"),
    ],
)
def test_a_date_is_read_while_it_is_written(reader: TestClient, text: str, words: str) -> None:
    page = reader.get("/works/dates", params={"value": text}).text
    assert words in page or words == "&lt;b&gt;"
    assert "<b>" not in page


def test_lineage_leads_both_ways(client: TestClient, bench: Workbench) -> None:
    with bench.archive.writing() as writer:
        rows = [dict(row) for row in writer.connection.execute(FILES.select().order_by(FILES.c.id)).mappings()]
        row = {
            "content": rows[1]["content"], "source_content": rows[0]["content"], "operation": "restore",
            "path": rows[1]["path"], "treatment": {}, "added": now(),
        }  # fmt: skip
        writer.add(DERIVATIVES, [row])
    source = client.get(f"/works/{rows[0]['work_id']}").text
    made = client.get(f"/works/{rows[1]['work_id']}").text
    assert f'<a href="/works/{rows[1]["work_id"]}">' in source and "Made of it" in source
    assert f'<a href="/works/{rows[0]["work_id"]}">' in made and "Made from" in made


def test_a_viewer_sees_no_forms_and_no_folders_of_the_server(shared_bench: Workbench) -> None:
    account = shared_bench.accounts.get("viewer")
    _, token = shared_bench.tokens.make(account, "test", Role.VIEWER)
    with TestClient(create_app(shared_bench), base_url=LOCAL) as client:
        client.headers["Authorization"] = f"Bearer {token}"
        work = client.get("/api/v1/works").json()["works"][0]
        assert "/" not in work["picture"]
        page = client.get(f"/works/{work['id']}").text
        assert "<form" not in page.partition("<main")[2]
        assert str(shared_bench.archive.folder) not in page + client.get(f"/api/v1/works/{work['id']}").text


def test_the_story(live: tuple[str, Workbench], watched: Any) -> None:
    """Search, open a work, look closer, date it anew, and see that on record; by keys where a hand would do it."""
    from playwright.sync_api import expect

    address, bench = live
    index(bench.archive, ("palette",))
    page = watched.page
    page.goto(address + "/")
    page.wait_for_selector("#facets-list .facet")
    page.keyboard.press("/")
    page.keyboard.type("study 1860/1870")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=4 works")
    assert not watched.accessibility()
    page.locator(".work > a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector(".openseadragon-canvas")
    zoom = page.locator("#zoom")
    expect(zoom).not_to_have_text("")
    before = zoom.inner_text()
    page.get_by_role("button", name="Closer").press("Enter")
    expect(zoom).not_to_have_text(before)
    assert int(zoom.inner_text().rstrip(" %")) > int(before.rstrip(" %"))
    page.locator("#line-date .edit > summary").press("Enter")
    page.locator("#value-date").fill("um 1905")
    page.wait_for_selector("#date-read >> text=1900 to 1910, approximately")
    page.keyboard.press("Enter")
    page.wait_for_selector("#events >> text=Date: um 1905")
    assert "um 1905" in page.inner_text("#work-byline")
    assert page.evaluate("document.activeElement.closest('#line-date') !== null")
    page.locator("[data-by]", has_text="color").click()
    page.wait_for_selector("#alike .alike-works img")
    page.wait_for_load_state("networkidle")
    assert not watched.accessibility()
    assert not watched.complaints


def test_the_end_of_the_list_brings_more(
    live: tuple[str, Workbench], watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from playwright.sync_api import expect

    monkeypatch.setattr(gallery, "AT_ONCE", 5)
    address, bench = live
    say(bench.archive, bench_key(bench), ["title=Changed meanwhile"], "me")
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address + "/")
    for _ in range(600):
        page.mouse.wheel(0, 4000)
        page.wait_for_timeout(50)
        if page.locator(".work").count() == 12:
            break
    expect(page.locator(".work")).to_have_count(12)
    expect(page.locator(".more")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not watched.complaints


def bench_key(bench: Workbench) -> str:
    from vasari.archive.schema import WORKS

    with bench.archive.reading() as connection:
        return str(connection.execute(WORKS.select().limit(1)).mappings().one()["key"])
