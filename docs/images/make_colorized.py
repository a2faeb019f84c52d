"""The picture of the page on colorizing: scikit-image's photographs, grey left of each seam, and colored right of it.

.venv/bin/python docs/images/make_colorized.py docs/images/colorized.jpg
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps
from skimage import data

import vasari

NAMES = ("astronaut", "chelsea", "coffee", "rocket")
COLUMNS, TILE_PX, GAP_PX, SEAM_PX = 2, (480, 320), 8, 3
LARGEST_BYTES = 90_000


def tile(name: str) -> Image.Image:
    """One photograph: grey left of the seam, colored right of it."""
    grey = Image.fromarray(getattr(data, name)()).convert("L")
    colored = vasari.colorize(np.asarray(grey), precision="float32").pixels
    right = Image.fromarray((colored.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8))
    left, right = (ImageOps.fit(one.convert("RGB"), TILE_PX, Image.Resampling.LANCZOS) for one in (grey, right))
    middle = TILE_PX[0] // 2
    right.paste(left.crop((0, 0, middle, TILE_PX[1])), (0, 0))
    ImageDraw.Draw(right).rectangle((middle - SEAM_PX // 2, 0, middle + SEAM_PX // 2, TILE_PX[1]), fill="white")
    return right


def main(path: Path) -> None:
    """Write the sheet, as good as its bytes allow."""
    rows = -(-len(NAMES) // COLUMNS)
    size = (COLUMNS * (TILE_PX[0] + GAP_PX) - GAP_PX, rows * (TILE_PX[1] + GAP_PX) - GAP_PX)
    sheet = Image.new("RGB", size, "white")
    for index, name in enumerate(NAMES):
        row, column = divmod(index, COLUMNS)
        sheet.paste(tile(name), (column * (TILE_PX[0] + GAP_PX), row * (TILE_PX[1] + GAP_PX)))
    for quality in range(92, 40, -2):
        held = io.BytesIO()
        sheet.save(held, "JPEG", quality=quality, optimize=True)
        if held.tell() <= LARGEST_BYTES:
            break
    path.write_bytes(held.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
