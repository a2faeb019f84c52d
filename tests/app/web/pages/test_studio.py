"""The studio's pages: what their endpoints answer, and their stories in a real Chromium with the bundled models."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw
from tests.app.web.conftest import worked

from vasari.app.web.preview_models import preview_models
from vasari.app.web.workbench import Workbench

if TYPE_CHECKING:
    from tests.app.web.conftest import Watched

Header = Callable[[TestClient], dict[str, str]]
PAGES = ("/restore", "/style", "/generate")


def _image(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("path", PAGES)
def test_pages_answer_empty_and_with_what_an_address_brings(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
    if path == "/generate":
        return
    page = client.get(f"{path}?work=2&input=work:3&input=work:3").text
    assert page.count('data-reference="work:2"') == page.count('data-reference="work:3"') == 1
    assert client.get(f"{path}?work=9999").status_code == 404
    assert client.get(f"{path}?work=x").status_code == 422
    assert client.get(f"{path}?input=/etc/passwd").status_code == 400


def test_a_title_from_an_address_is_escaped(client: TestClient) -> None:
    page = client.get("/restore?work=1").text
    assert "<script>alert" not in page


def test_what_a_picture_is(client: TestClient) -> None:
    facts = client.get("/studio/picture", params={"picture": "work:2"}).json()
    assert facts["width"] > 0 and facts["turn"] == 1 and not facts["film"]
    json_only = {"Accept": "application/json"}
    for picture, status in (("work:999", 404), ("file:/etc/passwd", 400), ("", 400), ("upload:" + "1" * 64, 404)):
        answer = client.get("/studio/picture", params={"picture": picture}, headers=json_only)
        assert answer.status_code == status and answer.json()["error"]["remedy"], picture


def test_tiles_are_kept_by_the_browser(client: TestClient) -> None:
    place = {"picture": "work:2", "level": 8, "column": 0, "row": 0}
    answer = client.get("/studio/tile", params=place)
    assert answer.headers["content-type"] == "image/webp" and max(_image(answer.content).shape) <= 512
    again = client.get("/studio/tile", params=place, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert client.get("/studio/tile", params={**place, "column": 99}).status_code == 400
    assert client.get("/studio/tile", params={**place, "level": 99}).status_code == 422
    assert client.get("/studio/tile", params={**place, "layer": "gold"}).status_code == 400


def test_a_restored_square_is_what_the_command_makes(
    client: TestClient, token_header: Header, bench: Workbench
) -> None:
    """The whole of a small picture is its own square: compared with the library's `restore`."""
    from vasari.app.web.studio.sources import source_of
    from vasari.tasks.restore.apply import restore

    asked = {"picture": "work:2", "x": 10, "y": 10, "fields": {"tone": "keep"}}
    header = token_header(client)
    answer = client.post("/restore/preview", json=asked, headers=header)
    assert answer.status_code == 200 and "dur=" in answer.headers["server-timing"]
    left, top, width, height = map(int, answer.headers["x-vasari-square"].split(","))
    path = source_of(bench, "work:2").picture.path
    with Image.open(path) as image:
        assert (left, top, width, height) == (0, 0, *image.size)
    wanted = np.asarray(restore(path, tone="keep").pixels).transpose(1, 2, 0) * 255
    assert np.abs(_image(answer.content) - wanted).mean() < 3  # WebP of quality 90
    for layer in ("damage", "change"):
        shown = client.post("/restore/preview", json={**asked, "layer": layer}, headers=header)
        assert shown.headers["content-type"] == "image/png" and _image(shown.content).shape == (height, width, 4)
    assert preview_models().median_seconds("restore")


def test_the_preview_is_the_same_where_faces_are_compared(client: TestClient, token_header: Header) -> None:
    """They are watched in a job; what a job would refuse is refused here, in the visitor's language."""
    asked = {"picture": "work:2", "x": 5, "y": 5, "side": 64, "fields": {"strength": 0.5}}
    header = token_header(client) | {"Accept": "application/json", "Accept-Language": "zh"}

    def ask(**fields: Any) -> Any:
        return client.post("/restore/preview", json={**asked, "fields": fields}, headers=header)

    plain, watched = ask(strength=0.5), ask(strength=0.5, likeness=True)
    assert plain.status_code == watched.status_code == 200 and plain.content == watched.content
    for fields in ({"stages": ["tone"]}, {"strength": 0}):
        refused = ask(**fields, likeness=True)
        assert refused.status_code == 400 and "人脸" in refused.json()["error"]["what"], fields
        assert "人脸" in refused.json()["error"]["remedy"]


def test_faces_are_compared_only_where_they_can_be_found(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    box = re.compile(r'<input type="checkbox" name="likeness"[^>]*>')
    (found,) = box.findall(client.get("/restore").text)
    assert "disabled" not in found and "pip install" not in client.get("/restore").text
    monkeypatch.setitem(sys.modules, "skimage", None)
    page = client.get("/restore").text
    (found,) = box.findall(page)
    assert "disabled" in found and "needs the extra faces" in page
    assert "pip install &#39;vasari[faces]&#39;" in page
    assert "此项需要附加组件 faces，此处未安装" in client.get("/restore", headers={"Accept-Language": "zh"}).text


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"layer": "gold"}, 400),
        ({"fields": {"strength": 7}}, 400),
        ({"fields": {"strength": "much"}}, 400),
        ({"fields": {"model": "/etc/passwd"}}, 400),
        ({"fields": {"stages": []}}, 400),
        ({"fields": {"likeness": "yes"}}, 400),
        ({"fields": {"stages": ["enlarge"]}}, 400),
        ({"fields": {"stages": ["tone", "enlarge"], "scale": 3}}, 400),
        ({"fields": {"scale": 2}}, 400),
        ({"fields": {"vividness": 0.5}}, None),
        ({"picture": "work:999"}, 404),
        ({"x": -1}, 422),
        ({"side": 5000}, 422),
        ({"else": 1}, 422),
    ],
)
def test_bad_previews_are_refused_with_a_remedy(
    client: TestClient, token_header: Header, more: dict[str, Any], status: int | None
) -> None:
    asked = {"picture": "work:2", "x": 5, "y": 5, "side": 64, **more}
    answer = client.post("/restore/preview", json=asked, headers=token_header(client) | {"Accept": "application/json"})
    # Vividness needs weights that may be there.
    assert answer.status_code == status if status else answer.status_code in (200, 400, 404)
    if answer.status_code != 200:
        assert answer.json()["error"]["remedy"]


def test_a_style_is_previewed_and_bad_ones_are_refused(client: TestClient, token_header: Header) -> None:
    header = token_header(client) | {"Accept": "application/json"}

    def ask(**more: Any) -> Any:
        asked = {"picture": "work:2", "styles": [{"text": "monet-etretat"}], **more}
        return client.post("/style/preview", json=asked, headers=header)

    plain, full = ask(fields={"strength": 0}), ask()
    assert plain.status_code == full.status_code == 200, plain.text
    assert np.abs(_image(plain.content).astype(int) - _image(full.content)).mean() > 5
    blend = ask(styles=[{"text": "monet-etretat", "weight": 0.5}, {"text": "work:3", "weight": 0.5}])
    assert blend.status_code == 200 and _image(blend.content).shape == _image(full.content).shape
    for more, status in (
        ({"styles": []}, 422),
        ({"styles": [{"text": "no-such-style"}]}, 400),
        ({"styles": [{"text": "/etc/passwd"}]}, 400),
        ({"styles": [{"text": "monet-etretat", "weight": 0}]}, 400),
        ({"styles": [{"text": "monet-etretat", "weight": -1}]}, 422),
        ({"masks": ["work:1", "work:2"]}, 400),
        ({"fields": {"model": "x"}}, 400),
        ({"fields": {"working_px": 4096}}, 400),
    ):
        answer = ask(**more)
        assert answer.status_code == status and answer.json()["error"]["remedy"], more


def test_swatches_are_painted_once_and_kept(client: TestClient) -> None:
    first = client.get("/style/swatch/monet-etretat", params={"picture": "work:2"})
    assert max(_image(first.content).shape) == 192
    assert client.get("/style/swatch/monet-etretat", params={"picture": "work:2"}).content == first.content
    assert client.get("/style/swatch/nobody").status_code == 400


def test_a_generated_sheet_is_what_the_command_makes(client: TestClient, token_header: Header) -> None:
    from vasari.tasks.generate.apply import generate

    asked = {"model": "generate-retro", "seed": 2**32 - 1, "count": 2, "fields": {"truncation": 0.5}}
    header = token_header(client) | {"Accept": "application/json"}
    sheet = _image(client.post("/generate/preview", json=asked, headers=header).content)
    for number, seed in enumerate((2**32 - 1, 0)):
        wanted = (
            generate("generate-retro", 1, seed, truncation=0.5) if seed else generate("generate-retro", truncation=0.5)
        )
        pixels = np.asarray(wanted[0].pixels).transpose(1, 2, 0) * 255
        assert np.abs(sheet[:, 64 * number : 64 * (number + 1)] - pixels).max() <= 0.51
    for more in (
        {"model": "../x"},
        {"fields": {"truncation": 3}},
        {"fields": {"edit": ["x=1"]}},
        {"fields": {"mix": "1"}},
    ):
        answer = client.post("/generate/preview", json={**asked, **more}, headers=header)
        assert answer.status_code == 400 and answer.json()["error"]["remedy"], more
    assert client.post("/generate/preview", json={**asked, "count": 1000}, headers=header).status_code == 422


def test_a_painted_mask_is_kept_and_named(client: TestClient, token_header: Header) -> None:
    facts = client.get("/studio/picture", params={"picture": "work:2"}).json()
    painted = Image.new("RGBA", (facts["width"], facts["height"]))
    ImageDraw.Draw(painted).ellipse((40, 40, 80, 80), fill=(255, 255, 255, 255))
    file = io.BytesIO()
    painted.save(file, "PNG")
    header = token_header(client) | {"Content-Type": "image/png", "Accept": "application/json"}
    asked = {"picture": "work:2"}
    sent = client.post("/studio/mask", params=asked, content=file.getvalue(), headers=header)
    assert sent.status_code == 201
    sha256, _, name = sent.json()["reference"].removeprefix("upload:").partition("/")
    content = client.get(f"/api/v1/uploads/{sha256}/content", params={"name": name}).content
    assert (_image(content) == np.asarray(painted)[..., 3]).all()
    bad = client.post("/studio/mask", params=asked, content=b"nonsense", headers=header)
    assert bad.status_code == 422 and bad.json()["error"]["remedy"]
    large = client.post("/studio/mask", params=asked, content=b"\0" * (9 << 20), headers=header)
    assert large.status_code == 413


# In a real Chromium.


def _until(page: Any, script: str, value: Any = None) -> None:
    """Wait for a script to be true; Playwright's own waiting evaluates texts in the page, which its policy forbids."""
    end = time.monotonic() + 300
    while not page.evaluate(script, value):
        assert time.monotonic() < end, script
        page.wait_for_timeout(50)


def test_a_preview_follows_the_sliders(live: tuple[str, Workbench], watched: Watched) -> None:
    page = watched.page
    page.set_default_timeout(60_000)
    page.goto(f"{live[0]}/restore?work=3")
    page.wait_for_selector("[data-preview]")
    first = page.get_attribute(".preview-layer", "src")
    page.focus("#strength")
    page.keyboard.press("Home")
    _until(page, "first => document.querySelector('.preview-layer').src !== first", first)
    before = page.evaluate("document.querySelector('.curtain-line').style.left")
    page.focus("#curtain")
    page.keyboard.press("End")
    assert (before, page.evaluate("document.querySelector('.curtain-line').style.left")) == ("50%", "100%")
    page.click("#map-damage")
    page.wait_for_selector("#legend")
    _until(page, "document.querySelectorAll('.preview-layer').length === 2")
    assert not watched.accessibility() and not watched.complaints


@pytest.mark.slow
def test_a_scan_is_restored_and_corrected_by_hand(live: tuple[str, Workbench], watched: Watched) -> None:
    address, bench = live
    page = watched.page
    page.set_default_timeout(300_000)
    with worked(bench.archive.folder):
        page.goto(f"{address}/restore?work=3")
        page.wait_for_selector("[data-preview]")
        page.click("#run")
        page.wait_for_selector("[data-result]")
        assert not watched.accessibility()
        first = page.get_attribute("#viewer", "data-result") or ""
        page.check("#brush-keep")
        page.focus(".brush")
        page.keyboard.press("Space")
        page.click("#redo")
        _until(page, "first => document.getElementById('viewer').dataset.result !== first", first)
        second = page.get_attribute("#viewer", "data-result") or ""
    jobs = {job.id: job for job in bench.jobs.page().jobs}
    assert {job.operation for job in jobs.values()} == {"restore", "retouch"}
    scan, restored, retouched = (_pixels(address, page, one) for one in ("work:3", first, second))
    middle = (
        slice(scan.shape[0] // 2 - 4, scan.shape[0] // 2 + 4),
        slice(scan.shape[1] // 2 - 4, scan.shape[1] // 2 + 4),
    )
    assert (retouched[middle] == scan[middle]).all() and (restored[middle] != scan[middle]).any()
    assert (retouched[:20] == restored[:20]).all()
    assert not watched.complaints


def _pixels(address: str, page: Any, reference: str) -> np.ndarray:
    """A picture of the studio as it lies on the server's disk."""
    kind, _, value = reference.partition(":")
    if kind == "job":
        id, _, name = value.partition("/")
        return _image(page.request.get(f"{address}/api/v1/jobs/{id}/results/{name}").body())
    image = page.request.get(f"{address}/api/v1/works/{value}").json()["image"]
    return _image(page.request.get(f"{image}/full/max/0/default.png").body())


@pytest.mark.slow
def test_a_picture_is_stylized_and_compared(live: tuple[str, Workbench], watched: Watched) -> None:
    address, bench = live
    page = watched.page
    page.set_default_timeout(300_000)
    with worked(bench.archive.folder):
        page.goto(f"{address}/style?work=3&style=monet-etretat")
        page.wait_for_selector("[data-preview]")
        page.click("text=Choose a style")
        page.click('[data-style="van-gogh-crows"]')
        _until(page, "document.getElementById('viewer').dataset.preview > 1")
        assert page.locator("#chosen li").count() == 2
        page.click("#run")
        page.wait_for_selector("[data-result]")
        first = page.get_attribute("#viewer", "data-result") or ""
        page.focus("#strength")
        page.keyboard.press("Home")
        page.click("#run")
        _until(page, "first => ![undefined, first].includes(document.getElementById('viewer').dataset.result)", first)
        assert page.locator("#results li").count() == 2
    second = page.get_attribute("#viewer", "data-result") or ""
    scan, strong, none = (_pixels(address, page, one) for one in ("work:3", first, second))
    assert (none == scan).all() and np.abs(strong.astype(int) - scan).mean() > 5
    assert not watched.accessibility() and not watched.complaints


@pytest.mark.slow
def test_pictures_are_made_and_walked_through(live: tuple[str, Workbench], watched: Watched) -> None:
    address, bench = live
    page = watched.page
    page.set_default_timeout(300_000)
    with worked(bench.archive.folder):
        page.goto(f"{address}/generate")
        page.wait_for_selector("[data-shown]")
        page.focus("#sheet button")
        page.keyboard.press("Space")
        assert page.inner_text("#selected").endswith(" 7") and page.is_enabled("#make") and page.is_disabled("#walk")
        page.keyboard.press("Space")
        page.select_option("#model", "generate-retro")
        _until(page, "JSON.parse(document.getElementById('sheet').dataset.shown ?? '{}').model === 'generate-retro'")
        page.wait_for_selector("#measuring", state="hidden")
        page.focus("#edit-lightness")
        page.keyboard.press("End")
        _until(page, "document.getElementById('sheet').dataset.shown.includes('lightness=3')")
        for seed in (7, 9):
            page.click(f'[data-seed="{seed}"]')
        page.fill("#step", "0.2")
        page.click("#make")
        _until(page, "document.querySelectorAll('#made li').length === 2")
        page.click("#walk")
        page.wait_for_selector("#made video")
    shown = page.locator("#made img").last.get_attribute("src")
    from vasari.tasks.generate.apply import generate

    wanted = generate("generate-retro", 1, 7, edit=("lightness=3",))[0]
    made = _image(page.request.get(f"{address}{shown}").body())
    assert np.abs(made - np.asarray(wanted.pixels).transpose(1, 2, 0) * 255).max() <= 1
    assert not watched.accessibility() and not watched.complaints
