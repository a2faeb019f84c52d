"""Whether a generator's samples are nearer to its training pictures than pictures that it never saw: pure functions.

A generator that has learned pictures by heart gives them back; no score of its samples as a set tells that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.tasks.set_metrics import nearest

SEEN_PX = 128
CELLS = 4
AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Nearest:
    """Of n samples the k nearest training pictures: indices and distances [n, k], and whether mirrored."""

    indices: Tensor
    distances: Tensor
    mirrored: Tensor


@dataclass(frozen=True)
class CopyTest:
    """Samples against held-out pictures, by how far each is from its nearest training picture.

    `share`: how often a sample is nearer than a held-out picture: 0.5 where both are as far, 1 for copies; `z` its
    deviation from 0.5 in standard errors, `p` one-sided that so many are nearer by chance. Medians are distances.
    """

    share: float
    z: float
    p: float
    median_samples: float
    median_held_out: float
    samples: int
    held_out: int


@torch.inference_mode()
def described(network: nn.Module, pictures: Tensor) -> Tensor:
    """uint8 [n, 3, h, w] -> [n, c·16]: the network's deepest map in 4×4 places, of pictures brought to 128 px."""
    found = []
    for part in (one.float() / 255 for one in pictures.split(AT_ONCE)):
        if part.shape[2:] != (SEEN_PX, SEEN_PX):
            part = functional.interpolate(part, (SEEN_PX, SEEN_PX), mode="bilinear", antialias=True)
        found.append(functional.adaptive_avg_pool2d(network(part.clamp(0, 1))[-1].float(), CELLS).flatten(1))
    return torch.cat(found).clone()


def nearest_of(samples: Tensor, mirrored: Tensor, training: Tensor, neighbors: int) -> Nearest:
    """The nearest training pictures of samples [n, d], seen as they are or mirrored (both of what `described` gives).

    Training mirrors pictures, so a copy may come mirrored.
    """
    count = min(neighbors, len(training))
    plain, turned = nearest(samples, training, count), nearest(mirrored, training, count)
    distances = torch.cat([plain[1], turned[1]], 1)
    indices = torch.cat([plain[0], turned[0]], 1)
    is_turned = torch.cat([torch.zeros_like(plain[0]), torch.ones_like(turned[0])], 1).bool()
    order = distances.argsort(dim=1, stable=True)
    chosen = torch.tensor([_different(row, count) for row in indices.gather(1, order).tolist()])
    order = order.gather(1, chosen)
    return Nearest(indices.gather(1, order), distances.gather(1, order), is_turned.gather(1, order))


def _different(ranked: list[int], count: int) -> list[int]:
    """The places of the first `count` different pictures."""
    return [place for place, one in enumerate(ranked) if one not in ranked[:place]][:count]


def copy_test(samples: Tensor, held_out: Tensor) -> CopyTest:
    """Are samples' distances [n] smaller than those of held-out pictures [m]? Mann and Whitney's test.

    As Meehan et al. 2020 (arXiv:2004.05675, section 3) test for data copying, over the whole space at once. The normal
    approximation with ties; 8 or more of each. A small p says that the generator keeps to its training pictures; a
    large one does not say that it never does.
    """
    ours, theirs = samples.double().numpy(), held_out.double().numpy()
    n, m = len(ours), len(theirs)
    nearer = (theirs[None] > ours[:, None]).sum() + 0.5 * (theirs[None] == ours[:, None]).sum()
    ties = np.unique(np.concatenate([ours, theirs]), return_counts=True)[1]
    every = n + m
    spread = math.sqrt(n * m / 12 * (every + 1 - float((ties**3 - ties).sum()) / (every * (every - 1))))
    z = (float(nearer) - n * m / 2) / spread if spread > 0 else 0.0
    p = math.erfc(z / math.sqrt(2)) / 2
    return CopyTest(float(nearer) / (n * m), z, p, float(np.median(ours)), float(np.median(theirs)), n, m)
