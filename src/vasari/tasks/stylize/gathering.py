"""The moments of a picture's features, gathered in pieces where the picture is large: equal to those of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from vasari.foundation.tiles import Area, windows
from vasari.models.style import Moments, moments

# Pixels of surroundings that the encoder sees (`models.cards`), and the grid that its deepest features lie on.
HALO_PX, GRID_PX = 96, 16


def gathered(
    features_of: Callable[[Tensor], Sequence[Tensor]], framed: Tensor, inner: Area, side_px: int
) -> tuple[Moments, Sequence[Tensor] | None]:
    """The moments over `inner` of the features of `framed` [1, 3, H, W], sides and `inner`'s start multiples of 16.

    A picture of at most `side_px` is seen at once, and its features are given back too; larger ones in tiles of it.
    """
    height, width = framed.shape[2:]
    if max(height, width) <= side_px:
        features = features_of(framed)
        return moments(_within(features, Area(0, height, 0, width), inner)), features
    parts, counts = [], []
    for window in windows(height, width, side_px, HALO_PX, GRID_PX):
        core = _common(window.core, inner)
        if core is None:
            continue
        rows, columns = window.padded.slices
        found = _within(features_of(framed[:, :, rows, columns]), window.padded, core)
        parts.append(moments(found))
        counts.append([one.shape[2] * one.shape[3] for one in found])
    return _together(parts, counts), None


def _common(core: Area, inner: Area) -> Area | None:
    """What two areas share."""
    top, bottom = max(core.top, inner.top), min(core.bottom, inner.bottom)
    left, right = max(core.left, inner.left), min(core.right, inner.right)
    return Area(top, bottom, left, right) if top < bottom and left < right else None


def _within(features: Sequence[Tensor], seen: Area, wanted: Area) -> list[Tensor]:
    """The features of what was `seen` that lie over `wanted`, a place that is cut through counted."""
    found = []
    for depth, one in enumerate(features):
        step = 2 ** (depth + 1)
        rows = slice((wanted.top - seen.top) // step, -(-(wanted.bottom - seen.top) // step))
        columns = slice((wanted.left - seen.left) // step, -(-(wanted.right - seen.left) // step))
        found.append(one[:, :, rows, columns])
    return found


def _together(parts: Sequence[Moments], counts: Sequence[Sequence[int]]) -> Moments:
    """The moments of all parts together, `counts` [part][depth] places each."""
    means, deviations = [], []
    for depth in range(len(counts[0])):
        count = torch.tensor([one[depth] for one in counts], dtype=torch.float64).view(-1, 1, 1)
        mean = torch.stack([one.means[depth] for one in parts]).double().cpu()
        deviation = torch.stack([one.deviations[depth] for one in parts]).double().cpu()
        whole = (count * mean).sum(0) / count.sum()
        variance = (count * (deviation.square() + (mean - whole).square())).sum(0) / count.sum()
        means.append(whole.to(parts[0].means[depth]))
        deviations.append(variance.sqrt().to(parts[0].means[depth]))
    return Moments(tuple(means), tuple(deviations))
