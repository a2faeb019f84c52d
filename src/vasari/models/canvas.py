"""The canvas: a faint random tooth that a stylizer paints on, the same at a place whatever tile shows it.

A network without chance can fill an even sky only with a pattern that repeats; a little noise in what it sees gives it
something to make strokes of.
"""

from __future__ import annotations

import functools

from torch import Tensor

from vasari.foundation import periodic_noise
from vasari.foundation.periodic_noise import PERIOD_PX

__all__ = ["DEVIATION", "PERIOD_PX", "on_canvas"]

DEVIATION = 0.04  # of pixels in 0..1
SLOPE = 0.75  # amplitudes fall as frequency to this power: some tooth at every scale
SEED = 1550  # of the first edition of the Lives


def on_canvas(pixels: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """Pixels [N, C, h, w] with the canvas under them; `top` and `left` are where they lie in the picture, in pixels."""
    return pixels + periodic_noise.at(_tooth(), top, left, *pixels.shape[2:]).to(pixels)


@functools.cache
def _tooth() -> Tensor:
    return DEVIATION * periodic_noise.sloped(SEED, SLOPE)
