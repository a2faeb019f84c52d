"""Noise that is the same at a place whatever tile shows it: a square of it that repeats, read at absolute places."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

PERIOD_PX = 1024


def at(noise: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """The part [..., height, width] of repeating noise [..., 1024, 1024] at rows from `top` and columns from `left`."""
    rows = torch.arange(top, top + height) % PERIOD_PX
    columns = torch.arange(left, left + width) % PERIOD_PX
    return noise[..., rows, :][..., columns]


def sloped(seed: int, slope: float) -> Tensor:
    """[1024, 1024] of mean 0 and deviation 1, whose amplitudes fall as frequency to the power `slope`."""
    return _shaped(seed, lambda frequency: frequency.clamp(min=1 / 256) ** -slope)


@functools.lru_cache(maxsize=8)
def grains(seed: int, size_px: float) -> Tensor:
    """[1024, 1024] of mean 0 and deviation 1: white noise under a Gaussian of deviation `size_px`, from 0."""
    return _shaped(seed, lambda frequency: torch.exp(-2 * (torch.pi * frequency * size_px) ** 2))


def _shaped(seed: int, gain: Callable[[Tensor], Tensor]) -> Tensor:
    """White noise with a gain for each frequency in cycles a pixel; its ends meet, since it is made of waves."""
    generator = torch.Generator().manual_seed(seed)
    waves = torch.fft.rfft2(torch.randn(PERIOD_PX, PERIOD_PX, generator=generator, dtype=torch.float64))
    across = torch.fft.rfftfreq(PERIOD_PX, dtype=torch.float64)
    down = torch.fft.fftfreq(PERIOD_PX, dtype=torch.float64)
    noise = torch.fft.irfft2(waves * gain(torch.hypot(down[:, None], across[None])), s=(PERIOD_PX, PERIOD_PX))
    noise = noise - noise.mean()
    return (noise / noise.std()).float()
