"""The outer edge of a picture mirrored before a network sees it, so that zero padding paints no frame."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# With 64 px a trained stylizer paints the same as with any more, within 0.4 of 255; with 32 a dark frame is left.
MARGIN_PX = 64


def within_mirrors(paint: Callable[[Tensor], Tensor], pixels: Tensor, window: Tensor) -> Tensor:
    """`paint` over a tile [1, 3, h, w] that goes on by its mirror image beyond the picture's edges: [1, c, h, w].

    `window` [1, 4] is top, left, bottom, right in fractions of the picture; beyond 1 the tile was filled up, and is
    mirrored instead. Sides that are multiples of 16, 32 or 64 stay so.
    """
    top, left, bottom, right = window[0].double().tolist()
    rows = _span(pixels.shape[2], top, bottom)
    columns = _span(pixels.shape[3], left, right)
    seen = pixels.index_select(2, rows).index_select(3, columns)
    above, before = (MARGIN_PX if start <= 0 else 0 for start in (top, left))
    made = paint(seen)
    return made[..., above : above + pixels.shape[2], before : before + pixels.shape[3]]


def seen_from(pixels: Tensor, window: Tensor) -> tuple[int, int]:
    """Row and column in the picture at which what `within_mirrors` shows of a tile begins; negative in a mirror."""
    top, left, bottom, right = window[0].double().tolist()
    row, column = round(top * pixels.shape[2] / (bottom - top)), round(left * pixels.shape[3] / (right - left))
    return row - (MARGIN_PX if top <= 0 else 0), column - (MARGIN_PX if left <= 0 else 0)


def mirrored(pixels: Tensor, margin: int = MARGIN_PX, multiple_of: int = 1, phase: tuple[int, int] = (0, 0)) -> Tensor:
    """Pixels [N, C, h, w] with `margin` of their mirror image on all sides, and more right and below to a multiple.

    `phase` is so much more above and left, by which the picture lies elsewhere on a network's grid.
    """
    first = [-margin - one for one in phase]
    last = [size + margin for size in pixels.shape[2:]]
    rows, columns = (
        _reflected(start, end + (start - end) % multiple_of, size)
        for start, end, size in zip(first, last, pixels.shape[2:], strict=True)
    )
    return pixels.index_select(2, rows).index_select(3, columns)


def _span(size: int, start: float, end: float) -> Tensor:
    """Which rows (or columns) of a tile of `size` from `start` to `end` are seen, in order."""
    inside = round(size * (1 - start) / (end - start)) if end > 1 else size
    first = -MARGIN_PX if start <= 0 else 0
    last = size + MARGIN_PX if end >= 1 else size
    return _reflected(first, last, inside)


def _reflected(first: int, last: int, size: int) -> Tensor:
    """Indices first..last-1 folded into 0..size-1 as between two mirrors, the border itself once."""
    period = max(1, 2 * (size - 1))
    folded = torch.arange(first, last) % period
    return torch.minimum(folded, period - folded) if size > 1 else torch.zeros_like(folded)
