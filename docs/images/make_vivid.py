"""The picture of `--vividness`: squares at 100 %, the scan, restored faithfully and vividly, as it was.

.venv/bin/python docs/images/make_vivid.py docs/images/vivid.jpg
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data
from torch import Tensor

import vasari
from vasari.foundation.damage import age

# Picture -> era, severity, seed of its aging, and where its square lies (left, top).
CHOSEN = {
    data.astronaut: ("color-print", 2, 4, (130, 20)),
    data.chelsea: ("gelatin-silver", 1, 8, (105, 60)),
    data.coffee: ("chromogenic-1970s", 2, 3, (300, 60)),
    data.page: ("albumen", 1, 5, (60, 0)),
}
SIDE_PX, GAP_PX = 190, 6
SOFT = {"lens_blur": 1.0, "grain": 0.5, "white_noise": 0.2}
LARGEST_BYTES = 150_000


def row(picture: Callable[[], np.ndarray]) -> Image.Image:
    """The four states of one picture side by side."""
    era, severity, seed, (left, top) = CHOSEN[picture]
    pixels = np.asarray(Image.fromarray(picture()).convert("RGB"))
    clean = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    aged = age(clean, era=era, severity=severity, seed=seed, chances=SOFT)
    scan = aged.aged.clamp(0, 1)
    made = [vasari.restore(scan.permute(1, 2, 0).numpy(), vividness=one).pixels.expand(3, -1, -1) for one in (0.0, 1.0)]
    states = [square(one, left, top) for one in (scan, *made, aged.clean)]
    strip = Image.new("RGB", (4 * (SIDE_PX + GAP_PX) - GAP_PX, SIDE_PX), "white")
    for index, state in enumerate(states):
        strip.paste(state, (index * (SIDE_PX + GAP_PX), 0))
    return strip


def square(pixels: Tensor, left: int, top: int) -> Image.Image:
    part = pixels[:, top : top + SIDE_PX, left : left + SIDE_PX].clamp(0, 1)
    return Image.fromarray((part * 255).round().byte().permute(1, 2, 0).numpy())


def main(target: Path) -> None:
    """Write the rows as the best JPEG that stays below `LARGEST_BYTES`."""
    rows = [row(picture) for picture in CHOSEN]
    sheet = Image.new("RGB", (rows[0].width, len(rows) * (SIDE_PX + GAP_PX) - GAP_PX), "white")
    for index, strip in enumerate(rows):
        sheet.paste(strip, (0, index * (SIDE_PX + GAP_PX)))
    for quality in range(92, 40, -2):
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=0)
        if buffer.tell() <= LARGEST_BYTES:
            break
    target.write_bytes(buffer.getvalue())
    print(f"{target}: {buffer.tell()} bytes at quality {quality}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
