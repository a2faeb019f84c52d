"""Enlarging from the page of the studio: the preview stays as large as the scan, what the job makes does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.testclient import TestClient
from PIL import Image
from skimage import data
from tests.app.web.conftest import worked

from vasari.app.web.workbench import Workbench

if TYPE_CHECKING:
    from tests.app.web.conftest import Watched

Header = Callable[[TestClient], dict[str, str]]
Live = tuple[str, Workbench]


def test_a_preview_is_the_same_where_the_job_enlarges(client: TestClient, token_header: Header) -> None:
    def ask(**fields: Any) -> Any:
        asked = {"picture": "work:2", "x": 5, "y": 5, "side": 64, "fields": fields}
        return client.post("/restore/preview", json=asked, headers=token_header(client))

    plain, enlarged = ask(stages=["tone", "repair"]), ask(stages=["tone", "repair", "enlarge"], scale=4)
    assert plain.status_code == enlarged.status_code == 200 and plain.content == enlarged.content


def test_a_scan_is_enlarged_from_the_page_and_lies_over_itself(live: Live, watched: Watched, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    Image.fromarray(data.astronaut()[:96, 160:288]).save(tmp_path / "small.png")
    page.goto(f"{address}/restore")
    page.set_input_files("#files", tmp_path / "small.png")
    page.wait_for_selector("[data-preview]")
    page.select_option("#scale", "2")
    for stage in ("#stage-tone", "#stage-repair"):
        page.uncheck(stage)
    expect(page.locator("#status")).to_have_text("Enlarging is done by a job; there is no preview of it.")
    page.check("#stage-tone")
    page.wait_for_selector("[data-preview]")
    page.click("#run")
    expect(page.locator("#pictures [data-state=queued]")).to_have_count(1)
    (job,) = bench.jobs.page().jobs
    assert job.fields["stages"] == ["tone", "enlarge"]
    with worked(bench.archive.folder):
        page.wait_for_selector("[data-result]")
    expect(page.locator("#status")).to_have_text(
        "The whole result, 2 times as wide and high; it cannot be corrected by hand."
    )
    expect(page.locator("#retouch")).to_be_hidden()
    reference = page.locator("#viewer").get_attribute("data-result")
    sizes = page.evaluate(
        "async (picture) => (await fetch(`/studio/picture?${new URLSearchParams({ picture })}`)).json()", reference
    )
    assert (sizes["width"], sizes["height"]) == (256, 192)
    assert not watched.accessibility() and not watched.complaints


def test_only_damage_and_enlarging_are_refused_before_they_are_sent(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}/restore?work=3")
    page.wait_for_selector("[data-preview]")
    page.check("#only-damage")
    page.select_option("#scale", "4")
    expect(page.locator("#scale:invalid")).to_have_count(1)
    said = page.locator("#scale").evaluate("field => field.validationMessage")
    assert said == "An enlarged picture has none of the pixels of the scan: choose one or the other."
    page.select_option("#scale", "")
    expect(page.locator("#scale:invalid")).to_have_count(0)
    assert not watched.complaints
