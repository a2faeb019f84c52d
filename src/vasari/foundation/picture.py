"""The one contract for pictures in memory: range, order, color space and source depth travel with the pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vasari.foundation.errors import PictureError

if TYPE_CHECKING:
    from torch import Tensor


class Space(StrEnum):
    """How `Picture.pixels` are encoded."""

    SRGB = "srgb"
    LINEAR = "linear"


@dataclass(frozen=True)
class Metadata:
    """What a picture file carries beside its pixels; written back unchanged.

    `icc`, `exif`, `xmp` and `iptc` are the raw blocks of the file; `dpi` is (horizontal, vertical)
    in pixels per inch; `orientation` is the EXIF value 1..8 and is never applied to the pixels.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    orientation: int = 1


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: float32 pixels with the meaning they had in their file.

    Shapes: `pixels` [1 or 3, rows, columns] in grey or RGB order, 0..1 nominal (wide-gamut sources
    may leave that range); `alpha` [1, rows, columns], 0..1, kept apart and never processed.
    `depth` is the number of bits a sample had in the source (8, 16 or 32) and has again on saving.
    """

    pixels: Tensor
    space: Space = Space.SRGB
    depth: int = 8
    alpha: Tensor | None = None
    metadata: Metadata = field(default_factory=Metadata)
    source: Path | None = None

    def __post_init__(self) -> None:
        shape = tuple(self.pixels.shape)
        if self.pixels.ndim != 3 or shape[0] not in (1, 3) or 0 in shape:
            raise PictureError(
                f"Got pixels of shape {shape}; a Picture holds [1 or 3, rows, columns].",
                remedy="reshape the tensor, or read the file with vasari.open_picture()",
            )
        import torch

        if self.pixels.dtype != torch.float32:
            raise PictureError(
                f"Got pixels of type {self.pixels.dtype}; a Picture holds float32 in 0..1.",
                remedy="convert with Picture.from_array(), which scales 8- and 16-bit arrays",
            )

    @property
    def is_grey(self) -> bool:
        """True where the file has one channel."""
        return self.pixels.shape[0] == 1

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.pixels.shape[1])

    @property
    def width(self) -> int:
        """Columns."""
        return int(self.pixels.shape[2])

    def with_pixels(self, pixels: Tensor) -> Picture:
        """The same picture, metadata and all, with other pixels."""
        return replace(self, pixels=pixels)

    @classmethod
    def from_array(cls, array: np.ndarray, *, space: Space = Space.SRGB) -> Picture:
        """A picture from an array [rows, columns] or [rows, columns, 1|3|4] of uint8, uint16 or float 0..1."""
        import torch

        array = np.asarray(array)
        depth = {"uint8": 8, "uint16": 16}.get(array.dtype.name, 32)
        if array.ndim == 2:
            array = array[:, :, None]
        if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4):
            raise PictureError(
                f"Got an array of shape {array.shape}; the rule is [rows, columns] or [rows, columns, channels].",
                remedy="pass grey, grey+alpha, RGB or RGBA with the channels last",
            )
        scale = {8: 255.0, 16: 65535.0, 32: 1.0}[depth]
        planes = torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)).astype(np.float32) / scale)
        colors = 1 if planes.shape[0] <= 2 else 3
        alpha = planes[colors:] if planes.shape[0] > colors else None
        return cls(planes[:colors].contiguous(), space=space, depth=depth, alpha=alpha)

    def to_array(self, depth: int | None = None) -> np.ndarray:
        """An array [rows, columns, channels] of uint8 or uint16 (rounded, clipped), or float32 for depth 32."""
        depth = depth or self.depth
        planes = self.pixels.permute(1, 2, 0).numpy()
        if depth == 32:
            return planes.astype(np.float32)
        top = 255.0 if depth == 8 else 65535.0
        kind = np.uint8 if depth == 8 else np.uint16
        return np.clip(np.rint(planes * top), 0, top).astype(kind)

    def save(self, path: str | Path, **options: object) -> Path:
        """Write the picture whole or not at all; see `image_files.write` for the options."""
        from vasari.foundation import image_files

        return image_files.write(self, Path(path), **options)  # type: ignore[arg-type]

    def _repr_png_(self) -> bytes:
        """A thumbnail of at most 768 px for notebooks."""
        from PIL import Image

        array = self.to_array(8)
        image = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
        image.thumbnail((768, 768))
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return buffer.getvalue()

    def __repr__(self) -> str:
        kind = "grey" if self.is_grey else "RGB"
        origin = f" from {self.source.name}" if self.source else ""
        return f"Picture({self.width}×{self.height} {kind}, {self.depth} bit, {self.space}{origin})"
