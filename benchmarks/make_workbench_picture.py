"""The picture of the workbench's page Restore, docs/images/workbench-restore.webp: taken in Chromium, of a real job.

    python benchmarks/make_workbench_picture.py docs/images/workbench-restore.webp

The cat of scikit-image, aged by the simulator of the training, is restored at the vividness named; a stroke of the
brush that fills damage lies on a hair that was left. Needs the extra `dev`, Chromium at /usr/bin/chromium, and a font
with Chinese signs.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from pathlib import Path

import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from skimage import data

from served_workbench import served
from vasari.archive.store import Archive
from vasari.foundation.damage import age

ERA, SEVERITY, SEED = "chromogenic-1970s", 2, 6
SURE = ("dust", "scratches", "hair", "grain", "fade_dyes")
NEVER = ("flaking", "torn_edge", "stain", "foxing", "motion_blur", "low_resolution", "lens_blur", "jpeg", "cracks")
SIZE = {"width": 1280, "height": 1000}
JOB_MS = 300_000
#: The stroke, in shares of the picture's sides.
STROKE = ((0.79, 0.405), (0.9, 0.39), (0.99, 0.375))
BRUSH_PX = "6"


def scan(path: Path) -> None:
    """Write the scan that is restored."""
    clean = torch.from_numpy(data.chelsea().copy()).permute(2, 0, 1).float() / 255
    chances = dict.fromkeys(SURE, 1.0) | dict.fromkeys(NEVER, 0.0)
    aged = age(clean, era=ERA, severity=SEVERITY, seed=SEED, chances=chances).aged.clamp(0, 1)
    Image.fromarray((aged * 255).round().byte().permute(1, 2, 0).numpy()).save(path)


def restored(page: Page, address: str, picture: Path, vividness: str) -> None:
    """Put the scan on the page's list, restore it and paint a stroke."""
    page.set_default_timeout(JOB_MS)
    page.goto(f"{address}/restore")
    page.set_input_files("input[type=file]", str(picture))
    page.locator("#viewer[data-preview]").wait_for()
    page.locator("#vividness").fill(vividness)
    page.locator("#run").click()
    page.locator("#viewer[data-result]").wait_for()
    page.locator("#brush-fill").check()
    page.locator("#radius").fill(BRUSH_PX)
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("#viewer").bounding_box()
    if box is None:
        raise SystemExit("The page shows no picture.")
    rows, columns, _ = data.chelsea().shape  # as wide as the viewer, in the middle of its height
    height = box["width"] * rows / columns
    top = box["y"] + (box["height"] - height) / 2
    first, *rest = ((box["x"] + x * box["width"], top + y * height) for x, y in STROKE)
    page.mouse.move(*first)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


def main() -> None:
    """Serve an empty archive, restore, and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the .webp to write")
    parser.add_argument("--vividness", default="0.5", help="as the slider has it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as started:
        Archive.create(Path(scratch) / "archive").close()
        scan(Path(scratch) / "cat.png")
        chromium = started.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with served(Path(scratch) / "archive", workers=1) as (address, _):
            page = chromium.new_context(viewport=SIZE, locale="en-US").new_page()
            restored(page, address, Path(scratch) / "cat.png", options.vividness)
            shot = page.screenshot()
        chromium.close()
    Image.open(io.BytesIO(shot)).convert("RGB").save(options.picture, quality=80, method=6)


if __name__ == "__main__":
    main()
