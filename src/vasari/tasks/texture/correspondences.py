"""Each patch of a texture with the sample's nearest to it: what the optimization has arranged, made crisp again.

The two steps of Kwatra et al. 2005 (doi:10.1145/1073204.1073263, sections 3.1 and 3.2): find for every patch the
nearest one of the sample, then let every pixel be the weighted mean of what the patches over it say. Nearest patches
are searched as in PatchMatch (Barnes et al. 2009, doi:10.1145/1531326.1531330): what serves a neighbor, moved along,
may serve here, and so may a random one; all pixels at once, strip by strip, among the principal components of patches.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

COMPONENTS = 24
COVARIANCE_PATCHES = 16_384
JUMPS_PX = (4, 2, 1)
STRIP_PIXELS = 1 << 17


class Correspondences:
    """For every pixel of a texture the patch of the sample, `patch` px a side, whose upper left corner it takes.

    `rows` and `columns` [h, w] int32 are the patch's place; the texture wraps around.
    """

    def __init__(self, exemplar: Tensor, size: tuple[int, int], patch: int, generator: torch.Generator) -> None:
        self.exemplar, self.patch, self.generator = exemplar, patch, generator
        self.highest = (exemplar.shape[1] - patch, exemplar.shape[2] - patch)
        self.rows, self.columns = (
            torch.randint(0, highest + 1, size, generator=generator, dtype=torch.int32) for highest in self.highest
        )
        self.basis = principal_components(exemplar, patch, generator)
        self.known = functional.conv2d(exemplar[None], self.basis)[0].flatten(1).T.contiguous()

    def continue_from(self, coarse: Correspondences) -> None:
        """Begin with the places that a coarser scale found, enlarged."""
        places = []
        for dimension, (found, highest) in enumerate(zip((coarse.rows, coarse.columns), self.highest, strict=True)):
            size = (self.rows.shape[0], self.rows.shape[1])
            down, along = (torch.arange(new) * old // new for new, old in zip(size, coarse.rows.shape, strict=True))
            old, new = coarse.rows.shape[dimension], size[dimension]
            own = (down, along)[dimension]
            within = torch.arange(new) - -(-own * new // old)  # 0, 1 (, 2) inside a coarse pixel
            ratio = self.exemplar.shape[1 + dimension] / coarse.exemplar.shape[1 + dimension]
            enlarged = (found[down][:, along].float() * ratio).round_().to(torch.int32)
            enlarged += within.to(torch.int32)[:, None] if dimension == 0 else within.to(torch.int32)
            places.append(enlarged.clamp_(0, highest))
        self.rows, self.columns = places

    def search(self, texture: Tensor) -> None:
        """Find nearer patches for those of `texture` [C, h, w]: each jump asks four neighbors and one at random."""
        height, width = self.rows.shape
        step = max(1, STRIP_PIXELS // width)
        for top in range(0, height, step):
            bottom = min(top + step, height)
            around = texture[:, torch.arange(top, bottom + self.patch - 1) % height]
            strip = functional.pad(around[None], (0, self.patch - 1, 0, 0), mode="circular")
            here = functional.conv2d(strip, self.basis)[0].flatten(1).T.contiguous()
            best = self._cost(here, self.rows[top:bottom], self.columns[top:bottom])
            for jump in JUMPS_PX:
                for down, along in ((jump, 0), (-jump, 0), (0, jump), (0, -jump)):
                    lines = torch.arange(top + down, bottom + down) % height
                    rows = self.rows[lines].roll(-along, 1) - down
                    columns = self.columns[lines].roll(-along, 1) - along
                    self._take_better(here, best, (top, bottom), rows, columns)
                size = (bottom - top, width)
                drawn = [
                    torch.randint(0, highest + 1, size, generator=self.generator, dtype=torch.int32)
                    for highest in self.highest
                ]
                self._take_better(here, best, (top, bottom), *drawn)

    def blend(self, texture: Tensor) -> None:
        """Write into `texture` what the patches say, each weighing more in its middle."""
        height, width = self.rows.shape
        wide, flat = self.exemplar.shape[2], self.exemplar.flatten(1)
        anchors = self.rows * wide + self.columns
        middle = (self.patch - 1) / 2
        weight = torch.exp(-0.5 * ((torch.arange(self.patch) - middle) / (self.patch / 5)).square())
        weight /= weight.sum()
        step = max(1, STRIP_PIXELS // width)
        for top in range(0, height, step):
            bottom = min(top + step, height)
            total = torch.zeros_like(texture[:, top:bottom])
            for down in range(self.patch):
                lines = anchors[torch.arange(top - down, bottom - down) % height] + down * wide
                for along in range(self.patch):
                    places = (lines.roll(along, 1) + along).flatten()
                    said = flat.index_select(1, places).view_as(total)
                    total.add_(said, alpha=float(weight[down] * weight[along]))
            texture[:, top:bottom] = total

    def _take_better(self, here: Tensor, best: Tensor, strip: tuple[int, int], rows: Tensor, columns: Tensor) -> None:
        rows, columns = rows.clamp(0, self.highest[0]), columns.clamp(0, self.highest[1])
        cost = self._cost(here, rows, columns)
        better = cost < best
        best.copy_(torch.where(better, cost, best))
        inside = slice(*strip)
        mask = better.view(rows.shape)
        self.rows[inside] = torch.where(mask, rows, self.rows[inside])
        self.columns[inside] = torch.where(mask, columns, self.columns[inside])

    def _cost(self, here: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        places = (rows * (self.highest[1] + 1) + columns).flatten()
        return (self.known.index_select(0, places) - here).square_().sum(1)


def principal_components(exemplar: Tensor, patch: int, generator: torch.Generator) -> Tensor:
    """The first `COMPONENTS` principal directions of patches [C, h, w], as filters [K, C, patch, patch]."""
    views = exemplar.unfold(1, patch, 1).unfold(2, patch, 1)
    rows, columns = (torch.randint(0, views.shape[one], (COVARIANCE_PATCHES,), generator=generator) for one in (1, 2))
    patches = views[:, rows, columns].transpose(0, 1).reshape(COVARIANCE_PATCHES, -1).double()
    _, vectors = torch.linalg.eigh(torch.cov(patches.T))
    return vectors[:, -COMPONENTS:].T.float().reshape(-1, exemplar.shape[0], patch, patch).contiguous()
