"""What a critic looks at: its scores over a picture, what would move them, and what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models.backbones import read_backbone
from vasari.models.critics import PatchCritic

MULTIPLE_OF = 8  # sides of what a patch critic scores
CELLS = 16  # squares along the short side that are taken away in turn
SMALLEST_CELL_PX = 8
SURROUNDINGS_PX = 64  # a patch critic sees no farther than that
LARGEST_PIXELS = 4_000_000


@dataclass(frozen=True, eq=False)
class CriticMaps:
    """pixels [3, h, w] as the critic sees them, and maps [h, w].

    `scores`: those of the patches, each over its place, above 0 where a patch passes for real more than for made (a
    critic of whole pictures: one score everywhere). `gradient`: how strongly the mean score answers to a pixel, the
    largest of its channels, times the number of pixels. `occlusion`: what the scores lose when a square is painted
    over with its own mean color, for a patch; above 0 where the square spoke for real.
    """

    pixels: Tensor
    scores: Tensor
    gradient: Tensor
    occlusion: Tensor
    whole: bool


def critic_maps(picture: Picture, named: str, advance: Callable[[int, int], None]) -> CriticMaps:
    """Let the critic of a run (a folder, or a checkpoint) look at a picture; raises `WeightsError`, `PlanError`."""
    backbone = read_backbone(named)
    critic = getattr(backbone.network, "critic", None)
    if not isinstance(critic, nn.Module):
        raise WeightsError(
            f"{named} is no critic but the network {backbone.name}.", remedy="name the run of an adversarial training"
        )
    whole = not isinstance(critic, PatchCritic)
    pixels = _as_seen(picture.pixels.expand(3, -1, -1), backbone.px if whole else 0)
    if pixels.shape[1] * pixels.shape[2] > LARGEST_PIXELS:
        raise PlanError(
            f"{pixels.shape[2]}x{pixels.shape[1]} px are more than a critic is asked about at once.",
            remedy=f"cut out a part of at most {LARGEST_PIXELS // 10**6} megapixels",
        )
    seen = pixels[None].clone().requires_grad_(True)
    with torch.enable_grad():
        scores = critic(seen)
        (slope,) = torch.autograd.grad(scores.mean(), seen)
    size = (pixels.shape[1], pixels.shape[2])
    spread = functional.interpolate(scores.detach().reshape(1, 1, *(scores.shape[2:] if not whole else (1, 1))), size)
    strength = slope[0].abs().amax(0) * (size[0] * size[1])
    return CriticMaps(pixels, spread[0, 0], strength, _occluded(critic, pixels, whole, advance), whole)


def _as_seen(pixels: Tensor, px: int) -> Tensor:
    """The picture cut to whole blocks; for a critic of whole pictures, its center square at their size."""
    height, width = pixels.shape[1:]
    if px:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = pixels[None, :, top : top + side, left : left + side]
        return functional.interpolate(square, (px, px), mode="bilinear", antialias=True)[0].clamp(0, 1)
    if min(height, width) < MULTIPLE_OF:
        raise PlanError(
            f"{width}x{height} px are too few for a critic.", remedy=f"give {MULTIPLE_OF} px or more a side"
        )
    return pixels[:, : height // MULTIPLE_OF * MULTIPLE_OF, : width // MULTIPLE_OF * MULTIPLE_OF]


@torch.inference_mode()
def _occluded(critic: nn.Module, pixels: Tensor, whole: bool, advance: Callable[[int, int], None]) -> Tensor:
    """[h, w]: the scores' loss by square, a patch's share of it."""
    found = torch.zeros(pixels.shape[1:])
    squares = list(_squares(pixels.shape[1], pixels.shape[2]))
    for number, (rows, columns) in enumerate(squares):
        around = [_around(one, size) for one, size in zip((rows, columns), pixels.shape[1:], strict=True)]
        part = pixels if whole else pixels[:, around[0], around[1]]
        top, left = (0, 0) if whole else (around[0].start, around[1].start)
        covered = part.clone()
        inside = covered[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        inside.copy_(inside.mean((1, 2), keepdim=True).expand_as(inside))
        before, after = critic(torch.stack([part, covered])).reshape(2, -1).sum(1).tolist()
        patches = inside.shape[1] * inside.shape[2] / MULTIPLE_OF**2
        found[rows, columns] = (before - after) / (1.0 if whole else patches)
        advance(number + 1, len(squares))
    return found.clone()


def _squares(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Squares that cover a picture, their sides multiples of 8."""
    side = max(SMALLEST_CELL_PX, -(-min(height, width) // (CELLS * MULTIPLE_OF)) * MULTIPLE_OF)
    for top in range(0, height, side):
        for left in range(0, width, side):
            yield slice(top, min(top + side, height)), slice(left, min(left + side, width))


def _around(one: slice, size: int) -> slice:
    """A square's range with its surroundings, inside the picture."""
    start, stop = cast(tuple[int, int], (one.start, one.stop))
    return slice(max(0, start - SURROUNDINGS_PX), min(size, stop + SURROUNDINGS_PX))
