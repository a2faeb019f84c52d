"""Tiles with a halo: a network over a picture of any size, with the result of one call on the whole.

Every tile starts at a multiple of the network's own grid (`multiple_of`) and brings at least `halo`
pixels of true surroundings; its halo is thrown away afterwards. With a halo no smaller than the
receptive field, tiles need no blending: they are equal to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.foundation.image_color import decode
from vasari.foundation.image_formats import Header

#: Pixels of a strip that `stream` holds at a time, halo counted: wide pictures get flatter tiles.
STRIP_PIXELS = 8 << 20
#: Raw bytes read from a file at a time.
PIECE_BYTES = 4 << 20

Result = Tensor | Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Area:
    """Rows top..bottom-1 and columns left..right-1 of a picture."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """For indexing [..., rows, columns]."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True, slots=True)
class Window:
    """A tile: `core` is what it contributes, `padded` what the network sees, clipped to the picture."""

    core: Area
    padded: Area


class Rows(Protocol):
    """What `stream` reads from, e.g. a `RowReader`."""

    header: Header

    def read(self, top: int, bottom: int) -> np.ndarray:
        """Raw rows [rows, width, bands]."""


def windows(
    height: int, width: int, tile: int | tuple[int, int], halo: int | None, multiple_of: int = 1
) -> Iterator[Window]:
    """The tiles of a picture, row by row; their cores cover it once.

    `tile` is the core's side, or (rows, columns), in pixels, rounded up to `multiple_of`; `halo` in
    pixels. Raises `PlanError` for a network without a finite halo.
    """
    rows, columns = tile if isinstance(tile, tuple) else (tile, tile)
    margin = checked_halo(halo)
    if min(rows, columns, multiple_of) < 1:
        raise PlanError(f"Got tiles of {rows}×{columns} in steps of {multiple_of}.", remedy="use 1 pixel or more")
    for top, bottom, padded_top, padded_bottom in _spans(height, rows, margin, multiple_of):
        for left, right, padded_left, padded_right in _spans(width, columns, margin, multiple_of):
            yield Window(Area(top, bottom, left, right), Area(padded_top, padded_bottom, padded_left, padded_right))


def checked_halo(halo: int | None) -> int:
    """The halo, or a `PlanError` where a network needs the whole picture."""
    if halo is None:
        raise PlanError(
            "A network with statistics of the whole picture has no finite halo, and cannot work in tiles.",
            remedy="give it those statistics by a first pass over a thumbnail, or choose another network",
        )
    if halo < 0:
        raise PlanError(f"halo={halo} is negative.", remedy="use 0 or more")
    return halo


def _spans(size: int, tile: int, halo: int, multiple_of: int) -> Iterator[tuple[int, int, int, int]]:
    """Core start and end, padded start and end along one side."""
    step = -(-tile // multiple_of) * multiple_of
    for start in range(0, size, step):
        end = min(start + step, size)
        before = max(0, start - halo) // multiple_of * multiple_of
        after = min(size, -(-(end + halo) // multiple_of) * multiple_of)
        yield start, end, before, after


def in_tiles(
    function: Callable[[Tensor, Tensor], Result],
    pixels: Tensor,
    tile: int | tuple[int, int] = 512,
    halo: int | None = 0,
    multiple_of: int = 1,
) -> Tensor | dict[str, Tensor]:
    """`function` over pixels [N, C, H, W] in tiles; equal to one call on the whole.

    `function(pixels [N, C, h, w], window [N, 4])` gives [N, c, h, w] or a mapping of such; h and w are
    multiples of `multiple_of`: at the right and lower border the last pixel is repeated, as for the
    whole. `window` is top, left, bottom, right as fractions of the picture, beyond 1 where repeated.
    """
    height, width = pixels.shape[-2:]
    whole: dict[str, Tensor] = {}
    single = False
    for window in windows(height, width, tile, halo, multiple_of):
        rows, columns = window.padded.slices
        result = _call(function, pixels[..., rows, columns], window, (height, width), multiple_of)
        single = isinstance(result, Tensor)
        for name, part in _named(result).items():
            if name not in whole:
                whole[name] = part.new_empty(*part.shape[:2], height, width)
            whole[name][..., window.core.slices[0], window.core.slices[1]] = _core(part, window)
    return whole[""] if single else whole


def stream(
    reader: Rows,
    function: Callable[[Tensor, Tensor], Result],
    sinks: Mapping[str, Callable[[np.ndarray, Tensor], None]],
    tile: int = 512,
    halo: int | None = 0,
    multiple_of: int = 1,
    progress: Callable[[float], None] | None = None,
    scale: int = 1,
) -> None:
    """One pass, top to bottom, over a picture that may be larger than memory.

    `function` is as for `in_tiles` (N = 1) and gives a mapping; `sinks[name]` is called once a strip
    with the raw source rows [rows, width, bands] and the result [c, rows, width]; names without a sink
    are dropped. `progress` is told the share 0..1 done, after every tile. Memory is bounded by
    `STRIP_PIXELS`, of the source and of results with `scale` times as many pixels each way, down to strips of 64 rows:
    in wide pictures tiles are flatter, and longer to make up for it.
    """
    header = reader.header
    height, width = header.height, header.width
    shape = strip_shape(width, tile, checked_halo(halo), multiple_of, scale)
    strips = _strips(height, width, shape, halo, multiple_of)
    held = _HeldRows(reader, max(strip[0].padded.height for strip in strips))
    done, total = 0, sum(len(strip) for strip in strips)
    for strip in strips:
        core = strip[0].core
        held.move_to(strip[0].padded.top, strip[0].padded.bottom)
        results: dict[str, Tensor] = {}
        for window in strip:
            raw = held.rows(window.padded.top, window.padded.bottom)[:, window.padded.slices[1]]
            with torch.no_grad():
                result = _call(function, decode(raw, header)[None], window, (height, width), multiple_of)
            for name, part in _named(result).items():
                if name in sinks:
                    if name not in results:
                        results[name] = torch.empty(part.shape[1], core.height, width)
                    results[name][:, :, window.core.slices[1]] = _core(part, window)[0]
            done += 1
            if progress is not None:
                progress(done / total)
        # A copy, as a sink may keep the rows while the buffer below them moves on.
        rows = held.rows(core.top, core.bottom).copy()
        for name, sink in sinks.items():
            sink(rows, results[name])


class _HeldRows:
    """The raw rows that a strip needs, in one buffer that moves down the picture; each row is read once."""

    def __init__(self, reader: Rows, most_rows: int) -> None:
        header = reader.header
        self._reader = reader
        self._buffer = np.empty((most_rows, header.width, header.bands), header.dtype)
        self._piece = max(1, PIECE_BYTES // header.row_bytes)
        self._top = self._bottom = 0

    def move_to(self, top: int, bottom: int) -> None:
        """Hold the rows top..bottom-1; neither may be less than before."""
        kept = max(0, self._bottom - top)
        if kept and top > self._top:
            self._buffer[:kept] = self._buffer[top - self._top : self._bottom - self._top]
        start = max(top, self._bottom)
        for first in range(start, bottom, self._piece):
            last = min(first + self._piece, bottom)
            self._buffer[first - top : last - top] = self._reader.read(first, last)
        self._top, self._bottom = top, max(bottom, self._bottom)

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """A view of held rows."""
        return self._buffer[top - self._top : bottom - self._top]


def strip_shape(width: int, tile: int, halo: int, multiple_of: int, scale: int = 1) -> tuple[int, int]:
    """Rows and columns of the cores that `stream` works in: the area of `tile`², the strip within `STRIP_PIXELS`."""
    least = max(multiple_of, min(tile, 64))
    within = min(STRIP_PIXELS // width - 2 * halo, STRIP_PIXELS // (width * scale**2))
    rows = min(tile, max(least, within)) // multiple_of * multiple_of
    rows = max(rows, multiple_of)
    columns = -(-(tile * tile) // rows // multiple_of) * multiple_of
    return rows, max(columns, multiple_of)


def _strips(height: int, width: int, shape: tuple[int, int], halo: int | None, multiple_of: int) -> list[list[Window]]:
    """The windows, a list for each row of them."""
    strips: dict[int, list[Window]] = {}
    for window in windows(height, width, shape, halo, multiple_of):
        strips.setdefault(window.core.top, []).append(window)
    return list(strips.values())


def _call(
    function: Callable[[Tensor, Tensor], Result],
    pixels: Tensor,
    window: Window,
    size: tuple[int, int],
    multiple_of: int,
) -> Result:
    """`function` on a tile, its right and lower side repeated up to a multiple."""
    below, beside = -pixels.shape[-2] % multiple_of, -pixels.shape[-1] % multiple_of
    if below or beside:
        pixels = functional.pad(pixels, (0, beside, 0, below), mode="replicate")
    area, (height, width) = window.padded, size
    place = [area.top / height, area.left / width, (area.bottom + below) / height, (area.right + beside) / width]
    return function(pixels, torch.tensor([place], dtype=torch.float32, device=pixels.device).repeat(len(pixels), 1))


def _named(result: Result) -> Mapping[str, Tensor]:
    return {"": result} if isinstance(result, Tensor) else result


def _core(part: Tensor, window: Window) -> Tensor:
    """The core of a tile's result [N, c, h, w]."""
    core, padded = window.core, window.padded
    top, left = core.top - padded.top, core.left - padded.left
    return part[..., top : top + core.height, left : left + core.width]
