"""Coarse color spread onto all pixels of a picture, along its lightness: a guided filter whose two halves are apart.

The guided filter (He, Sun & Tang 2010; fast: He & Sun 2015, arXiv:1505.00996) takes what is filtered for linear in a
guide, place by place: chroma = A · L + B. A and B are found once, on a small grid, and kept; every tile of the large
picture then takes them from there for its own lightness. What they tell of a pixel depends on no other pixel, so tiles
equal the whole, and color ends where lightness does.

It departs from the paper in B: there it is a mean over squares like A, and the color of a cell is smoothed by the way;
here it is chosen cell by cell so that at the cell's own lightness the color is the one that was given. Chroma of
photographs, reduced to 256 px and spread to 1280 px, then is nearer to the truth than by the paper's B and than by
plain bilinear enlargement, whether it was blurred before or not.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.blocks import window_field

# Cells of the grid on each side of a place over which chroma is taken for linear in lightness.
RADIUS_CELLS = 2
# Added to the variance of lightness (0..1): where it varies less than the root of this, color follows it less.
EPSILON = 1e-3


def linear_model(guide: Tensor, values: Tensor, radius: int = RADIUS_CELLS, epsilon: float = EPSILON) -> Tensor:
    """The coefficients [N, 2·C, h, w] of values [N, C, h, w] in a guide [N, 1, h, w]: C times A, then C times B.

    In each square of 2·radius + 1 cells, cut at the border, the slope is cov(guide, value) / (var(guide) + epsilon);
    A is the mean of the slopes of all squares that a cell lies in (He & Sun 2015, equations 3 and 5), and B = value -
    A·guide. In float64, as variances are differences of squares; float32 is given back.
    """
    light, wanted = guide.double(), values.double()
    mean_light, mean_wanted = squares_mean(light, radius), squares_mean(wanted, radius)
    variance = squares_mean(light * light, radius) - mean_light * mean_light
    covariance = squares_mean(light * wanted, radius) - mean_light * mean_wanted
    slope = squares_mean(covariance / (variance.clamp(min=0) + epsilon), radius)
    return torch.cat([slope, wanted - slope * light], 1).float()


def spread(model: Tensor, guide: Tensor, window: Tensor) -> Tensor:
    """Values [N, C, h, w] of a tile, from the coefficients of the whole and the tile's own guide [N, 1, h, w].

    `window` [N, 4] is the tile's place: top, left, bottom, right in fractions of the picture.
    """
    slope, offset = window_field(model, window, guide.shape[2], guide.shape[3]).chunk(2, 1)
    return slope * guide + offset


def squares_mean(planes: Tensor, radius: int) -> Tensor:
    """[N, C, h, w] averaged over squares of 2·radius + 1 cells, of which only those within the grid count."""
    return functional.avg_pool2d(planes, 2 * radius + 1, stride=1, padding=radius, count_include_pad=False)
