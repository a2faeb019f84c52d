"""Enlarging from the page of the studio: the preview stays as large as the scan, what the job makes does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data
from tests.app.web.conftest import worked

from vasari.app.web.workbench import Workbench

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.app.web.conftest import Watched

Header = Callable[[TestClient], dict[str, str]]
Live = tuple[str, Workbench]


def test_a_preview_is_the_same_where_the_job_enlarges(client: TestClient, token_header: Header) -> None:
    def ask(**fields: Any) -> Any:
        asked = {"picture": "work:2", "x": 5, "y": 5, "side": 64, "fields": fields}
        return client.post("/restore/preview", json=asked, headers=token_header(client))

    plain, enlarged = ask(stages=["tone", "repair"]), ask(stages=["tone", "repair", "enlarge"], scale=4)
    assert plain.status_code == enlarged.status_code == 200 and plain.content == enlarged.content


def brought(live: Live, watched: Watched, folder: Path) -> Page:
    """The page with a scan of 128×96 px and its preview."""
    page = watched.page
    Image.fromarray(data.astronaut()[:96, 160:288]).save(folder / "small.png")
    page.goto(f"{live[0]}/restore")
    page.set_input_files("#files", folder / "small.png")
    page.wait_for_selector("[data-preview]")
    return page


def shown(page: Page) -> dict[str, Any]:
    """Of the scan and of what lies over it on the stage: size in pixels, place in the view, what the curtain leaves."""
    return page.evaluate(
        """() => {
            const { world } = OpenSeadragon.getViewer(document.getElementById("viewer"));
            const told = (item) => {
                const { x, y, width, height } = item.getBounds(true);
                const size = item.getContentSize();
                return { size: [size.x, size.y], place: [x, y, width, height], clip: item.getClip() };
            };
            return { scan: told(world.getItemAt(0)), result: told(world.getItemAt(1)) };
        }"""
    )


def test_a_scan_is_enlarged_from_the_page_and_lies_over_itself(live: Live, watched: Watched, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    _, bench = live
    page = brought(live, watched, tmp_path)
    page.select_option("#scale", "2")
    page.uncheck("#stage-repair")
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
    page.locator("#curtain").fill("50")
    on_stage = shown(page)
    assert on_stage["scan"]["size"] == [128, 96] and on_stage["result"]["size"] == [256, 192]
    assert on_stage["result"]["place"] == on_stage["scan"]["place"]
    clip = on_stage["result"]["clip"]
    assert clip["x"] == pytest.approx(128, abs=2) and clip["x"] + clip["width"] == 256 and clip["height"] == 192
    page.click("#map-damage")  # the map keeps the scan's size, and lies over all of it
    expect(page.locator("#map-damage")).to_have_attribute("aria-pressed", "true")
    assert not watched.accessibility() and not watched.complaints


def test_enlarging_alone_restores_nothing_whatever_the_treatment_says(
    live: Live, watched: Watched, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    _, bench = live
    page = brought(live, watched, tmp_path)
    page.locator("#strength").fill("0.5")
    page.check("#tone-keep")
    page.select_option("#scale", "4")
    for stage in ("#stage-tone", "#stage-repair"):
        page.uncheck(stage)
    expect(page.locator("#status")).to_have_text("Enlarging is done by a job; there is no preview of it.")
    expect(page.locator("#viewer[data-preview]")).to_have_count(0)
    page.click("#run")
    expect(page.locator("#pictures [data-state=queued]")).to_have_count(1)
    with worked(bench.archive.folder):
        page.wait_for_selector("[data-result]")
    (job,) = bench.jobs.page().jobs
    assert job.fields["stages"] == ["enlarge"] and job.fields["scale"] == 4
    assert job.fields["strength"] == 1 and not job.fields["evidence"]
    assert shown(page)["result"]["size"] == [512, 384]
    for button in ("#map-damage", "#map-change"):  # nothing was restored: there is no evidence
        expect(page.locator(button)).to_be_disabled()
    page.click("#back")
    expect(page.locator("#map-damage")).to_be_enabled()
    assert not watched.complaints


def test_only_damage_and_enlarging_are_refused_before_they_are_sent(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    page.goto(f"{address}/restore?work=3")
    page.wait_for_selector("[data-preview]")
    page.check("#only-damage")
    page.select_option("#scale", "4")
    expect(page.locator("#scale:invalid")).to_have_count(1)
    expect(page.locator("#status")).to_have_text(
        "An enlarged picture has none of the pixels of the scan: "
        "do not enlarge, or change more than what is found damaged."
    )
    expect(page.locator("#viewer[data-preview]")).to_have_count(0)
    page.click("#run")
    assert not bench.jobs.page().jobs
    page.select_option("#scale", "")
    expect(page.locator("#scale:invalid")).to_have_count(0)
    page.wait_for_selector("[data-preview]")
    assert not watched.complaints
