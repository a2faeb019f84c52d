"""The frame of every page in a real Chromium: no complaints, accessible in both themes, usable by keyboard alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from vasari.app.web.pages import preferences
from vasari.app.web.static_files import StaticFiles
from vasari.app.web.workbench import Workbench
from vasari.archive.workbench.roles import Role

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "a long enough sentence"


def _focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent.trim()")


def _accessible(watched: Any) -> None:
    for scheme in ("light", "dark"):
        watched.page.emulate_media(color_scheme=scheme)
        assert not watched.accessibility(), f"{watched.page.url} in {scheme}"


def test_pages_of_the_one_person(live: tuple[str, Workbench], watched: Any) -> None:
    """Every page that needs nothing but its address, in one go: the browser is what takes long."""
    address, bench = live
    bench.accounts.add("ada", PASSWORD, Role.ADMIN, by="test")
    for path in ("/", "/account", "/admin", "/admin/audit"):
        answer = watched.page.goto(address + path)
        assert answer and answer.status == 200
        assert watched.page.locator("h1").count() == 1
        _accessible(watched)
    assert not watched.complaints
    watched.page.goto(address + "/nothing")
    _accessible(watched)


def test_keyboard_language_and_theme(live: tuple[str, Workbench], watched: Any) -> None:
    address, page = live[0], watched.page
    page.goto(address + "/admin")
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to the content"
    page.keyboard.press("Tab")
    assert _focused(page) == "Vasari"
    first = page.locator(".site-nav a").first
    page.keyboard.press("Tab")
    assert _focused(page) == first.text_content()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.locator('.site-nav [aria-current="page"]').text_content() == "Administration"

    with page.expect_response("**/preferences"):
        page.get_by_label("Theme").select_option("dark")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in paper.strip("rgb()").split(",")) < 150
    with page.expect_navigation():
        page.get_by_role("button", name="中文").press("Enter")
    assert page.url == address + "/admin"
    assert page.locator("html").get_attribute("lang") == "zh"
    assert page.locator("h1").text_content() == "管理"
    assert page.locator("html").get_attribute("data-theme") == "dark", "the choice was not kept"
    assert not watched.complaints


def test_a_theme_chosen_while_one_leaves_is_kept(
    live: tuple[str, Workbench], watched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes when the page is gone."""
    left = threading.Event()
    monkeypatch.setattr(preferences, "wants_json", lambda request: left.wait(30))
    address, page = live[0], watched.page
    page.goto(address + "/admin")
    with page.expect_request("**/preferences"):
        page.get_by_label("Theme").select_option("dark")
    page.goto(address + "/account")
    left.set()
    for _ in range(100):
        if page.locator("html").get_attribute("data-theme") == "dark":
            break
        page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_logging_in_by_keyboard(shared_live: tuple[str, Workbench], watched: Any) -> None:
    address, page = shared_live[0], watched.page
    page.goto(address + "/account")
    assert page.url == address + "/log-in?next=/account"
    _accessible(watched)
    page.get_by_label("Name").focus()
    page.keyboard.type("editor")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url == address + "/account"
    page.get_by_label("What it is for").fill("a client")
    with page.expect_navigation():
        page.get_by_role("button", name="Make a token").click()
    assert page.locator("#secret").text_content().startswith("vasari_")
    _accessible(watched)
    page.on("dialog", lambda dialog: dialog.accept())
    with page.expect_navigation():
        page.get_by_role("button", name="Revoke a client").click()
    assert page.locator("table").count() == 0
    with page.expect_navigation():
        page.get_by_role("button", name="Log out", exact=True).click()
    assert page.url == address + "/log-in"
    assert not watched.complaints


def test_vendored_scripts_run_under_the_policy(live: tuple[str, Workbench], watched: Any) -> None:
    """Deep zoom, plots, the curtain and htmx: none needs an inline script, an inline style or eval."""
    address, page, files = live[0], watched.page, StaticFiles.of()
    page.goto(address + "/admin")
    for name in ("openseadragon.min.js", "uPlot.iife.min.js", "img-comparison-slider.js"):
        page.add_script_tag(url=files.address(f"vendor/{name}"))
    for name in ("uPlot.min.css", "img-comparison-slider.css"):
        page.add_style_tag(url=address + files.address(f"vendor/{name}"))
    page.evaluate(_TRIAL, files.address("deep-zoom.js"))
    page.locator("#zoom[data-drawn]").wait_for()  # wait_for_function() itself needs eval
    assert page.locator(".u-wrap canvas").count() == 1
    assert page.locator("img-comparison-slider.rendered").count() == 1
    page.locator("#asked", has_text="csrf").wait_for()
    assert page.evaluate("[htmx.config.allowEval, htmx.config.includeIndicatorStyles]") == [False, False]
    assert not watched.complaints


_TRIAL = """async (deepZoomAddress) => {
  const { deepZoom } = await import(deepZoomAddress);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const picture = canvas.toDataURL();
  const main = document.querySelector("main");
  const made = (name, kind = "div") => {
    const one = document.createElement(kind);
    one.id = name;
    main.append(one);
    return one;
  };
  const box = made("zoom");
  box.className = "viewer small";
  const viewer = deepZoom(box, { tileSources: { type: "image", url: picture } });
  viewer.addOnceHandler("tile-drawn", () => { box.dataset.drawn = true; });
  new uPlot({ width: 300, height: 200, series: [{}, { stroke: "brown" }] }, [[1, 2, 3], [3, 1, 2]], made("plot"));
  const slider = made("slider", "img-comparison-slider");
  for (const slot of ["first", "second"]) {
    const image = document.createElement("img");
    image.slot = slot;
    image.src = picture;
    slider.append(image);
  }
  const asked = made("asked");
  htmx.ajax("GET", "/api/v1/visitor", { target: asked, swap: "innerHTML" });
}"""
