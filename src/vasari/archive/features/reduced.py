"""Pictures brought to the size at which they are measured, from files and from memory."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError
from vasari.foundation.image_color import srgb_encode
from vasari.foundation.image_formats import DEFAULT_LIMITS, Limits, vips
from vasari.foundation.lab import srgb_to_lab
from vasari.foundation.picture import Picture, Space

#: Pixels at which every picture is measured: as many as 512 × 512 has.
MEASURED_PIXELS = 512 * 512
#: Sides that the first step leaves, in sides of measuring: with 2, the order of neighboring pixels shows the squares.
SPARED = 4
#: Raw bytes of a file decoded at a time.
CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class FilePage:
    """A page of a file, counted from 0."""

    path: Path
    page: int

    def __str__(self) -> str:
        return f"{self.path}, page {self.page + 1}" if self.page else str(self.path)


Source = str | Path | FilePage | Picture | np.ndarray


@dataclass(frozen=True, eq=False)
class Reduced:
    """A picture as it is measured: sRGB float32 [3, rows, columns] in 0..1, grey repeated."""

    pixels: Tensor

    @functools.cached_property
    def lab(self) -> np.ndarray:
        """L* in 0..100, a* and b*, float32 [3, rows, columns]."""
        return srgb_to_lab(self.pixels).numpy()

    @functools.cached_property
    def chroma(self) -> np.ndarray:
        """C*ab, the distance from grey, float32 [rows, columns]."""
        return np.hypot(self.lab[1], self.lab[2])


def reduced(source: Source, limits: Limits = DEFAULT_LIMITS) -> Reduced:
    """A picture averaged down to `MEASURED_PIXELS`, its aspect kept; smaller ones keep their size.

    `source` is a path, a page of a file, a `Picture`, or an array as `Picture.from_array` takes it. Every pixel is the
    mean of the area that it stands for, in sRGB encoding; alpha and the orientation are not applied. Files are read in
    bounded memory. Raises `PictureError` as `image_files.inspect` does, and for pixels that are not finite.
    """
    if isinstance(source, (str, Path, FilePage)):
        file = source if isinstance(source, FilePage) else FilePage(Path(source), 0)
        pixels, name = _from_file(file, limits), str(file)
    else:
        picture = Picture.from_array(source) if isinstance(source, np.ndarray) else source
        pixels, name = picture.pixels, str(picture.source or "the picture")
        if picture.space is Space.LINEAR:
            pixels = srgb_encode(pixels)
        pixels = _averaged(pixels, (picture.height, picture.width), (1, 1))
    if not bool(torch.isfinite(pixels).all()):
        raise PictureError(
            f"{name} holds pixels that are not finite numbers.", remedy="replace them in a copy, for example by 0"
        )
    return Reduced(pixels.clamp(0, 1).expand(3, -1, -1).contiguous())


def measured_size(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a picture as it is measured: at most `MEASURED_PIXELS`, at least one of each."""
    scale = min(1.0, math.sqrt(MEASURED_PIXELS / (height * width)))
    if scale == 1.0:
        return height, width
    rows = min(max(1, round(height * scale)), MEASURED_PIXELS)
    return rows, max(1, min(round(width * scale), MEASURED_PIXELS // rows))


def _from_file(file: FilePage, limits: Limits) -> Tensor:
    """A page at the size of measuring: averaged by whole factors to `SPARED` times that size or more, then the rest.

    The first step is made on raw samples, before the profile: it costs a small part of decoding, where
    averaging floats of 24 megapixels costs several times as much as decoding them.
    """
    with image_files.open_rows(file.path, file.page, limits) as reader:
        header = reader.header
        height, width = measured_size(header.height, header.width)
        if header.depth != 32:
            factors = max(1, header.height // (SPARED * height)), max(1, header.width // (SPARED * width))
            step = max(1, CHUNK_BYTES // (header.row_bytes * factors[0])) * factors[0]
            bands = []
            for top in range(0, header.height, step):
                raw = reader.read(top, min(top + step, header.height))
                bands.append(raw if factors == (1, 1) else _shrunk(raw, *factors))
            whole = np.concatenate(bands)
            pixels = image_files.decode(whole, replace(header, depth=8 * whole.dtype.itemsize))
            return _averaged(pixels, (header.height, header.width), factors)
    pixels = image_files.thumbnail(file.path, 2 * max(height, width), file.page, limits)
    return _averaged(pixels, (pixels.shape[1], pixels.shape[2]), (1, 1))


def _averaged(pixels: Tensor, size: tuple[int, int], factors: tuple[int, int]) -> Tensor:
    """A picture of `size`, given as means [C, h, w] of `factors` rows and columns, at the size of measuring."""
    small = measured_size(*size)
    if small == size:
        return pixels
    planes = []
    for plane in pixels.numpy():
        rows = _means(plane, size[0], factors[0], small[0])
        planes.append(_means(rows.T, size[1], factors[1], small[1]).T)
    return torch.from_numpy(np.stack(planes))


def _means(rows: np.ndarray, size: int, factor: int, small: int) -> np.ndarray:
    """Exact means over `small` equal parts of `size` samples, float32 [small, columns], as `area_weights` gives them.

    `rows` [h, columns] are means of `factor` samples each, the last perhaps of fewer. A part touches few rows:
    a product of each part's own costs a hundredth of that of the whole matrix.
    """
    rows = np.ascontiguousarray(rows)
    edges = np.minimum(np.arange(len(rows) + 1) * factor, size)
    wanted = np.arange(small + 1) * (size / small)
    begins = np.clip(np.searchsorted(edges, wanted[:-1], side="right") - 1, 0, len(rows) - 1)
    ends = np.maximum(np.searchsorted(edges, wanted[1:], side="left"), begins + 1).clip(max=len(rows))
    found = np.empty((small, rows.shape[1]), np.float32)
    for part, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        touched = np.minimum(edges[begin + 1 : end + 1], wanted[part + 1]) - np.maximum(edges[begin:end], wanted[part])
        np.matmul((touched * (small / size)).astype(np.float32), rows[begin:end], out=found[part])
    return found


def _shrunk(raw: np.ndarray, down: int, across: int) -> np.ndarray:
    """Raw rows [rows, columns, bands] of integers averaged over `down` × `across` samples, as uint16.

    8 bits are taken as 16 first: libvips rounds halves up in each direction, which would brighten 8 bits visibly
    in a mean over many pictures.
    """
    rows, columns, bands = raw.shape
    kind = {"uint8": "uchar", "uint16": "ushort"}[raw.dtype.name]
    image = vips().Image.new_from_memory(np.ascontiguousarray(raw).data, columns, rows, bands, kind)
    if kind == "uchar":
        image = image.cast("ushort") << 8
    small = image.shrink(across, down, ceil=True).numpy().reshape(-(-rows // down), -(-columns // across), bands)
    # Shifting by 8 bits multiplies by 256, where 65535 is 257 times 255.
    return (small + (small >> 8)).astype(np.uint16) if kind == "uchar" else small
