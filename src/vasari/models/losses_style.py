"""Losses of style transfer: how far features of one picture are from the content or the style of another.

All work on one depth of a feature network; a total is the sum over depths. They are computed in float32, within
autocast too: a Gram matrix sums tens of thousands of products.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.errors import PlanError

_TINY = 1e-12

NORMALIZATIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {
        "gatys": lambda squares, target: squares.sum((1, 2)) / (4 * squares.shape[1] ** 2),
        "elements": lambda squares, target: squares.mean((1, 2)),
        "relative": lambda squares, target: squares.sum((1, 2)) / (target.square().sum((1, 2)) + _TINY),
    }
)
"""How squares of differences of Gram matrices, [N, C, C], become one number a picture, [N].

gatys: 1/(4 N² M²) Σ of the plain matrices (Gatys et al. 2016, doi:10.1109/CVPR.2016.265, eq. 4), N channels and M
places: with `gram`, which is divided by M, what is left is 1/(4 N²). elements: the mean, which is Johnson et al. 2016
(arXiv:1603.08155, eq. 3 and 4: matrices divided by C h w, and the squared Frobenius norm). relative: Σ over that of the
target's squares, so that all depths of all networks count alike, whatever the size of their features.
"""


def gram(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """The Gram matrix of channels, divided by the number of places: [N, C, h, w] -> [N, C, C] float32.

    G_ij = Σ_k F_ik F_jk / M (Gatys et al. 2016, eq. 3, where M stands in eq. 4): pictures of different sizes compare.
    With `guide` [N, 1, h, w], 0..1, only what it shows counts: F is multiplied by it, and M becomes the sum of its
    squares (Gatys et al. 2017, arXiv:1611.07865, eq. 4 and 5).
    """
    with torch.autocast(features.device.type, enabled=False):
        if guide is None:
            flat = features.float().flatten(2)
            return flat @ flat.mT / flat.shape[2]
        seen = guide.float()
        flat = (features.float() * seen).flatten(2)
        return flat @ flat.mT / (seen.square().sum((2, 3)) + _TINY)[:, :, None]


def matrix_distance(made: Tensor, target: Tensor, normalization: str = "gatys") -> Tensor:
    """Mean over pictures of the squared distance of Gram matrices: [N, C, C], [N or 1, C, C] -> scalar.

    `normalization` is one of `NORMALIZATIONS`; raises `PlanError` for another.
    """
    if normalization not in NORMALIZATIONS:
        raise PlanError(
            f"There is no normalization {normalization!r} of Gram matrices.",
            remedy=f"choose from: {', '.join(NORMALIZATIONS)}",
        )
    target = target.float()
    return NORMALIZATIONS[normalization]((made.float() - target).square(), target).mean()


def content_distance(made: Tensor, content: Tensor, relative: bool = False) -> Tensor:
    """Mean square difference of features, two of [N, C, h, w] -> scalar; `relative` to the content's mean square.

    Gatys et al. 2016, eq. 1, a mean in the place of half the sum: the size of the picture does not change it.
    """
    truth = content.float()
    squares = (made.float() - truth).square().mean((1, 2, 3))
    return (squares / (truth.square().mean((1, 2, 3)) + _TINY) if relative else squares).mean()


def at_ranks(ordered: np.ndarray, count: int) -> np.ndarray:
    """Sorted values [K, n] read at `count` evenly spaced ranks, between neighbors by a line: [K, count] float64."""
    if ordered.shape[1] == count:
        return ordered
    ranks, given = ((np.arange(one) + 0.5) / one for one in (count, ordered.shape[1]))
    return np.stack([np.interp(ranks, given, one) for one in ordered])


def unit_directions(count: int, size: int, generator: torch.Generator) -> Tensor:
    """`count` directions of length 1 in `size` dimensions, evenly distributed: [count, size] float32."""
    directions = torch.randn(count, size, generator=generator)
    directions /= directions.norm(dim=1, keepdim=True)
    return directions
