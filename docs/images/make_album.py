"""The README's picture, from the views that `vasari demo` made: each photograph half aged, half restored.

make demo
.venv/bin/python docs/images/make_album.py demo docs/images/album.jpg
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

# Name in the album -> where to crop from, as a share of what is cut away (left, top).
CHOSEN = {"portrait": (0.5, 0.12), "motorcycle": (0.5, 0.5), "camera": (0.6, 0.25), "coffee": (0.5, 0.5)}
COLUMNS, TILE_PX, GAP_PX, SEAM_PX = 2, (624, 416), 8, 3
LARGEST_BYTES = 195_000


def halves(folder: Path, name: str) -> Image.Image:
    """One tile: aged left of the seam, restored right of it."""
    views = [Image.open(folder / "views" / f"{name}-{kind}.jpg").convert("RGB") for kind in ("aged", "restored")]
    aged, restored = (ImageOps.fit(one, TILE_PX, Image.Resampling.LANCZOS, centering=CHOSEN[name]) for one in views)
    middle = TILE_PX[0] // 2
    restored.paste(aged.crop((0, 0, middle, TILE_PX[1])), (0, 0))
    ImageDraw.Draw(restored).rectangle((middle - SEAM_PX // 2, 0, middle + SEAM_PX // 2, TILE_PX[1]), fill="white")
    return restored


def album(folder: Path) -> Image.Image:
    """All tiles on white, in rows of `COLUMNS`."""
    rows = -(-len(CHOSEN) // COLUMNS)
    width, height = COLUMNS * (TILE_PX[0] + GAP_PX) - GAP_PX, rows * (TILE_PX[1] + GAP_PX) - GAP_PX
    sheet = Image.new("RGB", (width, height), "white")
    for index, name in enumerate(CHOSEN):
        row, column = divmod(index, COLUMNS)
        sheet.paste(halves(folder, name), (column * (TILE_PX[0] + GAP_PX), row * (TILE_PX[1] + GAP_PX)))
    return sheet


def main(folder: Path, target: Path) -> None:
    """Write the album as the best JPEG that stays below `LARGEST_BYTES`."""
    sheet = album(folder)
    for quality in range(90, 40, -2):
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
        if buffer.tell() <= LARGEST_BYTES:
            break
    target.write_bytes(buffer.getvalue())
    print(f"{target}: {buffer.tell()} bytes at quality {quality}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
