"""Several treatments of one picture: one everywhere, others within ellipses over faces, blended where they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.tasks.batch.streams import Treated
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.enlarging import Enlarging
from vasari.tasks.restore.faces import Box

#: In half sides of a face's square: up to the first (its corners lie within) it is the other treatment alone, from the
#: second on none of it.
WHOLE, NONE = 1.45, 2.1


@dataclass(frozen=True, eq=False)
class Within:
    """Another treatment, and the faces where it is taken."""

    treater: Conservator | Enlarging
    boxes: tuple[Box, ...]


@dataclass(frozen=True, eq=False)
class Blended:
    """The `Treater` of one picture; where ellipses of several meet, the later counts."""

    treater: Conservator | Enlarging
    others: tuple[Within, ...]

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return self.treater.halo

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return self.treater.multiple_of

    def survey(self, overview: Tensor) -> tuple[object, ...]:
        """The global pass of each."""
        return tuple(one.survey(overview) for one in (self.treater, *(other.treater for other in self.others)))

    def treat(self, pixels: Tensor, surveys: tuple[object, ...], window: Tensor) -> Treated:
        """Treat a tile by all that have a part in it."""
        treated = self.treater.treat(pixels, surveys[0], window)  # type: ignore[arg-type]
        for other, survey in zip(self.others, surveys[1:], strict=True):
            share = share_of(other.boxes, window, *pixels.shape[2:])
            if bool(share.any()):
                made = other.treater.treat(pixels, survey, window)  # type: ignore[arg-type]
                treated = _mixed(treated, made, share, share_of(other.boxes, window, *made.result.shape[2:]), pixels)
        return treated


def _mixed(one: Treated, other: Treated, share: Tensor, share_of_result: Tensor, pixels: Tensor) -> Treated:
    """A tile between two treatments: `share` of the other, at the maps' size and at the result's."""
    result = torch.lerp(one.result, other.result, share_of_result)
    damage = torch.lerp(one.damage, other.damage, share)
    if result.shape == pixels.shape:
        return Treated(result, damage, (result - pixels).abs().amax(1, keepdim=True))
    return Treated(result, damage, torch.lerp(one.change, other.change, share))


def share_of(boxes: Sequence[Box], window: Tensor, height: int, width: int) -> Tensor:
    """[1, 1, height, width] of a tile: 1 within faces, 0 far from them, smooth between; the same in every tile.

    `window` [1, 4] in fractions of the picture, as tiles are given it.
    """
    top, left, bottom, right = window[0].double().tolist()
    rows = top + (torch.arange(height, dtype=torch.float64) + 0.5) * ((bottom - top) / height)
    columns = left + (torch.arange(width, dtype=torch.float64) + 0.5) * ((right - left) / width)
    share = torch.zeros(height, width, dtype=torch.float64)
    for box in boxes:
        down = (rows - (box.top + box.bottom) / 2) / ((box.bottom - box.top) / 2)
        across = (columns - (box.left + box.right) / 2) / ((box.right - box.left) / 2)
        far = (down[:, None].square() + across[None, :].square()).sqrt()
        near = ((NONE - far) / (NONE - WHOLE)).clamp(0, 1)
        share = torch.maximum(share, near.square() * (3 - 2 * near))
    return share.float()[None, None]
