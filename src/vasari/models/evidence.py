"""What a picture at full size tells of its age, and a thumbnail does not: grain, dust, sharpness, clipping, borders.

An old print that has faded and a new photograph of soft light can have the same colors. They do not have
the same noise, nor specks that are whiter than their whites.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.losses import luma

EVIDENCE = 103  # numbers that describe a picture
_SMALLEST_PX = 48
_SCALES = 3
_ZONES = 3  # of lightness: noise in shadows is not noise in lights
_SPECKS = (0.06, 0.18)  # how much lighter or darker than its surroundings a speck is, of the range
_EXTREMES = (0.0001, 0.001, 0.01)  # shares of the order, from black and from white
_NEXT_TO_NOTHING = 1e-3


@torch.no_grad()
def evidence(pictures: Tensor) -> Tensor:
    """[N, 3, h, w] in 0..1 sRGB -> [N, 103], float32.

    At three scales, each half of the one before: robust noise by zone of lightness, energy of edges, tails,
    and correlation of the channels' details. Then specks and their colors, extreme quantiles, clipping,
    and how borders and corners differ from the rest. Shares and deviations are logarithms.
    """
    return torch.stack([_of_one(one.float()) for one in pictures])


def _of_one(picture: Tensor) -> Tensor:
    height, width = picture.shape[1:]
    missing = (0, max(0, _SMALLEST_PX - width), 0, max(0, _SMALLEST_PX - height))
    if any(missing):
        picture = functional.pad(picture[None], missing, mode="replicate")[0]
    found, scaled = [], picture
    for _ in range(_SCALES):
        details, scaled = _details(scaled)
        found.append(details)
    half = functional.avg_pool2d(picture, 2)
    return torch.cat([*found, _specks(picture), _speck_shares(half)[0], _extremes(picture), _borders(picture)])


def _haar(planes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """[c, h, w] -> means, horizontal, vertical and diagonal details of 2×2 blocks, each [c, h/2, w/2]."""
    height, width = planes.shape[1] // 2 * 2, planes.shape[2] // 2 * 2
    a, b = planes[:, 0:height:2, 0:width:2], planes[:, 0:height:2, 1:width:2]
    c, d = planes[:, 1:height:2, 0:width:2], planes[:, 1:height:2, 1:width:2]
    return (a + b + c + d) / 4, (a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2


def _details(picture: Tensor) -> tuple[Tensor, Tensor]:
    """[3, h, w] -> what one scale tells [16], and the picture at half the size."""
    opponent = torch.stack([luma(picture[None])[0, 0], picture[0] - picture[1], picture[2] - picture[1]])
    means, horizontal, vertical, diagonal = _haar(opponent)
    noise = diagonal.abs().flatten(1)
    order = means[0].flatten().argsort()
    zones = [noise[:, part].median(1).values / 0.6745 for part in order[: len(order) // _ZONES * _ZONES].chunk(_ZONES)]
    edges = (horizontal.abs().mean((1, 2)) + vertical.abs().mean((1, 2))) / 2
    middle, tail, end = _quantiles(noise[0], (0.5, 0.95, 0.995)) + _NEXT_TO_NOTHING
    smaller, _, _, grain = _haar(picture)
    centered = grain.flatten(1) - grain.mean((1, 2))[:, None]
    spread = centered.square().mean(1).sqrt() + _NEXT_TO_NOTHING
    # A mean by channel, not of one: torch cuts the sum over a single one by threads, and rounds otherwise with others.
    together = ((centered * centered[1]).mean(1) / (spread * spread[1]))[[0, 2]]
    logs = torch.log(torch.cat([*zones, edges]) + _NEXT_TO_NOTHING)
    return torch.cat([logs, torch.stack([(tail / middle).log(), (end / middle).log(), *together])]), smaller


def _speck_shares(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Shares of light and dark specks [4], and how far each pixel stands out of its surroundings [h, w]."""
    lightness = luma(picture[None])[0]
    around = functional.pad(lightness[None], (2, 2, 2, 2), mode="reflect")[0, 0]
    rows, columns = lightness.shape[1:]
    a, b, c, d = (around[i : i + rows, j : j + columns] for i in (0, 4) for j in (0, 4))
    lower, upper = torch.minimum(a, b), torch.maximum(a, b)
    first, last = torch.minimum(lower, torch.minimum(c, d)), torch.maximum(upper, torch.maximum(c, d))
    apart = lightness[0] - (a + b + c + d - first - last) / 2  # the mean of the middle two
    shares = [(sign * apart > least).float().mean() for least in _SPECKS for sign in (1, -1)]
    return torch.log(torch.stack(shares) + 1e-5), apart


def _specks(picture: Tensor) -> Tensor:
    """Shares of specks, the mean color of the one pixel in 500 that stands out most, and how far it does [12]."""
    shares, apart = _speck_shares(picture)
    flat, colors = apart.flatten(), picture.flatten(1)
    count = max(8, len(flat) // 500)
    light, dark = flat.topk(count), (-flat).topk(count)
    out = torch.stack([light.values.mean(), dark.values.mean()])
    return torch.cat([shares, colors[:, light.indices].mean(1), colors[:, dark.indices].mean(1), out])


def _extremes(picture: Tensor) -> Tensor:
    """Quantiles near black and white by channel, and the logarithm of the clipped shares [24]."""
    flat = picture.flatten(1)
    count = flat.shape[1]
    ranks = [min(count - 1, round(share * count)) for share in _EXTREMES]
    lowest = flat.topk(ranks[-1] + 1, dim=1, largest=False).values[:, ranks]
    highest = flat.topk(ranks[-1] + 1, dim=1).values[:, ranks]
    clipped = [(picture >= 0.995).float().mean((1, 2)), (picture <= 0.005).float().mean((1, 2))]
    return torch.cat([lowest.flatten(), highest.flatten(), torch.log(torch.cat(clipped) + 1e-4)])


def _borders(picture: Tensor) -> Tensor:
    """How far the border's mean color is from the rest, and those of the corners in order of lightness [15]."""
    height, width = picture.shape[1:]
    edge = max(2, int(0.05 * min(height, width)))
    inner = picture[:, edge:-edge, edge:-edge]
    ring = (picture.sum((1, 2)) - inner.sum((1, 2))) / (height * width - inner[0].numel())
    wide = 2 * edge
    corners = [picture[:, rows, columns].mean((1, 2)) for rows in _ends(wide) for columns in _ends(wide)]
    return torch.cat([ring - inner.mean((1, 2)), torch.stack(corners).sort(0).values.flatten()])


def _ends(width: int) -> tuple[slice, slice]:
    return slice(None, width), slice(-width, None)


def _quantiles(values: Tensor, shares: Sequence[float]) -> Tensor:
    """[n] -> the values at `shares` of the order; by `kthvalue`, since sorting all takes longer than all the rest."""
    return torch.stack([values.kthvalue(1 + round(share * (len(values) - 1))).values for share in shares])
