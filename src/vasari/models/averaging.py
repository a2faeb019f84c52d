"""The exponential moving average of a network's weights, with a half-life in images."""

from __future__ import annotations

import copy

import torch
from torch import nn

RAMP = 0.05


def decay(batch: int, images_seen: int, half_life_images: float) -> float:
    """The share of the old average that a step keeps, 0..1.

    decay = 0.5 ^ (batch / half-life), where the half-life grows with `RAMP` × images_seen until it has
    reached `half_life_images`, so that the first weights are soon forgotten
    (Karras et al. 2020, StyleGAN2-ADA, `ema_rampup`).
    """
    half_life = min(half_life_images, RAMP * images_seen)
    return 0.5 ** (batch / half_life) if half_life > 0 else 0.0


def averaged_copy(network: nn.Module) -> nn.Module:
    """A frozen copy in evaluation mode, with which an average begins."""
    copied = copy.deepcopy(network).eval()
    return copied.requires_grad_(False)


@torch.no_grad()
def update(average: nn.Module, network: nn.Module, kept: float) -> None:
    """average ← kept × average + (1 - kept) × network, parameter by parameter; buffers are copied."""
    pairs = list(zip(average.parameters(), network.parameters(), strict=True))
    torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1.0 - kept)
    for mine, theirs in zip(average.buffers(), network.buffers(), strict=True):
        mine.copy_(theirs)
