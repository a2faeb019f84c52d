"""The hole: which pixels of a picture are to be filled; from a mask file, a box, an array or found damage.

It is kept as bits, so that the mask of a gigapixel scan takes 125 MB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.image_color import SCALES
from vasari.foundation.image_files import Limits
from vasari.foundation.image_formats import DEFAULT_LIMITS

HALF = 0.5
ROWS_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class Hole:
    """Pixels to fill, as bits: `packed` uint8 [rows, columns / 8], 1 = missing (`np.packbits` along rows)."""

    packed: np.ndarray
    height: int
    width: int

    @classmethod
    def of_array(cls, mask: np.ndarray) -> Hole:
        """From [rows, columns] (or [rows, columns, 1]): bool, or numbers of which half their full scale is missing.

        The full scale of floats, and of integers none of which is above 1, is 1; of other integers what their kind
        holds, but 255 where that is more than 16 bits. Raises `PictureError` where one of those lies outside 0..255.
        """
        mask = np.asarray(mask)
        if mask.ndim == 3 and mask.shape[2] == 1:
            mask = mask[:, :, 0]
        if mask.ndim != 2:
            raise PictureError(
                f"Got a mask of shape {mask.shape}; the rule is [rows, columns].", remedy="pass one plane, 1 = missing"
            )
        if mask.dtype != bool:
            mask = mask >= HALF * _full_scale(mask)
        return cls(np.packbits(mask, axis=1), *mask.shape)

    @classmethod
    def of_file(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> Hole:
        """From a picture file: light pixels (the mean of its channels at least half) are missing; alpha is ignored."""
        with image_files.open_rows(path, limits=limits) as reader:
            header = reader.header
            packed = np.empty((header.height, -(-header.width // 8)), np.uint8)
            lightest = 0.0
            for top in range(0, header.height, ROWS_AT_A_TIME):
                bottom = min(top + ROWS_AT_A_TIME, header.height)
                grey = reader.read(top, bottom)[:, :, : header.channels].mean(2) / SCALES[header.depth]
                packed[top:bottom] = np.packbits(grey >= HALF, axis=1)
                lightest = max(lightest, float(grey.max()))
        if 0 < lightest < HALF:
            raise PictureError(
                f"The mask {path.name} is not black, and nothing in it is light: at most {lightest:.3f} of full scale.",
                remedy=f"draw what is missing with {HALF:g} of full scale or more: white is 255, not 1",
            )
        return cls(packed, header.height, header.width)

    @classmethod
    def of_box(cls, box: Sequence[int], height: int, width: int) -> Hole:
        """From a box (x, y, width, height) in pixels, x and y of its upper left corner counted from 0."""
        if len(box) != 4 or box[2] < 1 or box[3] < 1:
            raise PlanError(
                f"The box {','.join(map(str, box))} is not four numbers with a size of 1 or more.",
                remedy="write --box X,Y,WIDTH,HEIGHT in pixels",
            )
        x, y, wide, tall = box
        if x < 0 or y < 0 or x + wide > width or y + tall > height:
            raise PlanError(
                f"The box {x},{y},{wide},{tall} reaches outside the picture of {width}×{height} pixels.",
                remedy=f"keep x + width within {width} and y + height within {height}",
            )
        mask = np.zeros((height, width), bool)
        mask[y : y + tall, x : x + wide] = True
        return cls.of_array(mask)

    def area(self, top: int, bottom: int, left: int, right: int) -> np.ndarray:
        """bool [bottom - top, right - left]; False beyond the picture."""
        result = np.zeros((bottom - top, right - left), bool)
        low, high = max(top, 0), min(bottom, self.height)
        start, end = max(left, 0), min(right, self.width)
        if low < high and start < end:
            first = start // 8
            bits = np.unpackbits(self.packed[low:high, first : -(-end // 8)], axis=1)
            result[low - top : high - top, start - left : end - left] = bits[:, start - 8 * first : end - 8 * first]
        return result

    def plane(self) -> np.ndarray:
        """The whole as bool [rows, columns]."""
        return self.area(0, self.height, 0, self.width)

    @property
    def pixels(self) -> int:
        """How many pixels are missing."""
        return int(np.bitwise_count(self.packed).sum())

    @property
    def share(self) -> float:
        """The share 0..1 of all pixels that is missing."""
        return self.pixels / (self.height * self.width)

    @property
    def sha256(self) -> str:
        """The digest of size and bits, whatever file they came from."""
        digest = hashlib.sha256(f"{self.width}x{self.height};".encode())
        digest.update(np.ascontiguousarray(self.packed).data)
        return digest.hexdigest()

    def bounds(self) -> tuple[int, int, int, int]:
        """Top, bottom, left, right of the smallest rectangle that holds all that is missing; there must be some."""
        rows = np.flatnonzero(self.packed.any(1))
        columns = np.flatnonzero(np.unpackbits(np.bitwise_or.reduce(self.packed, axis=0)))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1

    def grown(self, by_px: int) -> Hole:
        """The hole and all pixels within `by_px` of it (a square)."""
        if not by_px:
            return self
        packed = np.empty_like(self.packed)
        for top in range(0, self.height, ROWS_AT_A_TIME):
            bottom = min(top + ROWS_AT_A_TIME, self.height)
            part = torch.from_numpy(self.area(top - by_px, bottom + by_px, -by_px, self.width + by_px)).float()
            tall = functional.max_pool2d(part[None, None], (2 * by_px + 1, 1), stride=1)
            wide = functional.max_pool2d(tall, (1, 2 * by_px + 1), stride=1)[0, 0]
            packed[top:bottom] = np.packbits(wide.numpy() > 0, axis=1)
        return Hole(packed, self.height, self.width)

    def check(self, height: int, width: int) -> Hole:
        """Itself, where it is of the picture's size and leaves something to go by; else `PictureError`."""
        if (self.height, self.width) != (height, width):
            raise PictureError(
                f"The mask has {self.width}×{self.height} pixels, the picture {width}×{height}.",
                remedy="give a mask of the picture's own size, drawn over it and not turned",
            )
        if self.pixels == height * width:
            raise PictureError(
                "The mask takes the whole picture, and leaves nothing to fill it from.",
                remedy="paint white only what is to be filled, and leave the rest black",
            )
        return self

    def tensor(self, top: int, bottom: int, left: int, right: int) -> Tensor:
        """`area` as float32 [1, 1, rows, columns]."""
        return torch.from_numpy(self.area(top, bottom, left, right)).float()[None, None]


def _full_scale(mask: np.ndarray) -> float:
    """What number says wholly missing; raises `PictureError` where integers leave it open."""
    if mask.dtype.kind not in "ui":
        return 1.0
    least, most, wide = int(mask.min(initial=0)), int(mask.max(initial=0)), mask.dtype.itemsize > 2
    if wide and (least < 0 or most > 255):
        raise PictureError(
            f"Got a mask of {mask.dtype} from {least} to {most}; the rule is 0 and 1, or 0 to 255.",
            remedy="pass a mask of bool, uint8 or uint16",
        )
    return 1.0 if most <= 1 else 255.0 if wide else float(np.iinfo(mask.dtype).max)
