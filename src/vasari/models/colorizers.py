"""The colorizer: how a grey picture may have been colored, for its lightness, a palette and what a person says.

A picture tells its colors badly: a dress may have been red or green. So two questions are answered apart. Which
`Palette` the whole may have had is told as a distribution, from which several can be drawn; where each color belongs
is told for one of them, together with how far off it may be.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import SteeredStack, smoothed
from vasari.models.encoders import WIDTHS as ENCODER_WIDTHS

CHROMA_UNIT = 50.0  # of a* and b* in what the network is given and gives
PALETTE_NUMBERS = 4  # mean of a* and b*, then the logarithm of 1 + their deviation
_HINT_PLANES = 3
_SMALLEST_SPREAD, _LARGEST_SPREAD = 0.5, 60.0  # in units of a* and b*


@dataclass(frozen=True)
class PaletteGuess:
    """A normal distribution of palettes: mean [N, 4], and factor [N, 4, 4], the lower triangle of its covariance."""

    mean: Tensor
    factor: Tensor

    def drawn(self, noise: Tensor) -> Tensor:
        """Palettes [N, 4] from standard normal noise [N, 4]; zeros give the likeliest."""
        return self.mean + torch.einsum("nij,nj->ni", self.factor, noise)

    def surprise(self, palettes: Tensor) -> Tensor:
        """Minus the log-likelihood of palettes [N, 4], less its constant: [N]."""
        apart = torch.linalg.solve_triangular(self.factor, (palettes - self.mean)[..., None], upper=False)
        spread = torch.diagonal(self.factor, dim1=1, dim2=2).log().sum(1)
        return 0.5 * apart.square().sum((1, 2)) + spread


@dataclass(frozen=True)
class Colored:
    """chroma [N, 2, h/2, w/2]: a*, b*; error [N, 1, h/2, w/2]: how far from the true ones they are expected to be."""

    chroma: Tensor
    error: Tensor


class Colorizer(nn.Module):
    """Chroma for lightness, over the features of an encoder that was shown the grey picture.

    A decoder in the manner of U-Net (Ronneberger et al. 2015, arXiv:1505.04597) climbs the encoder's four depths; hints
    enter at each, averaged over its cells (as the local ones of Zhang et al. 2017, arXiv:1705.02999), and a palette
    steers it (FiLM, Perez et al. 2018, arXiv:1709.07871). Departs from both in that palettes are four numbers, that
    the network tells a distribution of them itself, and that it tells its error. Sides are multiples of 16.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (48, 96, 128, 192),
        depths: tuple[int, int, int, int] = (1, 1, 1, 2),
        context: int = 96,
    ) -> None:
        super().__init__()
        last = nn.Linear(128, 4 + 4 + 6)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.guess = nn.Sequential(nn.Linear(3 * ENCODER_WIDTHS[3], 128), nn.SiLU(), nn.Dropout(0.3), last)
        self.scene = nn.Linear(ENCODER_WIDTHS[3], context)
        self.palette = nn.Linear(PALETTE_NUMBERS + 1, context)
        self.entries = nn.ModuleList(
            nn.Conv2d(inner + _HINT_PLANES + 1, width, 3, padding=1)
            for inner, width in zip(ENCODER_WIDTHS, widths, strict=True)
        )
        self.stacks = nn.ModuleList(
            SteeredStack(width, context, depth) for width, depth in zip(widths, depths, strict=True)
        )
        self.ups = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in itertools.pairwise(widths))
        self.tail = nn.Conv2d(widths[0], 3, 3, padding=1)
        nn.init.normal_(self.tail.weight, std=1e-3)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def palettes(self, features: list[Tensor]) -> PaletteGuess:
        """Which palettes a picture of these encoder features may have had, in float32."""
        deepest = features[3].float().flatten(2)
        pooled = torch.cat([deepest.mean(2), deepest.amax(2), deepest.std(2, correction=0)], 1)
        with torch.autocast(pooled.device.type, enabled=False):
            found = self.guess(torch.log1p(pooled))
        mean, spread, mixed = found.split([4, 4, 6], 1)
        factor = torch.diag_embed(torch.exp(spread.clamp(-4, 2)))
        rows, columns = torch.tril_indices(4, 4, -1, device=found.device)
        below = torch.zeros_like(factor).index_put((torch.arange(len(found))[:, None], rows, columns), mixed)
        return PaletteGuess(mean, factor + below)

    def forward(self, light: Tensor, features: list[Tensor], hints: Tensor, palette: Tensor) -> Colored:
        """light [N, 1, h, w] in 0..1 (L*/100), the encoder's features of it, hints, palette -> `Colored`, float32.

        hints [N, 3, h, w]: a* and b* in units of `CHROMA_UNIT` times known, then known in 0..1, zeros where nothing is
        said; palette [N, 5]: what `as_palette` makes of colors and 1, or zeros where none is given.
        """
        context = self.palette(palette) + self.scene(torch.log1p(features[3].float().mean((2, 3))))
        x: Tensor | None = None
        for depth in (3, 2, 1, 0):
            cells = 2 ** (depth + 1)
            beside = [_at_cells(hints, cells), functional.avg_pool2d(light, cells) - 0.5]
            joined = torch.cat([features[depth], *(one.to(features[depth].dtype) for one in beside)], 1)
            entered = self.entries[depth](joined.contiguous(memory_format=torch.channels_last))
            if x is not None:
                entered = entered + functional.interpolate(self.ups[depth](x), scale_factor=2.0, mode="nearest")
            x = self.stacks[depth](functional.relu(entered), context)
        out = self.tail(x).float()
        error = CHROMA_UNIT * torch.exp(out[:, 2:] - math.log(5.0))
        return Colored(smoothed(CHROMA_UNIT * out[:, :2]), error.clamp(_SMALLEST_SPREAD, _LARGEST_SPREAD))


def as_palette(mean: Tensor, deviation: Tensor) -> Tensor:
    """Mean and deviation of a* and b*, [N, 2] each -> a palette [N, 4] as a `Colorizer` knows it, of unit size."""
    return torch.cat([mean / 15.0, torch.log1p(deviation) - 2.0], 1)


def palette_of(chroma: Tensor) -> Tensor:
    """The palette [N, 4] of chroma [N, 2, h, w] in a*, b*."""
    flat = chroma.float().flatten(2)
    return as_palette(flat.mean(2), flat.std(2, correction=0))


def _at_cells(hints: Tensor, cells: int) -> Tensor:
    """Hints [N, 3, h, w] averaged over the known pixels of each cell, [N, 3, h/cells, w/cells]; known as its root."""
    pooled = functional.avg_pool2d(hints.float(), cells)
    known = pooled[:, 2:]
    return torch.cat([pooled[:, :2] / known.clamp(min=1e-4) * (known > 0), known.sqrt()], 1)
