"""Time: trends under the visitor's assumptions, the map, what sets chosen works apart, the exported figure."""

import io
import json
import re
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from vasari.app.web.changes import Asked
from vasari.app.web.errors import Refusal
from vasari.app.web.pages.time import bars_of
from vasari.app.web.turnstile import Turnstile
from vasari.archive.indexing import index
from vasari.archive.ingest.person import say
from vasari.archive.schema import WORKS
from vasari.archive.search.facets import decade_of
from vasari.archive.store import Archive
from vasari.foundation.errors import PlanError

QUICK = {"draws": "20", "min_artists": "1"}


@pytest.fixture
def measured(archive_folder: Path) -> Path:
    with Archive.open(archive_folder) as archive:
        index(archive, ("color", "palette", "edges"))
    return archive_folder


def test_a_form_is_read_into_a_plan_and_conventions_of_dates() -> None:
    asked = Asked.of({"what": "shares:style", "circa_years": "12", "window_years": "", "draws": "40"})
    assert asked.question.shares == "style" and asked.assumptions.circa_years == 12
    assert asked.plan.draws == 40 and asked.plan.window_years == Asked().plan.window_years
    with pytest.raises(PlanError, match="many"):
        Asked.of({"draws": "many"})


@pytest.mark.parametrize("name", ["draws", "min_artists", "circa_years", "period_years"])
@pytest.mark.parametrize("value", ["100000000", "1e400", "-inf", "nan", "9" * 5000])
def test_no_visitor_can_ask_for_endless_work(name: str, value: str) -> None:
    with pytest.raises(PlanError, match=name):
        Asked.of({name: value})


def test_too_much_is_refused_by_the_page(client: TestClient) -> None:
    answer = client.get("/time/export.zip", params={"draws": "100000000"}, headers={"Accept": "application/json"})
    assert answer.status_code == 400 and "1000 or less" in answer.json()["error"]["remedy"]
    assert 'name="draws" type="number" min="20" step="20" max="1000"' in client.get("/time").text


def test_of_many_who_ask_at_once_few_wait() -> None:
    turnstile = Turnstile(places=2)
    inside, outside = threading.Event(), threading.Event()

    def stay() -> None:
        with turnstile.passed():
            inside.set()
            outside.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(stay)
        assert inside.wait(10)
        second = pool.submit(stay)  # takes the other place, and waits
        while turnstile._places._value:  # type: ignore[attr-defined]
            time.sleep(0.01)
        with pytest.raises(Refusal) as refused, turnstile.passed():
            pass
        assert refused.value.status == 503
        outside.set()
        first.result(), second.result()
    with turnstile.passed():
        pass


def test_the_page_has_a_bar_for_each_decade(client: TestClient) -> None:
    text = client.get("/time").text
    assert 'aria-current="page"' in text and text.count("<rect") >= 3
    assert "1870" in text


def test_a_timeline_keeps_its_gaps() -> None:
    """Decades at even steps: an empty one is as broad as a full one, and a long run of them is told as one."""
    counts = [decade_of(number, 2) for number in (-3, 0, 1, 4, 30)]
    bars = bars_of(counts)
    assert [one.value or one.skipped for one in bars] == [
        "-31/-22", "-21/-12", "-11/-2", "-1/9", "10s", "20s", "30s", "40s", 25, "300s"
    ]  # fmt: skip
    assert [one.works for one in bars] == [2, 0, 0, 2, 2, 0, 0, 2, 0, 2] and bars_of([]) == []


def test_a_bar_leads_to_what_it_counts(client: TestClient) -> None:
    text = client.get("/time", params={"q": "artist='Monet, Claude'"}).text
    address = unescape(text.split('class="timeline"')[1].split('<a href="')[1].split('"')[0])
    counted = int(text.split('class="timeline"')[1].split('class="count">')[1].split("<")[0])
    assert f"{counted} work" in client.get(address).text and "Monet" in unquote_plus(address)


def test_what_is_measured_has_its_chinese(measured: Path, client: TestClient) -> None:
    client.headers["Accept-Language"] = "zh"
    page = client.get("/time").text
    assert "平均明度" in page and "lightness mean" not in page and "1870 年代" in page
    thin = client.get("/time/answer", params={"min_artists": "30", "draws": "20"}).text
    assert "没有任何 10 年的时段有 30 位艺术家" in thin and "min_artists" not in thin
    told = plotted(client.get("/time/answer", params=QUICK).text)
    assert told["series"][0]["name"] == "移动平均"
    answer = client.get("/time/export.zip", params={"draws": "3"}, headers={"Accept": "application/json"})
    assert answer.json()["error"]["what"].endswith("小于 20。")


def test_a_thin_archive_is_told_what_helps_in_the_words_of_the_page(measured: Path, client: TestClient) -> None:
    thin = client.get("/time/answer", params={"min_artists": "30", "draws": "20"}).text
    assert "allow fewer artists in a period" in thin and "min_artists" not in thin


def test_the_map_comes_by_itself_and_opens_a_work(archive_folder: Path, live: Any, watched: Any) -> None:
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    page.goto(f"{address}/time?draws=20&min_artists=1")  # nothing is measured: nothing is drawn unasked
    page.locator("#map").scroll_into_view_if_needed()
    expect(page.locator("#map-told")).to_have_text("The map is not drawn yet.")
    index(bench.archive, ("embedding", "color"))
    page.goto(f"{address}/time?draws=20&min_artists=1")
    page.locator("#map").scroll_into_view_if_needed()
    expect(page.locator("#lasso")).to_be_enabled()
    box = page.locator("#map").bounding_box()
    card = page.locator("#map-card")
    for step in range(1600):  # along the rows of the map, until the pointer is at a work
        row, column = divmod(step, 60)
        page.mouse.move(box["x"] + 10 + box["width"] * column / 60, box["y"] + 8 + 22 * row)
        if card.is_visible():
            break
    expect(card.locator("strong")).not_to_be_empty()
    expect(card.locator("img")).to_have_attribute("src", re.compile("/iiif/image/"))
    title = card.locator("strong").inner_text()
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url("**/works/*")
    assert page.inner_text("h1") == title and not watched.complaints


def test_a_wrong_question_is_told_in_place(client: TestClient) -> None:
    answer = client.get("/time/answer", params={"what": "beauty"})
    assert answer.status_code == 200 and "beauty" in answer.text and "lightness_mean" in answer.text
    assert "Traceback" not in answer.text


def plotted(text: str) -> dict[str, Any]:
    return json.loads(unescape(text.split('data-plot="')[1].split('"')[0]))


def test_a_trend_has_its_curve_its_table_and_can_be_saved(measured: Path, client: TestClient) -> None:
    asked = {"what": "lightness_mean", **QUICK}
    text = client.get("/time/answer", params=asked).text
    data = plotted(text)
    curve = data["series"][0]
    assert data["kind"] == "trend" and any(value is not None for value in curve["estimate"])
    assert "12 works by" in text and "vasari archive trends lightness_mean" in text
    packed = client.get("/time/export.zip", params=asked)
    assert packed.headers["content-type"] == "application/zip"
    names = set(zipfile.ZipFile(io.BytesIO(packed.content)).namelist())
    assert {"lightness_mean/figure.svg", "lightness_mean/works.csv", "lightness_mean/asked.json"} <= names


def test_wider_dates_change_the_answer(measured: Path, client: TestClient) -> None:
    """One work is dated 'c. 1831': nobody else is before 1860."""
    first = [
        plotted(client.get("/time/answer", params={**QUICK, "circa_years": years}).text)["series"][0]["years"][0]
        for years in ("0", "60")
    ]
    assert first[1] < first[0]


def test_shares_are_followed_too(measured: Path, client: TestClient) -> None:
    data = plotted(client.get("/time/answer", params={"what": "shares:medium", **QUICK}).text)
    assert {one["name"] for one in data["series"]} >= {"oil", "oil on canvas"}


def test_a_choice_is_set_against_the_others(measured: Path, client: TestClient, token_header: Any) -> None:
    shown = client.get("/time/map?by=palette").json()["works"]
    assert len(shown) == 12 and all(abs(one["x"]) <= 1 for one in shown)
    keys = [one["key"] for one in shown if "Study" in one["title"]][:3]
    answer = client.post("/time/selection", json={"keys": keys}, headers=token_header(client))
    assert "3 chosen works against 9 others" in answer.text and "What sets them apart" in answer.text
    asking = {"Accept": "application/json"}
    nobody = client.post("/time/selection", json={"keys": ["no such"]}, headers=asking | token_header(client))
    assert nobody.status_code == 400 and "load the map again" in nobody.json()["error"]["remedy"]


def test_a_narrow_page_scrolls_its_timeline_alone(live: Any, watched: Any) -> None:
    """Nor do the hidden texts of gaps in the timeline, which are for screen readers, make the page any wider."""
    address, bench = live
    with bench.archive.reading() as connection:
        keys = connection.execute(select(WORKS.c.key)).scalars().all()
    say(bench.archive, keys[-1], ["date=2019"], "me")
    page = watched.page
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto(f"{address}/time")
    page.locator("#answer *").first.wait_for()
    line = page.locator(".timeline")
    assert line.evaluate("line => line.scrollWidth > line.clientWidth && line.scrollLeft > 0")
    assert line.locator(".skipped").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    assert not watched.complaints


def test_the_story_in_a_browser(measured: Path, live: Any, watched: Any) -> None:
    """A trend under another assumption, then a lasso around the whole map."""
    address, _ = live
    page = watched.page
    page.goto(f"{address}/time?draws=20&min_artists=1")
    page.locator("#answer .uplot canvas").wait_for()
    page.fill("#circa_years", "40")
    page.click("#trend button[type=submit]")
    page.wait_for_url("**circa_years=40**")
    page.select_option("#by", "palette")
    page.click("#load-map")
    page.locator("#lasso:enabled").click()
    box = page.locator("#map").bounding_box()
    corners = [(4, 4), (box["width"] - 4, 4), (box["width"] - 4, box["height"] - 4), (4, box["height"] - 4)]
    page.mouse.move(box["x"] + corners[0][0], box["y"] + corners[0][1])
    page.mouse.down()
    for x, y in corners[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.up()
    page.get_by_text("12 chosen works against 0 others").wait_for()
    page.fill("#from", "1860")
    page.fill("#to", "1872")
    page.click("#years button")
    page.get_by_text("What sets them apart").wait_for()
    assert not watched.accessibility() and not watched.complaints
