"""Picture files: read whole or by rows, write whole or not at all, with all their metadata.

This is the public face; the parts are `image_formats` (what is opened), `row_reader`, `row_writer`,
`image_color` (ICC), `image_metadata` and `tiff_exif`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import WriteError
from vasari.foundation.image_color import SCALES, decode, encode, needs_conversion, quantize, srgb_encode
from vasari.foundation.image_formats import (
    DEFAULT_LIMITS,
    FORMATS,
    READABLE,
    SUFFIXES,
    WRITABLE,
    Format,
    Header,
    Limits,
)
from vasari.foundation.picture import Picture, Space
from vasari.foundation.row_reader import RowReader, inspect, open_rows
from vasari.foundation.row_writer import RowWriter

__all__ = [
    "FORMATS",
    "READABLE",
    "Reduction",
    "SUFFIXES",
    "WRITABLE",
    "Format",
    "Header",
    "Limits",
    "RowReader",
    "RowWriter",
    "averaged",
    "decode",
    "encode",
    "format_of",
    "inspect",
    "open_rows",
    "read",
    "shrink",
    "thumbnail",
    "write",
]

#: Raw bytes decoded at a time.
CHUNK_BYTES = 4 << 20
_ROWS = 256  # of a picture in memory, reduced at a time


def chunks(header: Header) -> list[tuple[int, int]]:
    """Row ranges of about `CHUNK_BYTES`, top to bottom."""
    rows = max(1, CHUNK_BYTES // header.row_bytes)
    return [(top, min(top + rows, header.height)) for top in range(0, header.height, rows)]


def read(path: str | Path, page: int = 0, limits: Limits = DEFAULT_LIMITS) -> Picture:
    """A page of a file as a `Picture` in memory, in sRGB encoding; raises as `inspect` does."""
    path = Path(path)
    with open_rows(path, page, limits) as reader:
        header = reader.header
        pixels = torch.empty(header.channels, header.height, header.width)
        alpha = torch.empty(1, header.height, header.width) if header.has_alpha else None
        for top, bottom in chunks(header):
            raw = reader.read(top, bottom)
            pixels[:, top:bottom] = decode(raw, header)
            if alpha is not None:
                band = raw[:, :, header.channels].astype(np.float32) / SCALES[header.depth]
                alpha[0, top:bottom] = torch.from_numpy(band)
    return Picture(pixels, depth=header.depth, alpha=alpha, metadata=header.metadata, source=path)


def thumbnail(path: str | Path, long_side_px: int, page: int = 0, limits: Limits = DEFAULT_LIMITS) -> Tensor:
    """A page averaged down to `long_side_px`: float32 [3, h, w] in sRGB encoding, grey repeated.

    Each pixel is the mean over its area, as `shrink` makes it of a picture in memory; the stored
    orientation is kept; smaller pictures keep their size. The file is read once, in bounded memory.
    """
    return averaged(path, long_side_px, decode, page, limits).expand(3, -1, -1).contiguous()


def averaged(
    path: str | Path,
    long_side_px: int,
    decoded: Callable[[np.ndarray, Header], Tensor],
    page: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> Tensor:
    """What `decoded` makes of a page's raw rows [rows, width, bands], [C, rows, width], reduced as `thumbnail` does."""
    small: Tensor | None = None
    with open_rows(path, page, limits) as reader:
        header = reader.header
        size = shrunk_size(header.height, header.width, long_side_px)
        for top, bottom in chunks(header):
            planes = decoded(reader.read(top, bottom), header)
            small = torch.zeros(len(planes), *size) if small is None else small
            _add_rows(small, planes, top, header.height)
    return torch.zeros(0, *size) if small is None else small


def shrink(pixels: Tensor, long_side_px: int) -> Tensor:
    """Pixels [C, h, w] averaged down to `long_side_px`; each pixel is the exact mean over its area."""
    channels, height, width = pixels.shape
    size = shrunk_size(height, width, long_side_px)
    if size == (height, width):
        return pixels
    small = torch.zeros(channels, *size)
    for top in range(0, height, _ROWS):
        _add_rows(small, pixels[:, top : top + _ROWS].float(), top, height)
    return small


class Reduction:
    """A picture of `height` rows in the making, averaged down to `size` (height, width) as its rows come."""

    def __init__(self, channels: int, height: int, size: tuple[int, int]) -> None:
        self.small = torch.zeros(channels, *size)
        self._height, self._top = height, 0

    def add(self, rows: Tensor) -> None:
        """The next rows [C, n, width]."""
        _add_rows(self.small, rows.float(), self._top, self._height)
        self._top += rows.shape[1]


def _add_rows(small: Tensor, rows: Tensor, top: int, height: int) -> None:
    """Add the share of rows `top`.. [C, n, width], out of `height`, to the reduced picture [C, h, w]."""
    first, weights = _row_weights(height, small.shape[1], top, top + rows.shape[1])
    small[:, first : first + len(weights)] += _across(weights @ rows, small.shape[2])


def _across(rows: Tensor, small: int) -> Tensor:
    """Rows [..., width] averaged to `small` equal parts, as differences of a running sum: no matrix is that wide."""
    width = rows.shape[-1]
    edges = torch.arange(small + 1, dtype=torch.float64) * (width / small)
    whole = edges.long().clamp(max=width - 1)
    exact = rows.double()
    reached = functional.pad(exact.cumsum(-1), (1, 0))[..., whole] + (edges - whole) * exact[..., whole]
    return (reached.diff(dim=-1) * (small / width)).float()


def shrunk_size(height: int, width: int, long_side_px: int) -> tuple[int, int]:
    """The size (height, width) whose long side is `long_side_px`; never larger than the original."""
    scale = min(1.0, long_side_px / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def area_weights(size: int, small: int) -> Tensor:
    """The matrix [small, size] that averages `size` samples into `small`, fractions of samples counted."""
    return _row_weights(size, small, 0, size)[1]


def _row_weights(size: int, small: int, top: int, bottom: int) -> tuple[int, Tensor]:
    """The columns top..bottom-1 of `area_weights`, cut to the rows they touch; with the first such row."""
    edges = np.arange(small + 1) * (size / small)
    first = max(0, int(np.searchsorted(edges, top, side="right")) - 1)
    last = min(small, int(np.searchsorted(edges, bottom, side="left")))
    low, high = edges[first:last, None], edges[first + 1 : last + 1, None]
    samples = np.arange(top, bottom)[None, :]
    overlap = np.clip(np.minimum(high, samples + 1) - np.maximum(low, samples), 0.0, 1.0)
    return first, torch.from_numpy((overlap / (size / small)).astype(np.float32))


def format_of(path: str | Path) -> str:
    """The writable format that a file name's ending asks for; raises `WriteError`."""
    suffix = Path(path).suffix.lower()
    for name in WRITABLE:
        if suffix in FORMATS[name].suffixes:
            return name
    raise WriteError(
        f"{Path(path).name}: the ending {suffix or '(none)'} names no format Vasari writes.",
        remedy=f"choose from: {', '.join(suffix for name in WRITABLE for suffix in FORMATS[name].suffixes)}",
    )


def write(picture: Picture, path: str | Path, format: str | None = None, quality: int = 95) -> Path:
    """Write a picture whole or not at all, in its own depth, profile and metadata; returns the path.

    `format` is one of `WRITABLE`, by default what the name's ending says; `quality` (1..100) is for
    JPEG and WebP. TIFFs are compressed with deflate. Raises `WriteError`.
    """
    path = Path(path)
    header = _header_of(picture, format or format_of(path))
    pixels = srgb_encode(picture.pixels) if picture.space is Space.LINEAR else picture.pixels
    with RowWriter(path, header, header.format, quality=quality) as writer:
        for top, bottom in chunks(header):
            rows = pixels[:, top:bottom]
            blank = np.zeros((bottom - top, header.width, header.bands), header.dtype)
            if picture.alpha is not None:
                blank[:, :, header.channels :] = quantize(picture.alpha[:, top:bottom], header.depth)
            writer.append(encode(rows, blank, header))
    return path


def _header_of(picture: Picture, format: str) -> Header:
    """The header of a file that keeps a picture."""
    icc, channels = picture.metadata.icc, picture.pixels.shape[0]
    depth = picture.depth
    if depth == 32 and format != "tiff":
        depth = max(FORMATS[format].depths) if format in FORMATS else 8
    if icc is not None and depth == 32 and needs_conversion(icc, channels, 16):
        depth = 16
    return Header(
        format=format,
        width=picture.width,
        height=picture.height,
        channels=channels,
        depth=depth,
        has_alpha=picture.alpha is not None,
        metadata=picture.metadata,
        path=picture.source,
        compression="deflate",
        predictor="none" if depth == 32 else "horizontal",
    )
