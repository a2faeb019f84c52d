"""What is surely a mark is lifted off before the repair: its own pixels are replaced from around it.

A repair that is told of a scratch still sees it, and dims it where it might be a whisker. What it does not see it
cannot keep: it goes on from a smooth guess, and makes of it what belongs there (docs/decisions/0033-sure-marks-go.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.blocks import whole_window, window_field

#: In a picture that is worn a pixel counts wholly up to the first probability of a mark, from the second on not at all.
DOUBTED, SURE = 0.5, 0.8
#: The same in one that is not: no probability is enough.
NEVER_DOUBTED, NEVER_SURE = 1.0, 1.1
GROWN_PX = 1  # of the map of marks: their edges are soft
#: Mean move of a picture's values by the survey, 0..1. Up to the first a picture is sound, and what looks like dust in
#: it is a reflection; from the second on it has aged, and marks are what they seem.
SOUND, AGED = 0.005, 0.015
#: Share of a picture that is marked for certain. Up to the first these may be reflections; from the second on it is
#: scratched, though its tone be sound (docs/decisions/0035-scratched-but-not-faded.md).
CERTAIN = 0.9
FEW, MANY = 0.0015, 0.0025
SMALLEST_PX = 4  # where a pyramid ends


@dataclass(frozen=True)
class Lifted:
    """A smooth guess [N, 3, h, w] in 0..1 sRGB at what marks hide in pictures, and its share [N, 1, h, w] in 0..1."""

    around: Tensor
    share: Tensor

    def taken_off(self, source: Tensor, window: Tensor) -> Tensor:
        """Tiles [N, 3, h, w] without their sure marks; window [N, 4] in fractions of the pictures."""
        parts = torch.cat([self.around, self.share], 1)
        around, share = window_field(parts, window, *source.shape[2:]).split([3, 1], 1)
        return torch.lerp(source, around, share)


def lifted(overview: Tensor, toned: Tensor, marks: Tensor) -> Lifted | None:
    """What takes the place of what `marks` [N, 1, h', w'] are sure of in whole pictures [N, 3, h, w]; None for nothing.

    `toned` are the same pictures in the tone that the survey gives them: a sound one with few marks keeps what it has.
    """
    told = marks.float()
    moved = (toned.clamp(0, 1) - overview.clamp(0, 1)).abs().mean((1, 2, 3), keepdim=True)
    certain = (told > CERTAIN).float().mean((1, 2, 3), keepdim=True)
    worn = torch.maximum(_ramp(moved, SOUND, AGED), _ramp(certain, FEW, MANY))
    doubted = NEVER_DOUBTED + worn * (DOUBTED - NEVER_DOUBTED)
    enough = NEVER_SURE + worn * (SURE - NEVER_SURE)
    sure = _ramp(told, doubted, enough)
    if not bool((sure > 0).any()):
        return None
    share = functional.max_pool2d(sure, 2 * GROWN_PX + 1, stride=1, padding=GROWN_PX)
    share = window_field(share, whole_window(overview), *overview.shape[2:])
    # What goes by half or more says nothing of what lies around it.
    return Lifted(from_around(overview, (1 - 2 * share).clamp(min=0)), share)


def _ramp(values: Tensor, none: Tensor | float, full: Tensor | float) -> Tensor:
    """0 up to `none`, 1 from `full` on, a straight line between."""
    return ((values - none) / (full - none)).clamp(0, 1)


def from_around(pixels: Tensor, known: Tensor) -> Tensor:
    """A smooth guess at each pixel [N, C, h, w] from what is known [N, 1, h, w], 0..1, around it, near things first.

    What is known is guessed, too; where nothing is, all is the mean. A pyramid of normalized means: each level takes
    what it lacks from the next coarser one (pull-push, Gortler et al. 1996, The Lumigraph, section 3.4).
    """
    is_top = min(pixels.shape[2:]) <= SMALLEST_PX
    pool = _mean_of_all if is_top else _means_of_four
    weight = pool(known)
    means = torch.where(weight > 0, pool(pixels * known) / weight.clamp(min=1e-6), pool(pixels))
    if is_top:
        return means.expand_as(pixels)
    coarser = torch.lerp(from_around(means, weight), means, weight)
    return functional.interpolate(coarser, pixels.shape[2:], mode="bilinear", align_corners=False)


def _means_of_four(field: Tensor) -> Tensor:
    """Of 2×2 pixels each, of fewer at an odd border."""
    return functional.avg_pool2d(field, 2, ceil_mode=True, count_include_pad=False)


def _mean_of_all(field: Tensor) -> Tensor:
    return field.mean((2, 3), keepdim=True)
