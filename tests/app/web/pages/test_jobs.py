"""The page of jobs in a real Chromium: progress as it happens, cancel, try again, results."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from vasari.app.client import Workbench as Client
from vasari.app.web.workbench import Workbench

FIELDS = {"box": [2, 2, 8, 8], "method": "exemplar"}


def test_jobs_are_followed_as_they_go(live: tuple[str, Workbench], watched: Any) -> None:
    address, bench = live
    client, page = Client(address, token=""), watched.page
    page.goto(f"{address}/jobs")
    assert page.get_by_text("Nothing was asked for yet").is_visible()
    page.get_by_text("Shown as it happens").wait_for()
    job = client.submit("inpaint", ["work:1"], FIELDS)
    row = page.locator(f"#job-{job.id}")
    row.get_by_text("queued").wait_for()
    taken = bench.jobs.take("test")
    assert taken is not None
    row.get_by_text("running").wait_for()
    bench.jobs.report(taken, done=1, total=4, words="<b>scan</b>.tif")
    row.get_by_text("<b>scan</b>.tif").wait_for()
    assert row.locator("progress").evaluate("bar => bar.value") == 0.25
    assert watched.accessibility() == []
    row.get_by_role("button", name="Cancel").click()
    row.get_by_text("stopping").wait_for()
    bench.jobs.give_back(taken)
    row.get_by_text("cancelled").wait_for()
    row.get_by_role("button", name="Try again").click()
    row.get_by_text("queued").wait_for()
    taken = bench.jobs.take("test")
    assert taken is not None
    folder = bench.folder / "results" / job.id
    folder.mkdir(parents=True)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "a b.png")
    file = {"name": "a b.png", "bytes": (folder / "a b.png").stat().st_size, "sha256": "0" * 64}
    bench.jobs.finish(taken, {"files": [file], "values": {}})
    row.get_by_role("link", name="Results").click()
    page.get_by_role("heading", name="Pictures").wait_for()
    assert (
        page.locator("figure img").evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 8
    )
    assert watched.accessibility() == []
    # Leaving a page cuts its stream off, which the browser tells as a failed request.
    assert [one for one in watched.complaints if "/events" not in one] == []


def test_a_list_by_state_and_its_counts_follow_the_jobs(live: tuple[str, Workbench], watched: Any) -> None:
    from playwright.sync_api import expect

    address, bench = live
    client, page = Client(address, token=""), watched.page
    first = client.submit("inpaint", ["work:1"], FIELDS)
    page.goto(f"{address}/jobs?state=queued")
    page.get_by_text("Shown as it happens").wait_for()
    expect(page.locator(".job")).to_have_count(1)
    assert bench.jobs.take("test") is not None
    expect(page.locator(".job")).to_have_count(0)  # it runs, and is of another list
    expect(page.locator("#state-running")).to_have_text("running 1")
    second = client.submit("inpaint", ["work:2"], FIELDS)
    expect(page.locator(f"#job-{second.id}")).to_be_visible()
    expect(page.locator("#state-queued")).to_have_text("queued 1")
    page.goto(f"{address}/jobs?before={second.id}")
    page.get_by_text("Shown as it happens").wait_for()
    client.submit("inpaint", ["work:3"], FIELDS)
    expect(page.locator("#state-queued")).to_have_text("queued 2")
    expect(page.locator(".job")).to_have_attribute("id", f"job-{first.id}")  # a new job is of the first page
    assert watched.accessibility() == []
    assert [one for one in watched.complaints if "/events" not in one] == []


def test_the_page_escapes_what_people_send(client: TestClient, bench: Workbench, token_header: Any) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(buffer, "PNG")
    header = token_header(client)
    sent = client.post("/api/v1/uploads?name=x%27%26y.png", content=buffer.getvalue(), headers=header).json()
    asked = {"operation": "inpaint", "inputs": [sent["uploads"][0]["reference"]], "fields": FIELDS}
    job = client.post("/api/v1/jobs", json=asked, headers=header).json()
    bench.jobs.fail(bench.jobs.take("w"), "<script>alert(1)</script>", "<i>", again=False)  # type: ignore[arg-type]
    for path in ("/jobs", f"/jobs/{job['id']}", f"/jobs/{job['id']}/row", "/jobs?state=failed"):
        text = client.get(path).text
        assert "<script>alert" not in text and "&lt;script&gt;alert" in text and "x&#39;&amp;y.png" in text, path
    assert client.get("/jobs?state=nothing").status_code == 422 and client.get("/jobs/unknown").status_code == 404
    again = client.post(f"/jobs/{job['id']}/retry", data={"csrf": header["X-CSRF-Token"]}, follow_redirects=False)
    assert again.status_code == 303 and again.headers["location"] == f"/jobs/{job['id']}"
    assert client.post(f"/jobs/{job['id']}/cancel").status_code == 403


def test_what_did_not_come_into_the_archive_is_told(client: TestClient, bench: Workbench, token_header: Any) -> None:
    header = token_header(client)
    asked = {"operation": "archive-add", "inputs": ["work:1"]}
    job = client.post("/api/v1/jobs", json=asked, headers=header).json()
    taken = bench.jobs.take("w")
    assert taken is not None
    lost = {"status": "failed", "source": "/somewhere/torn.jpg", "error": "There is no such page.", "remedy": "scan it"}
    bench.jobs.finish(taken, {"files": [], "values": {"failed": 1, "failures": [lost]}})
    page = client.get(f"/jobs/{job['id']}").text
    assert "torn.jpg" in page and "There is no such page." in page and "/somewhere" not in page
    assert "没有这个页面。" in client.get(f"/jobs/{job['id']}", headers={"Accept-Language": "zh"}).text
