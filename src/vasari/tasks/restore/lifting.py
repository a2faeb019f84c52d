"""What is surely a mark is lifted off before the repair: its own pixels are replaced from around it.

A repair that is told of a scratch still sees it, and dims it where it might be a whisker. What it does not see it
cannot keep: it goes on from a smooth guess, and makes of it what belongs there (docs/decisions/0033-sure-marks-go.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.blocks import window_field

#: Up to the first probability of a mark a pixel counts wholly, from the second on not at all.
DOUBTED, SURE = 0.5, 0.8
GROWN_PX = 1  # of the map of marks: their edges are soft
#: Mean move of a picture's values by the survey, 0..1. Up to the first a picture is sound, and what looks like dust in
#: it is a reflection; from the second on it has aged, and marks are what they seem.
SOUND, AGED = 0.005, 0.015
SMALLEST_PX = 4  # where a pyramid ends


@dataclass(frozen=True)
class Lifted:
    """A whole picture without its sure marks [1, 3, h, w] in 0..1 sRGB, and where it differs [1, 1, h, w] in 0..1."""

    pixels: Tensor
    share: Tensor

    def taken_off(self, source: Tensor, window: Tensor) -> Tensor:
        """A tile [1, 3, h, w] without its sure marks; window [1, 4] in fractions of the picture.

        `pixels` are mixed by `share` already: what is half sure goes by the square of its share, as was measured.
        """
        parts = torch.cat([self.pixels, self.share], 1)
        pixels, share = window_field(parts, window, *source.shape[2:]).split([3, 1], 1)
        return torch.lerp(source, pixels, share)


def lifted(overview: Tensor, toned: Tensor, marks: Tensor) -> Lifted | None:
    """A picture [1, 3, h, w] without what `marks` [1, 1, h', w'] are sure of; None where they are sure of nothing.

    `toned` is the same picture in the tone that the survey gives it: a sound one keeps what it has.
    """
    moved = float((toned.clamp(0, 1) - overview).abs().mean())
    aged = min(1.0, max(0.0, (moved - SOUND) / (AGED - SOUND)))
    sure = aged * ((marks.float() - DOUBTED) / (SURE - DOUBTED)).clamp(0, 1)
    if not bool((sure > 0).any()):
        return None
    share = functional.max_pool2d(sure, 2 * GROWN_PX + 1, stride=1, padding=GROWN_PX)
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=share.device)
    share = window_field(share, whole, *overview.shape[2:])
    return Lifted(torch.lerp(overview, from_around(overview, 1 - share), share), share)


def from_around(pixels: Tensor, known: Tensor) -> Tensor:
    """pixels [1, C, h, w] where known [1, 1, h, w] is 1; where it is 0 what lies around, near things first.

    A pyramid of normalized means: each level takes what it lacks from the next coarser one (pull-push, Gortler et al.
    1996, The Lumigraph, section 3.4).
    """
    if min(pixels.shape[2:]) <= SMALLEST_PX:
        return (pixels * known).sum((2, 3), keepdim=True) / known.sum().clamp(min=1e-6) * torch.ones_like(known)
    weight = functional.avg_pool2d(known, 2, ceil_mode=True, count_include_pad=False)
    means = functional.avg_pool2d(pixels * known, 2, ceil_mode=True, count_include_pad=False)
    coarser = from_around(means / weight.clamp(min=1e-6), weight)
    around = functional.interpolate(coarser, pixels.shape[2:], mode="bilinear", align_corners=False)
    return torch.lerp(around, pixels, known)
