"""Normalization by choice: by instance, with statistics that can be fixed beforehand, by batch, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

NORMALIZATIONS = ("instance", "batch", "none")
_LEAST_VARIANCE = 1e-5


@dataclass(frozen=True)
class Statistics:
    """Means and standard deviations [N, channels] of every normalized layer, in order; empty where none is needed."""

    means: tuple[Tensor, ...] = ()
    deviations: tuple[Tensor, ...] = ()

    def map(self, function: Callable[[Tensor], Tensor]) -> Statistics:
        """The statistics with `function` applied to each tensor, e.g. to move them to a device."""
        return Statistics(*(tuple(function(one) for one in part) for part in (self.means, self.deviations)))


class Sitting:
    """One pass of pictures through a network: each normalized layer, in its turn, is handed its statistics.

    Given ones are handed out in order; else each layer takes its own, which are noted where `notes` is on.
    """

    def __init__(self, given: Statistics | None = None, notes: bool = False) -> None:
        self._left = list(zip(given.means, given.deviations))[::-1] if given is not None else None
        self._seen: list[tuple[Tensor, Tensor]] | None = [] if notes else None

    def of(self, x: Tensor) -> tuple[Tensor, Tensor] | None:
        """Mean and deviation [N, channels] for the layer x [N, channels, h, w]; None: it may take its own unseen."""
        if self._left is not None:
            return self._left.pop()
        if self._seen is None:
            return None
        self._seen.append(measured(x))
        return self._seen[-1]

    @property
    def statistics(self) -> Statistics:
        """What was noted."""
        seen = self._seen or []
        return Statistics(tuple(one[0] for one in seen), tuple(one[1] for one in seen))


def measured(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each channel over each picture: [N, C, h, w] -> two of [N, C], float32 at least.

    By E[x²] - E[x]², which takes half the time of `var_mean`; what is lost by it is below bfloat16's own rounding.
    """
    full = x.to(torch.promote_types(x.dtype, torch.float32))
    mean = full.mean((2, 3))
    variance = full.square().mean((2, 3)) - mean.square()
    return mean, (variance.clamp(min=0) + _LEAST_VARIANCE).sqrt()


def scaled(x: Tensor, mean: Tensor, deviation: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """gain·(x - mean)/deviation + offset in the type of x: x [N, C, h, w], statistics [N, C], gain and offset [C]."""
    scale = gain / deviation
    shift = offset - mean * scale
    return torch.addcmul(shift[:, :, None, None].to(x.dtype), x, scale[:, :, None, None].to(x.dtype))


class _OwnInstance(Function):
    """Instance normalization by the picture's own statistics.

    Written as its own function because a CPU takes three times as long for torch's own in channels_last and
    bfloat16, and as long again for what automatic differentiation makes of `measured` and `scaled`.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
        mean, deviation = measured(x)
        context.save_for_backward(x, mean, deviation, gain)
        return scaled(x, mean, deviation, gain, offset)

    @staticmethod
    @once_differentiable
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (gradient,) = gradients
        x, mean, deviation, gain = context.saved_tensors
        full = gradient.to(mean.dtype)
        to_offset = full.sum((2, 3))
        to_gain = ((full * x).sum((2, 3)) - mean * to_offset) / deviation
        # ∂/∂x = gain/deviation·(gradient - mean(gradient) - x̂·mean(gradient·x̂)), as a·gradient + b·x + c
        count = x.shape[2] * x.shape[3]
        a = gain / deviation
        b = -a / deviation * to_gain / count
        c = -a * to_offset / count - b * mean
        wide_a, wide_b, wide_c = (one[:, :, None, None].to(x.dtype) for one in (a, b, c))
        return torch.addcmul(wide_c, x, wide_b).addcmul_(gradient, wide_a), to_gain.sum(0), to_offset.sum(0)


class Normalization(nn.Module):
    """Instance, batch or no normalization, with a learned gain and offset a channel.

    Instance normalization: Ulyanov et al. 2016, arXiv:1607.08022, eq. 3; batch normalization: Ioffe & Szegedy
    2015, arXiv:1502.03167, algorithm 1. `gain` is the gain it starts with. Raises ValueError for another kind.
    """

    def __init__(self, kind: str, width: int, gain: float = 1.0) -> None:
        super().__init__()
        if kind not in NORMALIZATIONS:
            raise ValueError(f"normalization must be one of {', '.join(NORMALIZATIONS)}, not {kind!r}")
        self.kind = kind
        self.batch = nn.BatchNorm2d(width) if kind == "batch" else None
        if self.batch is not None:
            nn.init.constant_(self.batch.weight, gain)
        if kind == "instance":
            self.gain = nn.Parameter(torch.full((width,), gain))
            self.offset = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, sitting: Sitting) -> Tensor:
        """[N, width, h, w] -> the same shape and type."""
        if self.batch is not None:
            return self.batch(x)
        if self.kind == "none":
            return x
        found = sitting.of(x)
        if found is None:
            return _OwnInstance.apply(x, self.gain, self.offset)
        return scaled(x, *found, self.gain, self.offset)
