"""What convolutions reach on this machine at best: the measure that models are held against."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

# (channels in and out, side in pixels) of 3×3 convolutions: between them lies what networks here are made of.
SHAPES = ((64, 192), (128, 96), (192, 64), (256, 64))
SECONDS = 0.15  # for each shape


@dataclass(frozen=True)
class Peak:
    """The most operations a second (a multiplication and an addition are two) of one precision, and by what shape."""

    precision: str
    operations_per_second: float
    channels: int
    side_px: int


def measured_peak(
    precision: torch.dtype, device: torch.device, shapes: Sequence[tuple[int, int]] = SHAPES, seconds: float = SECONDS
) -> Peak:
    """The best of repeated 3×3 convolutions in channels_last, over a few shapes; a busy machine gives less."""
    best = Peak(str(precision).removeprefix("torch."), 0.0, 0, 0)
    with torch.inference_mode():
        for channels, side in shapes:
            generator = torch.Generator().manual_seed(0)
            pixels = torch.randn(1, channels, side, side, generator=generator).to(device, precision)
            weight = torch.randn(channels, channels, 3, 3, generator=generator).to(device, precision)
            pixels, weight = (one.contiguous(memory_format=torch.channels_last) for one in (pixels, weight))
            operations = 2 * channels * channels * 9 * side * side
            fastest, began = float("inf"), time.perf_counter()
            while time.perf_counter() - began < seconds:
                start = time.perf_counter()
                functional.conv2d(pixels, weight, padding=1)
                synchronize(device)
                fastest = min(fastest, time.perf_counter() - start)
            if operations / fastest > best.operations_per_second:
                best = Peak(best.precision, operations / fastest, channels, side)
    return best


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
