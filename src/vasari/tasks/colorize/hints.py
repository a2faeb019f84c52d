"""What a person says of colors: strokes on a clear ground, and discs, as a `Colorizer` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.image_color import SCALES
from vasari.foundation.image_files import Header
from vasari.foundation.lab import srgb_to_lab
from vasari.foundation.picture import Picture
from vasari.models.colorizers import CHROMA_UNIT
from vasari.tasks.colorize.colorize_plan import Hint

# A path, a picture with alpha, or an array uint8 or uint16 [rows, columns, 4].
StrokesSource = str | Path | Picture | np.ndarray
# Long side at which strokes are kept.
STROKES_PX = 512
# Radius of the disc that a hint covers, in long sides of the picture.
DISC_SHARE = 0.015
# How far the proportions of strokes may be from the picture's.
SAME_PROPORTIONS = 0.01


@dataclass(frozen=True, eq=False)
class Strokes:
    """Painted hints: planes [3, h, w] (a*, b* in units of `CHROMA_UNIT` times known, known), and their file's size."""

    name: str
    planes: Tensor
    height: int
    width: int

    @classmethod
    def of(cls, source: StrokesSource) -> Strokes:
        """Read strokes: where alpha is above 0 the color counts. Raises `PictureError`, `PlanError` for none."""
        if isinstance(source, (str, Path)):
            header, name = image_files.inspect(source), Path(source).name
            _check_alpha(name, header.has_alpha)
            planes = image_files.averaged(source, STROKES_PX, _decoded)
            height, width = header.height, header.width
        else:
            picture, name = Picture.from_array(source) if isinstance(source, np.ndarray) else source, "in memory"
            _check_alpha(name, picture.alpha is not None)
            planes = image_files.shrink(_said(picture.pixels, picture.alpha), STROKES_PX)
            height, width = picture.height, picture.width
        if float(planes[2].max()) == 0:
            raise PlanError(f"The hints {name} are clear everywhere.", remedy="paint some strokes that are not clear")
        return cls(name, planes, height, width)

    def check(self, height: int, width: int) -> None:
        """Hold the strokes against a picture of this size in pixels; raises `PlanError` for other proportions."""
        one, other = self.height * width, self.width * height
        if abs(one - other) > SAME_PROPORTIONS * max(one, other) + max(self.height, self.width, height, width):
            raise PlanError(
                f"The hints {self.name} ({self.width}×{self.height}) have other proportions than the picture "
                f"({width}×{height}).",
                remedy="paint them over the picture as it is stored (unturned), or over a smaller copy",
            )


def hint_planes(
    strokes: Strokes | None, places: Sequence[Hint], size: tuple[int, int], source_size: tuple[int, int]
) -> Tensor:
    """The hints [1, 3, h, w] that a `Colorizer` takes at `size` (h, w), of a picture of `source_size` in pixels.

    Discs lie over strokes, later ones over earlier ones. Raises `PlanError` for a place outside the picture, and for
    strokes of other proportions.
    """
    planes = torch.zeros(1, 3, *size)
    if strokes is not None:
        strokes.check(*source_size)
        planes = functional.interpolate(
            strokes.planes[None], size, mode="bilinear", antialias=True, align_corners=False
        )
    for place in places:
        planes = torch.where(_disc(place, size, source_size), _constant(place.color), planes)
    return planes


def _disc(place: Hint, size: tuple[int, int], source_size: tuple[int, int]) -> Tensor:
    """Bool [h, w]: the cells whose centers are within a hint's disc, and the one that it lies in."""
    (height, width), (rows, columns) = source_size, size
    if place.x >= width or place.y >= height:
        raise PlanError(
            f"The hint at {place.x:g},{place.y:g} is outside the picture of {width}×{height} pixels.",
            remedy=f"name a place from 0,0 to {width - 1},{height - 1}",
        )
    y = (torch.arange(rows) + 0.5) * (height / rows)
    x = (torch.arange(columns) + 0.5) * (width / columns)
    apart = (y[:, None] - place.y - 0.5).square() + (x - place.x - 0.5).square()
    disc = apart <= (DISC_SHARE * max(height, width)) ** 2
    disc[int(place.y * rows / height), int(place.x * columns / width)] = True
    return disc


def _constant(color: tuple[int, int, int]) -> Tensor:
    """The planes [3, 1, 1] of one color."""
    pixels = torch.tensor(color, dtype=torch.float32)[:, None, None] / 255
    return _said(pixels, torch.ones(1, 1, 1))


def _decoded(raw: np.ndarray, header: Header) -> Tensor:
    """The planes of raw rows with alpha."""
    alpha = raw[:, :, header.channels].astype(np.float32) / SCALES[header.depth]
    return _said(image_files.decode(raw, header), torch.from_numpy(alpha)[None])


def _said(pixels: Tensor, alpha: Tensor | None) -> Tensor:
    """Pixels [1 or 3, h, w] and alpha [1, h, w] -> planes [3, h, w]."""
    chroma = srgb_to_lab(pixels.expand(3, -1, -1))[1:] / CHROMA_UNIT
    known = torch.ones_like(chroma[:1]) if alpha is None else (alpha > 0).float()
    return torch.cat([chroma * known, known])


def _check_alpha(name: str, has_alpha: bool) -> None:
    if not has_alpha:
        raise PlanError(
            f"The hints {name} have no alpha, and would cover the whole picture.",
            remedy="paint on a layer that is clear, and save it as PNG with transparency",
        )
