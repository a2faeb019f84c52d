"""Training examples for colorizing: color photographs as the grey ones that some film might have made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.foundation.image_color import srgb_decode
from vasari.foundation.lab import srgb_to_lab
from vasari.foundation.plans import check, option
from vasari.models.colorizers import CHROMA_UNIT, palette_of

# How light is mixed to grey: kind -> share of the examples, and red, green and blue of the linear light. Plates before
# the 1880s saw blue alone, orthochromatic ones until the 1920s no red; a little is drawn at random beside.
FILMS: Mapping[str, tuple[float, tuple[float, float, float]]] = {
    "panchromatic": (0.65, (0.2126, 0.7152, 0.0722)),
    "orthochromatic": (0.2, (0.04, 0.56, 0.4)),
    "blue-sensitive": (0.15, (0.0, 0.2, 0.8)),
}
KEPT_PX = 512  # long side at which photographs are kept: finer color than this is carried by lightness
MOST_HINTS = 24
HINT_SIDES_PX = (3, 24)
HINTED_PALETTES = 0.2  # of the palettes' share, where there are hints


@dataclass(frozen=True)
class ExamplesPlan:
    """How a photograph becomes an example."""

    patch_px: int = option(192, "side of the patch that is colored, a multiple of 16", minimum=32)
    smallest_long_side_px: int = option(224, "long side to which a photograph is reduced at the most", minimum=64)
    hinted_share: float = option(0.6, "share of examples with hints", minimum=0.0, maximum=1.0)
    palette_share: float = option(0.8, "share of examples that are told their palette", minimum=0.0, maximum=1.0)
    aged_share: float = option(0.5, "share of examples whose lightness is faded or grainy", minimum=0.0, maximum=1.0)
    exclude: str = option("", "text file naming pictures, one a line, that must not be trained on; empty for none")

    def __post_init__(self) -> None:
        check(self)
        if self.patch_px % 16:
            raise PlanError(f"patch_px={self.patch_px} is no multiple of 16.", remedy="use 160, 192 or 224")


class ColorizeExamples:
    """Example i: one patch of one photograph, as the seed (seed, i) draws it.

    Items, float32: light [1, p, p], L*/100; grey [3, p, p], the same as sRGB in 0..1; chroma [2, p/2, p/2], a* and b*,
    the truth; hints [3, p, p] and palette [5] as a `Colorizer` takes them; true_palette [4].
    """

    def __init__(self, photographs: Mapping[str, np.ndarray], plan: ExamplesPlan, seed: int) -> None:
        self._pictures = list(photographs.values())
        self._plan = plan
        self._seed = seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        plan = self._plan
        pixels = self._patch(self._pictures[int(rng.integers(len(self._pictures)))], rng)
        chroma = srgb_to_lab(pixels)[1:]
        light = grey_light(pixels, _drawn_film(rng))
        if rng.random() < plan.aged_share:
            light = _aged(light, rng)
        true_palette = palette_of(chroma[None])[0]
        hints, palette = torch.zeros(3, *light.shape[1:]), torch.zeros(5)
        hinted = rng.random() < plan.hinted_share
        if hinted:
            hints = drawn_hints(chroma, int(np.ceil(MOST_HINTS * rng.random() ** 2)), rng)
        # Where a palette is told as well, hints are hardly learned from: it says most of what they say.
        if rng.random() < plan.palette_share * (HINTED_PALETTES if hinted else 1.0):
            noise = torch.from_numpy(rng.normal(0, 0.1, 4).astype(np.float32))
            palette = torch.cat([true_palette + noise, torch.ones(1)])
        return {
            "light": light,
            "grey": as_grey(light),
            "chroma": functional.avg_pool2d(chroma[None], 2)[0],
            "hints": hints,
            "palette": palette,
            "true_palette": true_palette,
        }

    def _patch(self, picture: np.ndarray, rng: np.random.Generator) -> Tensor:
        """float32 [3, p, p] in 0..1 out of a photograph reduced by area, mirrored at random."""
        plan = self._plan
        height, width = picture.shape[:2]
        reduction = rng.uniform(plan.smallest_long_side_px, KEPT_PX) / max(height, width)
        span = min(round(plan.patch_px / reduction), height, width)
        top, left = int(rng.integers(0, height - span + 1)), int(rng.integers(0, width - span + 1))
        region = picture[top : top + span, left : left + span]
        if rng.random() < 0.5:
            region = region[:, ::-1]
        planes = torch.from_numpy(region.transpose(2, 0, 1).astype(np.float32) / 255)
        size = (plan.patch_px, plan.patch_px)
        return functional.interpolate(planes[None], size, mode="bilinear", antialias=True, align_corners=False)[0]


def _drawn_film(rng: np.random.Generator) -> np.ndarray:
    """Shares of linear red, green and blue in a film's grey, near those of one of `FILMS`."""
    shares = [share for share, _ in FILMS.values()]
    kind = str(rng.choice(list(FILMS), p=shares))
    mixed = np.asarray(FILMS[kind][1]) + rng.dirichlet([1.0, 1.0, 1.0]) * 0.1 * rng.random()
    return np.asarray(mixed / mixed.sum())


def grey_light(pixels: Tensor, film: np.ndarray) -> Tensor:
    """What a film makes of sRGB [3, h, w] in 0..1: L*/100 [1, h, w] of its grey."""
    linear = srgb_decode(pixels)
    relative = (torch.as_tensor(film, dtype=pixels.dtype)[:, None, None] * linear).sum(0, keepdim=True)
    return (1.16 * relative.clamp_min(1e-6).pow(1 / 3) - 0.16).clamp(0, 1)


def as_grey(light: Tensor) -> Tensor:
    """L*/100 [1, h, w] as sRGB [3, h, w] without color, 0..1."""
    relative = ((light.clamp_min(0.08) + 0.16) / 1.16) ** 3
    relative = torch.where(light > 0.08, relative, light * 100 / 903.3)
    encoded = torch.where(relative > 0.0031308, 1.055 * relative.clamp_min(1e-6) ** (1 / 2.4) - 0.055, 12.92 * relative)
    return encoded.expand(3, -1, -1).contiguous()


def _aged(light: Tensor, rng: np.random.Generator) -> Tensor:
    """Lightness [1, h, w] on another curve, of less range, softer and with grain, each at random."""
    out = light.clamp(0, 1) ** float(np.exp(rng.normal(0, 0.25)))
    low, high = rng.uniform(0, 0.15), rng.uniform(0.8, 1.0)
    out = low + (high - low) * out
    if rng.random() < 0.4:
        small = functional.avg_pool2d(out[None], 2)
        out = functional.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)[0]
    grain = rng.standard_normal(tuple(out.shape)).astype(np.float32) * float(rng.uniform(0, 0.04))
    return (out + torch.from_numpy(grain)).clamp(0, 1)


def drawn_hints(chroma: Tensor, count: int, rng: np.random.Generator) -> Tensor:
    """Hints [3, h, w] of the true chroma [2, h, w]: `count` small blocks, each of the mean color under it."""
    height, width = chroma.shape[1:]
    hints = torch.zeros(3, height, width)
    for _ in range(count):
        tall, wide = (int(side) for side in rng.integers(*HINT_SIDES_PX, size=2, endpoint=True))
        top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
        block = (slice(top, top + tall), slice(left, left + wide))
        color = chroma[(slice(None), *block)].mean((1, 2)) / CHROMA_UNIT
        hints[(slice(None), *block)] = torch.cat([color, torch.ones(1)])[:, None, None]
    return hints
