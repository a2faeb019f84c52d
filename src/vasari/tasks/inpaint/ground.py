"""What the last pass over a picture stands on: its hole filled, whole and in memory, at a smaller size if need be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from vasari.foundation.errors import PictureTooLargeError
from vasari.models.blocks import window_field
from vasari.models.inpainters import coarser
from vasari.tasks.inpaint import classical, exemplar
from vasari.tasks.inpaint.filler import Filler
from vasari.tasks.inpaint.hole import Hole
from vasari.tasks.inpaint.plan import InpaintPlan

#: Rows top..bottom-1 of a picture as float32 [1 or 3, rows, width] in sRGB encoding; asked for top to bottom.
RowsOf = Callable[[int, int], Tensor]

# Long side of what the network fills whole and in memory; larger pictures are filled in tiles above that.
WHOLE_PX = 2048
# The other methods need the picture in memory and at its own size.
WHOLE_PIXELS = 64_000_000
STRIP_PX = 256
# Channels that are nowhere further apart are those of a grey picture.
LEAST_COLOR = 0.6 / 255
# What lies around the hole by so many times its size is looked at by the exemplar method, at least so many pixels.
SURROUNDINGS, LEAST_SURROUNDINGS_PX = 2.0, 256


@dataclass(frozen=True, eq=False)
class Ground:
    """A filled picture `pixels` [1, 1 or 3, h, w], `factor` times smaller than the `height` × `width` it is of.

    `neutral` is true where all that is known of it is grey: nothing colored is to be put into it.
    """

    pixels: Tensor
    factor: int
    height: int
    width: int
    neutral: bool = False

    def under(self, top: int, bottom: int, left: int, right: int, step: int = 1) -> Tensor:
        """The part below the pixels top..bottom-1, left..right-1, enlarged bilinearly to 1/`step` of their number."""
        if self.factor == 1:
            return self.pixels[..., top:bottom, left:right]
        rows, columns = -(-(bottom - top) // step), -(-(right - left) // step)
        tall, wide = (self.factor * size for size in self.pixels.shape[2:])
        window = torch.tensor([[top / tall, left / wide, (top + rows * step) / tall, (left + columns * step) / wide]])
        return window_field(self.pixels, window, rows, columns)


def factor_of(height: int, width: int, plan: InpaintPlan) -> int:
    """How many times smaller the ground is than a picture: 1, or a power of two."""
    longest = max(height, width)
    if plan.method != "network" or longest <= plan.first_px:
        return 1
    factor = 2
    while longest > factor * WHOLE_PX:
        factor *= 2
    return factor


def lay_ground(rows_of: RowsOf, hole: Hole, plan: InpaintPlan, filler: Filler | None) -> Ground:
    """The ground of a picture: by the network at a smaller size, by any other method at its own.

    Raises `PictureTooLargeError` where a method needs more in memory than is sensible.
    """
    height, width = hole.height, hole.width
    factor = factor_of(height, width, plan)
    if filler is None and height * width > WHOLE_PIXELS:
        raise PictureTooLargeError(
            f"The picture has {height * width / 1e6:.0f} megapixels; method {plan.method} takes "
            f"{WHOLE_PIXELS / 1e6:.0f} at most.",
            remedy="use --method network, which works in tiles, or cut out the part around the hole",
        )
    pixels, mask = _reduced(rows_of, hole, factor)
    neutral = bool((pixels.amax(1) - pixels.amin(1)).max() < LEAST_COLOR)
    if filler is not None:
        colors = pixels.expand(-1, 3, -1, -1)
        made = filler.fill(colors, mask)
    elif plan.method == "exemplar":
        made = _by_exemplar(pixels, hole, plan)
    else:
        planes = classical.WAYS[plan.method](pixels[0].numpy(), hole.plane(), plan)
        made = torch.from_numpy(planes).clamp(0, 1)[None]
    if neutral:
        made = made.mean(1, keepdim=True)
    return Ground(made, factor, height, width, neutral)


def _reduced(rows_of: RowsOf, hole: Hole, factor: int) -> tuple[Tensor, Tensor]:
    """The picture [1, C, h, w] in 0..1 and its mask, halved until `factor` times smaller, strip by strip."""
    strip = max(STRIP_PX, factor)
    edges = [*range(0, hole.height, strip), hole.height]
    parts: list[tuple[Tensor, Tensor]] = []
    for top, bottom in pairwise(edges):
        planes, mask = rows_of(top, bottom)[None].clamp(0, 1), hole.tensor(top, bottom, 0, hole.width)
        size = factor
        while size > 1:
            planes, mask = coarser(planes, mask)
            size //= 2
        planes = torch.where(mask > 0, 0.0, planes)  # what the hole held must not matter to any method
        parts.append((planes, mask))
    return torch.cat([one[0] for one in parts], 2), torch.cat([one[1] for one in parts], 2)


def _by_exemplar(pixels: Tensor, hole: Hole, plan: InpaintPlan) -> Tensor:
    """The exemplar method on the hole and its surroundings, so that a small hole in a large picture is quick."""
    top, bottom, left, right = hole.bounds()
    margin = max(LEAST_SURROUNDINGS_PX, round(SURROUNDINGS * max(bottom - top, right - left)))
    top, left = max(0, top - margin), max(0, left - margin)
    bottom, right = min(hole.height, bottom + margin), min(hole.width, right + margin)
    part = pixels[0, :, top:bottom, left:right].numpy()
    made = exemplar.fill(part, hole.area(top, bottom, left, right), plan.patch_px, plan.seed)
    result = pixels.clone()
    result[0, :, top:bottom, left:right] = torch.from_numpy(made).clamp(0, 1)
    return result
