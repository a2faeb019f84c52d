"""Where each style goes: masks painted by hand, grey where a style fades out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.tasks.translate.apply import enlarged

# A path, a picture, or an array as `Picture.from_array` takes it.
MaskSource = str | Path | Picture | np.ndarray

# Long side at which masks are kept; larger pictures get them enlarged.
MASK_PX = 2048
# A mask whose lightest place is darker than this is taken for a mistake, as one saved with the values 0 and 1 is.
LEAST_WHITE = 2 / 255


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask: `plane` [1, 1, h, w] in 0..1, and the size in pixels that its file had."""

    name: str
    plane: Tensor
    height: int
    width: int

    @classmethod
    def of(cls, source: MaskSource) -> Mask:
        """A picture as a mask, its channels averaged; raises `PictureError`, and `PlanError` where it is black."""
        if isinstance(source, (str, Path)):
            header, name = image_files.inspect(source), Path(source).name
            height, width = header.height, header.width
            plane = image_files.thumbnail(source, MASK_PX)
        else:
            picture = Picture.from_array(source) if isinstance(source, np.ndarray) else source
            name, height, width = "in memory", picture.height, picture.width
            plane = image_files.shrink(picture.pixels, MASK_PX)
        plane = plane.mean(0, keepdim=True)[None].clamp(0, 1)
        if float(plane.max()) < LEAST_WHITE:
            raise PlanError(
                f"The mask {name} is black: its style would go nowhere.",
                remedy="paint it white (255) where the style goes",
            )
        return cls(name, plane, height, width)


@dataclass(frozen=True, eq=False)
class Regions:
    """The masks of a plan's styles, in order; none where the style goes everywhere."""

    masks: tuple[Mask, ...] = ()

    def check(self, height: int, width: int) -> None:
        """Hold the masks against a picture of this size in pixels; raises `PlanError` for another aspect."""
        for mask in self.masks:
            scale = max(height, width) / max(mask.height, mask.width)
            # Each of the two sizes is rounded to whole pixels.
            if max(abs(mask.height * scale - height), abs(mask.width * scale - width)) > 1 + scale:
                raise PlanError(
                    f"The mask {mask.name} ({mask.width}×{mask.height}) has another aspect than the picture "
                    f"({width}×{height}).",
                    remedy="give a mask of the picture's own size as it is stored (unturned), or the same reduced",
                )

    def joined(self, made: Sequence[Tensor], window: Tensor) -> tuple[Tensor, Tensor | float]:
        """Results [1, 3, h, w], one for all or one a region, as one; and its share of each place, [1, 1, h, w] or 1.

        Where masks overlap by more than 1 in sum, they share the place; where they leave a rest, the picture stays.
        """
        if not self.masks:
            return made[0], 1.0
        layers = made if len(made) == len(self.masks) else [*made] * len(self.masks)
        height, width = made[0].shape[2:]
        shares = [enlarged(one.plane, window, height, width).clamp(0, 1) for one in self.masks]
        total = torch.stack(shares).sum(0)
        mixed = torch.stack([share * one for share, one in zip(shares, layers, strict=True)]).sum(0)
        return mixed / total.clamp(min=1e-6), total.clamp(max=1.0)
