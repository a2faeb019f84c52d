"""The canvas: a faint random tooth that a stylizer paints on, the same at a place whatever tile shows it.

A network without chance can fill an even sky only with a pattern that repeats; a little noise in what it sees gives it
something to make strokes of.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

PERIOD_PX = 1024
DEVIATION = 0.04  # of pixels in 0..1
SLOPE = 0.75  # amplitudes fall as frequency to this power: some tooth at every scale
SEED = 1550  # of the first edition of the Lives


def on_canvas(pixels: Tensor, top: int = 0, left: int = 0) -> Tensor:
    """Pixels [N, C, h, w] with the canvas under them; `top` and `left` are where they lie in the picture, in pixels."""
    height, width = pixels.shape[2:]
    rows = torch.arange(top, top + height) % PERIOD_PX
    columns = torch.arange(left, left + width) % PERIOD_PX
    tooth = _tooth()[rows][:, columns].to(pixels)
    return pixels + tooth


@functools.cache
def _tooth() -> Tensor:
    """[1024, 1024], mean 0: noise whose ends meet, since it is made of waves."""
    generator = torch.Generator().manual_seed(SEED)
    waves = torch.fft.rfft2(torch.randn(PERIOD_PX, PERIOD_PX, generator=generator, dtype=torch.float64))
    across = torch.fft.rfftfreq(PERIOD_PX, dtype=torch.float64)
    down = torch.fft.fftfreq(PERIOD_PX, dtype=torch.float64)
    frequency = torch.hypot(down[:, None], across[None]).clamp(min=1 / 256)
    noise = torch.fft.irfft2(waves * frequency**-SLOPE, s=(PERIOD_PX, PERIOD_PX))
    noise = noise - noise.mean()
    return (DEVIATION * noise / noise.std()).float()
