"""Maps as pictures with a legend: pure functions from arrays to arrays."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

# Dark to bright, also for those who see no red: blue-black, violet, orange, yellow.
RISING = ((0.05, 0.03, 0.30), (0.50, 0.10, 0.55), (0.95, 0.45, 0.20), (1.00, 0.95, 0.45))
# Blue below 0, grey at 0, orange above.
AROUND = ((0.10, 0.35, 0.85), (0.55, 0.65, 0.80), (0.80, 0.80, 0.80), (0.90, 0.65, 0.45), (0.85, 0.35, 0.05))
LEGEND_PX, BAR_PX, MARGIN_PX = 46, 12, 10
GREY_SHARE = 0.35


def drawn(values: np.ndarray, pixels: np.ndarray, low: float, high: float, words: str, around: bool = False) -> bytes:
    """A map [h, w] in colors over its picture [h, w, 3] (0..1) in grey, with a legend below, as PNG.

    `low` and `high` are the ends of the scale, values beyond them are drawn as the ends; `around`: colors part at 0.
    """
    span = max(high - low, 1e-12)
    share = ((values - low) / span).clip(0, 1)
    grey = pixels.mean(2, keepdims=True)
    body = colored(share, around) * (1 - GREY_SHARE) + grey * GREY_SHARE
    legend = _legend(max(240, body.shape[1]), low, high, words, around)
    width = legend.shape[1]
    body = np.pad(body, ((0, 0), (0, width - body.shape[1]), (0, 0)), constant_values=1.0)
    whole = np.concatenate([(body.clip(0, 1) * 255).round().astype(np.uint8), legend])
    buffer = io.BytesIO()
    Image.fromarray(whole).save(buffer, format="PNG")
    return buffer.getvalue()


def colored(share: np.ndarray, around: bool = False) -> np.ndarray:
    """Shares 0..1 [...] as colors [..., 3] in 0..1."""
    table = np.array(AROUND if around else RISING)
    place = share.clip(0, 1)[..., None] * (len(table) - 1)
    low = np.minimum(place.astype(int), len(table) - 2)
    part = place - low
    return table[low[..., 0]] * (1 - part) + table[low[..., 0] + 1] * part


def _legend(width: int, low: float, high: float, words: str, around: bool) -> np.ndarray:
    """uint8 [46, width, 3]: a bar of the scale with its ends, and what it is of."""
    image = Image.new("RGB", (width, LEGEND_PX), "white")
    bar = colored(np.linspace(0, 1, width - 2 * MARGIN_PX)[None].repeat(BAR_PX, 0), around)
    image.paste(Image.fromarray((bar * 255).round().astype(np.uint8)), (MARGIN_PX, 4))
    draw = ImageDraw.Draw(image)
    draw.text((MARGIN_PX, 17), f"{low:.3g}", fill="black")
    draw.text((width - MARGIN_PX, 17), f"{high:.3g}", fill="black", anchor="ra")
    draw.text((MARGIN_PX, 31), words, fill="black")
    return np.asarray(image)
