"""A sheet of samples, each with its nearest training pictures and their distances beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from vasari.tasks.explain.nearest import Nearest

CELL_PX, GAP_PX, WORDS_PX, HEAD_PX = 112, 6, 30, 36
LONGEST_NAME = 17


def sheet(samples: Tensor, training: Tensor, names: Sequence[str], found: Nearest, rows: int) -> bytes:
    """PNG: the `rows` samples (uint8 [n, 3, h, w]) that are nearest to a training picture, beside these."""
    ranked = found.distances[:, 0].argsort()[:rows].tolist()
    across = 1 + found.indices.shape[1]
    size = (across * (CELL_PX + GAP_PX) + GAP_PX, HEAD_PX + len(ranked) * (CELL_PX + WORDS_PX) + GAP_PX)
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    draw.text((GAP_PX, 4), "left: a sample; right of it: the nearest training pictures, with distances.", fill="black")
    draw.text((GAP_PX, 18), "Nearest samples first; (m): nearest when mirrored.", fill="black")
    for row, sample in enumerate(ranked):
        top = HEAD_PX + row * (CELL_PX + WORDS_PX)
        page.paste(_cell(samples[sample]), (GAP_PX, top))
        draw.text((GAP_PX, top + CELL_PX + 2), f"sample {sample + 1}", fill="black")
        for column, index in enumerate(found.indices[sample].tolist()):
            left = GAP_PX + (column + 1) * (CELL_PX + GAP_PX)
            page.paste(_cell(training[index]), (left, top))
            mirrored = " (m)" if bool(found.mirrored[sample, column]) else ""
            words = f"{float(found.distances[sample, column]):.3g}{mirrored}"
            draw.text((left, top + CELL_PX + 2), words, fill="black")
            draw.text((left, top + CELL_PX + 14), _shortened(names[index]), fill="gray")
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _cell(pixels: Tensor) -> Image.Image:
    array = np.ascontiguousarray(pixels.permute(1, 2, 0).numpy())
    return Image.fromarray(array).resize((CELL_PX, CELL_PX), Image.Resampling.LANCZOS)


def _shortened(name: str) -> str:
    """The end of a name, in letters that the drawing's font has."""
    plain = name.rsplit("/", 1)[-1].encode("ascii", "replace").decode()
    return plain if len(plain) <= LONGEST_NAME else f"...{plain[3 - LONGEST_NAME :]}"
