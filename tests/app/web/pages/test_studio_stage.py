"""The studio's stage in a real Chromium: brush over curtain, an empty stage, notices in sight, a narrow page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from vasari.app.web.workbench import Workbench

if TYPE_CHECKING:
    from playwright.sync_api import Dialog
    from tests.app.web.conftest import Watched

Live = tuple[str, Workbench]


def test_a_stroke_begun_on_the_grip_paints(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}/style?work=3&style=monet-etretat")
    page.locator("#viewer[data-preview]").wait_for()
    page.check("#by-region")
    grip = page.locator(".curtain-grip").bounding_box()
    assert grip
    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 20, steps=4)
    page.mouse.up()
    expect(page.locator("#undo")).to_be_enabled()
    assert page.input_value("#curtain") == "50"
    page.check("#layer-look")  # one looks again: the grip is the curtain's
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=4)
    page.mouse.up()
    assert float(page.input_value("#curtain")) > 50
    assert not watched.accessibility() and not watched.complaints


@pytest.mark.parametrize("path", ["/restore", "/style"])
def test_an_empty_stage_has_no_curtain(live: Live, watched: Watched, path: str) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}{path}")
    page.locator("#viewer .openseadragon-canvas").wait_for()
    expect(page.locator(".curtain-line")).to_be_hidden()
    expect(page.locator("#curtain")).to_be_disabled()
    assert not watched.accessibility() and not watched.complaints


def test_a_picture_taken_off_leaves_an_empty_stage(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}/restore?work=3")
    page.locator("#viewer[data-preview]").wait_for()
    expect(page.locator(".curtain-line")).to_be_visible()
    page.get_by_role("button", name="off the list").click()
    expect(page.locator(".curtain-line")).to_be_hidden()
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#run")).to_be_disabled()
    assert not watched.complaints


def test_a_picture_taken_off_is_not_offered(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}/restore?work=3&input=work:4&input=work:5")
    expect(page.locator("#run")).to_have_text("Restore all 3")
    page.locator("#pictures li:not(:has([aria-pressed=true]))").last.get_by_role("button", name="off the list").click()
    expect(page.locator("#run")).to_have_text("Restore all 2")


def test_styles_are_chosen_over_plain_http(live: Live, watched: Watched) -> None:
    """Away from this machine, without a certificate, a page has no `crypto.randomUUID`."""
    from playwright.sync_api import expect

    page = watched.page
    page.add_init_script("delete Crypto.prototype.randomUUID")
    page.goto(f"{live[0]}/style?style=monet-etretat&style=work:2")
    expect(page.locator("#chosen li")).to_have_count(2)
    assert page.evaluate("new Set([...document.querySelectorAll('#chosen input')].map((one) => one.id)).size") == 2
    assert not watched.complaints


def _restored(live: Live, watched: Watched) -> None:
    """The page Restore with the third work, its job done by hand: a black picture."""
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    page.goto(f"{address}/restore?work=3")
    page.locator("#viewer[data-preview]").wait_for()
    page.click("#run")
    expect(page.locator("#pictures .state")).to_have_text("waiting")
    taken = bench.jobs.take("test")
    assert taken is not None
    facts = page.request.get(f"{address}/studio/picture?picture=work:3").json()
    folder = bench.folder / "results" / taken.id
    folder.mkdir(parents=True)
    Image.new("RGB", (facts["width"], facts["height"])).save(folder / "a.png")
    file = {"name": "a.png", "bytes": (folder / "a.png").stat().st_size, "sha256": "0" * 64}
    bench.jobs.finish(taken, {"files": [file], "values": {}})


def test_what_was_painted_stays_with_its_picture(live: Live, watched: Watched) -> None:
    """Strokes wait while another picture is looked at, which has none of them."""
    from playwright.sync_api import expect

    page = watched.page
    _restored(live, watched)
    page.locator("#viewer[data-result]").wait_for()
    page.check("#brush-keep")
    page.focus(".brush")
    page.keyboard.press("Space")
    expect(page.locator("#redo")).to_be_enabled()
    page.click("[data-opens=works]")
    page.locator("#works .pick").first.click()
    expect(page.locator("#pictures li")).to_have_count(2)
    page.locator("#viewer[data-preview]").wait_for()
    expect(page.locator("#redo")).to_be_disabled()
    expect(page.locator(".brush")).to_have_count(0)
    page.locator("#pictures .look").first.click()
    page.locator("#viewer[data-result]").wait_for()
    expect(page.locator("#redo")).to_be_enabled()
    pixels = "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
    assert page.locator(".brush").evaluate(f"(canvas) => {pixels}.some((value) => value > 0)")
    page.click("#undo")
    expect(page.locator("#redo")).to_be_disabled()
    assert not watched.complaints


def test_what_was_painted_is_not_thrown_away_unasked(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    _restored(live, watched)
    result = page.locator("#viewer[data-result]")
    result.wait_for()
    page.check("#brush-keep")
    page.focus(".brush")
    page.keyboard.press("Space")
    expect(page.locator("#redo")).to_be_enabled()
    page.locator("summary", has_text="The result").click()
    page.select_option("#format", "png")  # of the next file: what is here stays
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.once("dialog", refuse)
    page.focus("#strength")
    page.keyboard.press("Home")
    assert len(asked) == 1
    assert page.input_value("#strength") == page.inner_text("output:has(+ #strength)") == "1"
    expect(result).to_be_visible()
    expect(page.locator("#redo")).to_be_enabled()
    page.once("dialog", lambda dialog: dialog.accept())
    page.keyboard.press("Home")
    expect(result).to_have_count(0)
    assert page.input_value("#strength") == "0" and not watched.complaints


def test_a_cancelled_job_is_told(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    address, bench = live
    page = watched.page
    page.goto(f"{address}/generate")
    page.locator("#sheet[data-shown]").wait_for()
    page.locator("#sheet button").first.click()
    page.click("#make")
    expect(page.locator("#progress")).to_be_visible()
    bench.jobs.cancel(bench.jobs.page().jobs[0].id)
    expect(page.locator("#notices")).to_contain_text("The job was cancelled.")
    expect(page.locator("#make")).to_be_enabled()
    expect(page.locator("#measuring")).to_be_hidden(timeout=120_000)  # no thread is left at it
    assert not watched.complaints


def test_what_is_refused_is_told_where_one_looks(live: Live, watched: Watched) -> None:
    """A notice at the head of the page is not seen from its foot, and one behind a dialog is not seen at all."""
    from playwright.sync_api import expect

    page = watched.page
    text = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}
    page.set_viewport_size({"width": 390, "height": 700})
    page.goto(f"{live[0]}/style")
    page.set_input_files("#files", files=[text])
    page.locator("#run").scroll_into_view_if_needed()
    told = page.locator("#notices .notice")
    expect(told).to_contain_text("neither a picture")
    expect(told).to_be_in_viewport()
    told.get_by_role("button", name="Close").click()
    expect(told).to_have_count(0)
    page.get_by_role("button", name="Choose a style").click()
    page.set_input_files("#style-files", files=[text])
    within = page.locator("dialog#styles .notice")
    expect(within).to_be_in_viewport()
    assert not watched.accessibility()
    page.locator("dialog#styles [data-closes]").click()
    expect(page.locator(".notice")).to_have_count(0)


def test_a_narrow_page_has_the_picture_before_the_controls(live: Live, watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/restore", "/style"):
        page.goto(f"{live[0]}{path}")
        tops = [page.locator(one).bounding_box() for one in ("#drop", "#viewer", "#strength", "#run")]
        assert all(tops) and [one["y"] for one in tops if one] == sorted(one["y"] for one in tops if one)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_seed_that_is_none_is_told(live: Live, watched: Watched) -> None:
    from playwright.sync_api import expect

    page = watched.page
    page.goto(f"{live[0]}/generate")
    page.locator("#sheet[data-shown]").wait_for()
    for seed in ("-4", "1.5", "5000000000", ""):
        page.fill("#seed", seed)
        expect(page.locator("#seed-wrong")).to_be_visible()
        assert page.get_attribute("#seed", "aria-invalid") == "true"
    page.click("#after")
    expect(page.locator("#seed-wrong")).to_be_hidden()
    expect(page.locator("#sheet button").first).to_have_attribute("data-seed", "16")
    expect(page.locator("#measuring")).to_be_hidden(timeout=120_000)  # no thread is left at it
    assert not watched.accessibility() and not watched.complaints
