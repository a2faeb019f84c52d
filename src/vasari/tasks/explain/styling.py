"""How far a picture is from a style, and where: the distance of style codes shared out over depths and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.picture import Picture
from vasari.models.style import SMALLEST_DEVIATION, StyleCode
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.stylize.coding import Coder, saved_code, sized


@dataclass(frozen=True, eq=False)
class StyleMaps:
    """`depths`: the relative distance at each depth; `maps`: at each depth [h', w'], whose mean is that distance.

    Where a map is above 0 the place holds the picture away from the style, below 0 it brings it nearer; `whole` [h, w]
    is the mean over depths at the coded size. `colors`: differences of the means of L*, a*, b*, then of deviations.
    """

    depths: tuple[float, ...]
    maps: tuple[Tensor, ...]
    whole: Tensor
    pixels: Tensor
    colors: tuple[float, ...]


def style_maps(picture: Picture, plan: ExplainPlan, encoder: str = "encoder") -> StyleMaps:
    """Hold a picture against the style of a plan; raises `PlanError`, `PictureError`, `WeightsError`."""
    coder = Coder.of(encoder)
    saved = saved_code(plan.style)
    style = saved if saved is not None else coder.code(sized(plan.style, 1.0))
    pixels = sized(picture, 1.0)
    with torch.inference_mode():
        features = coder.encoder(pixels[None])
    own = coder.code(pixels)
    maps = tuple(one.clone() for one in place_shares(features, style))
    size = (pixels.shape[1], pixels.shape[2])
    spread = [functional.interpolate(one[None, None], size, mode="bilinear")[0, 0] for one in maps]
    whole = torch.stack(spread).mean(0)
    distances = tuple(float(one.mean()) for one in maps)
    colors = tuple(float(one) for one in own.lab - style.lab)
    return StyleMaps(distances, maps, whole, pixels, colors)


def place_shares(features: Sequence[Tensor], style: StyleCode) -> list[Tensor]:
    """For features [1, C, h', w'] of every depth a map [h', w'] whose mean is the depth's distance to a style.

    The distance is Σ (μ - μₛ)² + (σ - σₛ)² over channels, relative to Σ μₛ² + σₛ². It is shared out exactly: μ is the
    mean of the features, and σ that of (f - μ)² / σ, so each place gives (μ - μₛ)(f - μₛ) + (σ - σₛ)((f - μ)²/σ - σₛ).
    """
    found = []
    for one, mean, deviation in zip(features, style.means, style.deviations, strict=True):
        flat = one[0].float().flatten(1)
        own_mean = flat.mean(1, keepdim=True)
        own_deviation = flat.std(1, correction=0, keepdim=True)
        mean, deviation = mean[:, None], deviation[:, None]
        # A silent channel has no deviation; its places share what there is alike.
        spread = torch.where(
            own_deviation > SMALLEST_DEVIATION * 1e-3,
            (flat - own_mean).square() / own_deviation.clamp(min=1e-12),
            own_deviation.expand_as(flat),
        )
        shares = (own_mean - mean) * (flat - mean) + (own_deviation - deviation) * (spread - deviation)
        size = (mean.square() + deviation.square()).sum().clamp(min=1e-12)
        found.append((shares.sum(0) / size).unflatten(0, one.shape[2:]))
    return found
