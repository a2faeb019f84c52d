"""The last frame's result carried along the flow into the next, so that what did not change does not flicker.

With w the last result warped along the flow, t the new frame treated by itself, L a Gaussian low pass, H = 1 - L:

    result = L(t) + a·c·(L(w) - L(t)) + H(t) + b·c·(H(w) - H(t))        a = steadiness, b = 2/3 steadiness

c is 1 where the flow can be trusted and the source itself did not change (`confidence`), 0 elsewhere: hidden places,
motion boundaries and cuts get the new frame alone. Coarse tones flicker visibly and are not harmed by interpolation,
so they are carried nearly whole. Fine detail would lose a little at every interpolation, the more the longer it is
carried: it is renewed by a third and more with every frame, so that loss and ghosts fade within a few, and do not add
up. Bonneel et al. 2015 (Blind video temporal consistency) divide likewise, by a screened Poisson equation; weights by
the change of the source are theirs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vasari.tasks.film.flow import Motion, warp

#: Fine detail is carried by this share of what coarse tones are.
DETAIL_SHARE = 2 / 3
#: Standard deviation of the low pass that parts coarse from fine, in pixels.
PARTING_PX = 2.0
#: α of exp(-α·|change|²), as in Lai et al. 2018, eq. 3; the change is that of sRGB values in 0..1.
CHANGE_WEIGHT = 50.0
#: Changes and borders of what can be trusted are blurred by this deviation, in pixels: grain is no change.
CHANGE_PX = 1.5
#: Where contrast is held, it is measured over this many pixels, and raised at most so far.
CONTRAST_PX, HIGHEST_GAIN = 5.0, 1.5
_LEAST_CONTRAST = 1e-7


def carried(treated: Tensor, last: Tensor, weight: Tensor, motion: Motion, steadiness: float, *, hold: bool) -> Tensor:
    """The result of a frame: [3, h, w] from the frame treated by itself, the last result, and `confidence` [1, h, w].

    `steadiness` 0..1. `hold`: fine detail keeps the contrast that the treated frame has, which averaging would lower.
    It is meant for textures that the treatment makes anew in each frame; of grain it would keep all.
    """
    warped = warp(last, motion.back)
    coarse, coarse_warped = low_pass(torch.cat([treated, warped]), PARTING_PX).split(3)
    fine, fine_warped = treated - coarse, warped - coarse_warped
    coarse = coarse + (coarse_warped - coarse) * (steadiness * weight)
    detail = fine + (fine_warped - fine) * (DETAIL_SHARE * steadiness * weight)
    if hold:
        detail = detail * _lost_contrast(fine, detail)
    return coarse + detail


def _lost_contrast(wanted: Tensor, found: Tensor) -> Tensor:
    """By how much one detail [3, h, w] has more local contrast than another, 1 to `HIGHEST_GAIN`: [1, h, w].

    At a quarter of the resolution: it is smooth.
    """
    height, width = wanted.shape[1:]
    energy = torch.stack([wanted.square().mean(0), found.square().mean(0)])
    small = functional.avg_pool2d(energy[None], 4, ceil_mode=True, count_include_pad=False)[0]
    blurred = low_pass(small, CONTRAST_PX / 4) + _LEAST_CONTRAST
    gain = (blurred[:1] / blurred[1:]).sqrt().clamp(1, HIGHEST_GAIN)
    return functional.interpolate(gain[None], (height, width), mode="bilinear", align_corners=False)[0]


def confidence(frame: Tensor, before: Tensor, motion: Motion) -> Tensor:
    """How far the frame before can be trusted to show the same, [1, h, w] in 0..1: two frames [3, h, w] of the source.

    What is seen in both, less a margin of some pixels that fades, times exp(-α·|change of the source|²).
    """
    change = low_pass(frame - warp(before, motion.back, "bilinear"), CHANGE_PX)
    trusted = (2 * low_pass(motion.seen_back, CHANGE_PX) - 1).clamp(min=0)
    return trusted * torch.exp(-CHANGE_WEIGHT * change.square().sum(0, keepdim=True))


def low_pass(pixels: Tensor, deviation_px: float) -> Tensor:
    """Pixels [c, h, w] blurred by a Gaussian, mirrored at the borders; small pictures by as much as fits in.

    By sums of moved pictures, which a CPU does four times as fast as torch's convolution of single channels.
    """
    for axis in (2, 1):
        size = pixels.shape[axis]
        reach = min(math.ceil(3 * deviation_px), size - 1)
        weights = [math.exp(-0.5 * (step / deviation_px) ** 2) for step in range(reach + 1)]
        total = 2 * sum(weights) - weights[0]
        padding = (reach, reach, 0, 0) if axis == 2 else (0, 0, reach, reach)
        padded = functional.pad(pixels[None], padding, mode="reflect")[0]
        pixels = padded.narrow(axis, reach, size) * (weights[0] / total)
        for step in range(1, reach + 1):
            for start in (reach - step, reach + step):
                pixels.add_(padded.narrow(axis, start, size), alpha=weights[step] / total)
    return pixels
