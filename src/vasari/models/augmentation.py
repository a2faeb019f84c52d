"""Augmentation inside the graph: what the critic sees of real and made pictures, when there are few real ones.

DiffAugment (Zhao et al. 2020, arXiv:2006.10738): color, translation, cutout, on both kinds of pictures, so that the
generator learns the pictures and not their augmentations. Each picture is changed with a probability, as in Karras
et al. 2020 (arXiv:2006.06676), which the caller may let rise. Random numbers come from torch's generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional

TRANSLATED_SHARE = 0.125
CUT_SHARE = 0.5


def augmented(pixels: Tensor, probability: float, kinds: tuple[str, ...] | None = None) -> Tensor:
    """Each picture of [N, 3, h, w] changed by each of `kinds` (names in `AUGMENTATIONS`) with `probability` 0..1."""
    if probability <= 0:
        return pixels
    for name in kinds if kinds is not None else AUGMENTATIONS:
        changed = AUGMENTATIONS[name](pixels)
        chosen = torch.rand(len(pixels), 1, 1, 1, device=pixels.device) < probability
        pixels = torch.where(chosen, changed, pixels)
    return pixels


def color(pixels: Tensor) -> Tensor:
    """Brightness ±0.25 (on 0..1), saturation ×0..2, contrast ×0.5..1.5; uniform, one of each a picture."""
    brightness, saturation, contrast = _uniform(pixels), _uniform(pixels), _uniform(pixels)
    pixels = pixels + 0.5 * (brightness - 0.5)
    grey = pixels.mean(1, keepdim=True)
    pixels = grey + (pixels - grey) * (2 * saturation)
    middle = pixels.mean((1, 2, 3), keepdim=True)
    return middle + (pixels - middle) * (contrast + 0.5)


def translation(pixels: Tensor) -> Tensor:
    """Moved by up to an eighth of each side; what comes in is mid-grey."""
    count, _, height, width = pixels.shape
    margin_y, margin_x = round(height * TRANSLATED_SHARE), round(width * TRANSLATED_SHARE)
    padded = functional.pad(pixels - 0.5, (margin_x, margin_x, margin_y, margin_y))
    tops = torch.randint(0, 2 * margin_y + 1, (count,), device=pixels.device)
    lefts = torch.randint(0, 2 * margin_x + 1, (count,), device=pixels.device)
    rows = tops[:, None] + torch.arange(height, device=pixels.device)
    columns = lefts[:, None] + torch.arange(width, device=pixels.device)
    one = torch.arange(count, device=pixels.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[one, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2) + 0.5


def cutout(pixels: Tensor) -> Tensor:
    """A square of half the side, anywhere (its center inside), made mid-grey."""
    _, _, height, width = pixels.shape
    rows = torch.arange(height, device=pixels.device)[None, :]
    columns = torch.arange(width, device=pixels.device)[None, :]
    at_y, at_x = _uniform(pixels)[:, :, 0, 0] * height, _uniform(pixels)[:, :, 0, 0] * width
    inside_y = (rows + 0.5 - at_y).abs() < height * CUT_SHARE / 2
    inside_x = (columns + 0.5 - at_x).abs() < width * CUT_SHARE / 2
    hole = (inside_y[:, :, None] & inside_x[:, None, :])[:, None]
    return torch.where(hole, 0.5, pixels)


def _uniform(pixels: Tensor) -> Tensor:
    return torch.rand(len(pixels), 1, 1, 1, device=pixels.device)


AUGMENTATIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"color": color, "translation": translation, "cutout": cutout}
)
