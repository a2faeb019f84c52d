"""How far one texture is from another, and whether a border can be told from the inside: pure functions."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.losses_style import unit_directions
from vasari.tasks.texture.wasserstein import projected, pyramid

PROJECTIONS = 64
COMPARED_WINDOWS = 256
SIDES_PX = (3, 7)  # of the patches compared, at every scale


def patch_distance(made: Tensor, sample: Tensor, seed: int = 0) -> float:
    """The sliced Wasserstein distance of patches of 3 and 7 px, mean over scales, in 8-bit levels; lower is nearer.

    made, sample [C, h, w] in 0..1, of any sizes from 32 px. Order 1, over `PROJECTIONS` random directions of length
    √(1/pixels), so that a patch that is off by one level everywhere counts about one (Rabin et al. 2012, equation 8).
    Both are reduced alike, to a quarter at most.
    """
    generator = torch.Generator().manual_seed(seed)
    distances = []
    for (_, a), (_, b) in list(zip(pyramid(made)[::-1], pyramid(sample)[::-1], strict=False))[:3]:
        for side in SIDES_PX:
            directions = unit_directions(PROJECTIONS, a.shape[0] * side * side, generator)
            one, other = (projected(x, directions, COMPARED_WINDOWS, generator) for x in (a, b))
            distances.append(float(abs(one - other).mean()))
    return 255.0 * sum(distances) / len(distances)


def border_score(texture: Tensor) -> float:
    """How far the steps across a tileable texture's borders differ from those inside, in standard errors.

    texture [C, h, w], sides of 32 px or more; 0 to 3 or so is no difference. Compared is the mean absolute difference
    of neighboring rows: that of the last and the first with those of all other pairs, whose deviation from pair to pair
    is the standard error; the same of columns; and both of the texture reduced to a quarter, where fine grain does not
    hide a seam. The largest of the four.
    """
    scores = []
    for pixels in (texture, functional.avg_pool2d(texture[None], 4)[0]):
        for lines in (pixels, pixels.transpose(1, 2)):
            steps = (lines - lines.roll(1, 1)).abs().mean((0, 2)).double()
            inside = steps[1:]
            scores.append(float((steps[0] - inside.mean()).abs() / inside.std().clamp(min=1e-12)))
    return max(scores)


def repeats(texture: Tensor, sample: Tensor) -> float:
    """The share 0..1 by which a texture repeats itself more than its sample: the excess of autocorrelation peaks.

    Both [C, h, w]; the highest correlation of the luma with itself moved by 32 px or more, over the common size.
    """
    height, width = (min(a, b) for a, b in zip(texture.shape[1:], sample.shape[1:], strict=True))
    return max(0.0, _self_likeness(texture[:, :height, :width]) - _self_likeness(sample[:, :height, :width]))


def _self_likeness(pixels: Tensor) -> float:
    grey = pixels.mean(0).double()
    grey = (grey - grey.mean()) / grey.std().clamp(min=1e-9)
    spectrum = torch.fft.rfft2(grey).abs().square()
    likeness = torch.fft.irfft2(spectrum, s=grey.shape) / grey.numel()
    away = [torch.minimum(torch.arange(n), n - torch.arange(n)) for n in grey.shape]
    far = torch.hypot(away[0][:, None].double(), away[1][None].double()) >= 32
    return float(likeness[far].max()) if bool(far.any()) and math.isfinite(float(likeness.max())) else 0.0
