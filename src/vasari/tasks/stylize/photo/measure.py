"""Take the manner of a photograph from its scan.

Tint, range, grain, color, vignette and softness can be seen in one picture; the middle of the curve cannot, since
nobody knows how light the scene was, and is taken halfway between black and white. What a scan tells of its scene and
what of its material is not always to be told apart: a foggy day looks like a faded print.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError
from vasari.foundation.image_color import srgb_decode
from vasari.foundation.lab import srgb_to_lab
from vasari.tasks.stylize.photo.develop import blurred
from vasari.tasks.stylize.photo.manner import Color, PhotoManner

MEASURED_PX = 1024  # the long side, at which a scan is measured
SMALLEST_PX = 64
GREY_CHROMA = 4.0  # of what is left of a* and b* when the tint of each tone is taken off; below it a scan is grey
USUAL_CHROMA = 17.0  # the same of a color photograph as cameras make them today
_BINS = 12
_BLOCK_PX = 16


def manner_of(pixels: Tensor) -> PhotoManner:
    """The manner of a scan [3, h, w] sRGB in 0..1, at most 1024 px and at least 64 px long; raises `PictureError`."""
    if pixels.ndim != 3 or pixels.shape[0] != 3 or min(pixels.shape[1:]) < SMALLEST_PX:
        raise PictureError(
            f"A scan of the shape {tuple(pixels.shape)} is too small to take a manner from.",
            remedy=f"name one of {SMALLEST_PX} px or more on each side, or a year",
        )
    luma = pixels.mean(0)
    chroma = _chroma(pixels, luma)
    grey = chroma < GREY_CHROMA
    black, white = _end(pixels, luma, 0.01), _end(pixels, luma, 0.99)
    grain, size_px, color = _grain(pixels)
    per_mille = 1000 / max(pixels.shape[1:])
    return PhotoManner(
        grey=grey,
        black=black,
        middle=_middle(pixels, luma, black, white),
        white=white,
        saturation=0.0 if grey else round(min(chroma / USUAL_CHROMA, 1.6), 3),
        grain=grain,
        grain_size=size_px * per_mille,
        grain_color=0.0 if grey else color,
        vignette=_vignette(pixels),
        softness=_softness(luma, grain, size_px) * per_mille,
    )


def _chroma(pixels: Tensor, luma: Tensor) -> float:
    """Root mean square of a* and b* about their means at each tone."""
    lab = srgb_to_lab(blurred(pixels[None], 1.5)[0].double()).flatten(1)[1:]
    bins = (luma.flatten() * _BINS).long().clamp(0, _BINS - 1)
    counts = torch.bincount(bins, minlength=_BINS).clamp(min=1)
    means = torch.stack([torch.bincount(bins, plane, minlength=_BINS) / counts for plane in lab])
    return float((lab - means[:, bins]).square().sum(0).mean().sqrt())


def _end(pixels: Tensor, luma: Tensor, quantile: float) -> Color:
    """The mean color of what is as dark, or as light, as the quantile of the blurred luma."""
    soft = blurred(luma[None, None], 1.0)[0, 0]
    edge = torch.quantile(soft.flatten()[:: max(1, soft.numel() // 500_000)], quantile)
    chosen = soft <= edge if quantile < 0.5 else soft >= edge
    return _color(pixels[:, chosen].mean(1))


def _middle(pixels: Tensor, luma: Tensor, black: Color, white: Color) -> Color:
    """Halfway between black and white in lightness, with the tint of the calmest quarter of the tones there."""
    low, high = sum(black) / 3, sum(white) / 3
    halfway = (low + high) / 2
    straight = torch.tensor([(a + b) / 2 for a, b in zip(black, white, strict=True)])
    near = pixels[:, (luma - halfway).abs() < 0.15 * max(high - low, 0.05)]
    if near.shape[1] < 200:
        return _color(straight)
    tints = near - near.mean(0)
    away = (tints - (straight - straight.mean())[:, None]).square().sum(0)
    calm = tints[:, away.argsort()[: near.shape[1] // 4]].median(1).values
    return _color(halfway + calm - calm.mean())


def _color(values: Tensor) -> Color:
    red, green, blue = (round(min(max(float(one), 0.0), 1.0), 4) for one in values)
    return red, green, blue


def _grain(pixels: Tensor) -> tuple[float, float, float]:
    """Deviation in the middle tones, deviation in px of its Gaussian, and how much the channels differ, 0..1.

    From what is finer than 2 px in the flattest tenth of blocks of 16 px; the median absolute deviation leaves out
    edges.
    """
    fine = pixels - blurred(pixels[None], 2.0)[0]
    blocks = functional.unfold(torch.cat([fine, pixels])[None], _BLOCK_PX, stride=_BLOCK_PX)[0]
    blocks = blocks.view(6, _BLOCK_PX, _BLOCK_PX, -1)
    means = blocks[3:].mean((0, 1, 2))
    usable = ((means > 0.15) & (means < 0.85)).nonzero()[:, 0]
    if len(usable) < 4:
        return 0.0, 0.6, 0.0
    spread = blocks[3:].mean(0).flatten(0, 1).std(0)[usable]
    flat = usable[spread.argsort()[: max(4, len(usable) // 10)]]
    chosen, tone = blocks[:3, :, :, flat], means[flat]
    common = chosen.mean(0)
    swell = float((4 * tone * (1 - tone)).clamp(min=0.15).mean())
    deviation = 1.4826 * float(common.abs().median())
    beside = float((common[:, 1:] * common[:, :-1]).mean() / common.square().mean().clamp(min=1e-12))
    size_px = _size(beside)
    apart = float((chosen - common).square().mean() / common.square().mean().clamp(min=1e-12))
    # Mixed as `develop` does: the mean of the channels has the variance (1 - c)² + c²/3, what lies about it 2c²/3.
    color = 1 / (1 + math.sqrt(max(0.0, 2 / (3 * max(apart, 1e-6)) - 1 / 3)))
    deviation *= math.hypot(1 - color, color) / math.sqrt((1 - color) ** 2 + color**2 / 3)
    kept = max(0.3, 1 - 1 / (1 + 2.0 / max(size_px, 0.3)) ** 2)  # of the variance, what is finer than 2 px
    return round(min(deviation / swell / math.sqrt(kept), 0.2), 4), size_px, round(color, 3)


def _size(correlation: float) -> float:
    """The deviation of the Gaussian under which white noise has this correlation with its neighbor: exp(-1/(4s²))."""
    held = min(max(correlation, 0.02), 0.95)
    return round(math.sqrt(-1 / (4 * math.log(held))), 3)


def _vignette(pixels: Tensor) -> float:
    """The share of light that even the lightest corner has lost, against the middle."""
    light = srgb_decode(pixels).mean(0)
    rows, columns = light.shape
    high, wide = max(8, rows // 8), max(8, columns // 8)
    sides = ((slice(high), slice(-high, None)), (slice(wide), slice(-wide, None)))
    corners = [light[y, x].median() for y in sides[0] for x in sides[1]]
    middle = light[rows // 3 : -(rows // 3), columns // 3 : -(columns // 3)].median()
    lost = 1 - float(torch.stack(corners).max() / middle.clamp(min=1e-4))
    return round(min(max(lost, 0.0), 0.6), 3)


def _softness(luma: Tensor, grain: float, size_px: float) -> float:
    """The deviation in px of the blur that took what the finest octave lacks beside the next coarser one.

    Octaves of natural pictures hold about equal energy (Field 1987); grain is taken off before.
    """
    sharp, one, two = luma[None, None], blurred(luma[None, None], 1.0), blurred(luma[None, None], 2.0)
    of_grain = (grain * 0.8) ** 2 * 0.5 / max(size_px, 0.5)
    fine = max(float((sharp - one).square().mean()) - of_grain, 1e-9)
    coarse = max(float((one - two).square().mean()), 1e-9)
    ratio = min(fine / coarse, 1.0)
    return round(min(2.0, max(0.0, 0.55 * math.sqrt(-math.log(ratio)))), 3)
