"""What is minimized at one scale: content, style and grain of a picture, gathered tile by tile.

A tile's features are made again on the way back (`torch.utils.checkpoint`), so that memory holds one tile's, whatever
the picture's size; the statistics are those of the whole, and so is the gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from vasari.foundation.errors import PlanError
from vasari.foundation.tiles import Window, windows
from vasari.models.losses_translation import total_variation
from vasari.tasks.stylize.optimize.networks import GRID_PX, HALO_PX, Judge
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.statistics import PIXEL_FILTERS, GrainStatistic, Seen, Statistic, pixel_filters

RANGE_WEIGHT = 20.0
# Where a grid of strides of 2, 4, 8 and 16 pixels is laid: different in all of them, down and along.
PHASES = ((0, 0), (5, 15), (10, 5), (15, 10))
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class Region:
    """Where some styles act: guide [1, 1, h, w] in 0..1 or None for everywhere; styles [1, 3, h', w'] with shares."""

    guide: Tensor | None
    styles: tuple[tuple[Tensor, float], ...]
    share: float


class Levels:
    """Cuts a picture into tiles, and gives each tile's features without their halo: the pixel filters, then depths.

    `phase`: rows and columns left out above and left, so that the network's grid lies elsewhere; single pixels are the
    same then, and no place is given of them.
    """

    def __init__(self, judge: Judge, size: tuple[int, int], tile_px: int, phase: tuple[int, int] = (0, 0)) -> None:
        self._judge, self._phase = judge, phase
        self.strides = (1, *judge.strides)
        self.windows = list(windows(size[0] - phase[0], size[1] - phase[1], tile_px, HALO_PX, GRID_PX))

    def of(self, pixels: Tensor, window: Window) -> list[Tensor]:
        """The levels [C, n] of a tile of pixels [1, 3, height, width]; those of the whole, to rounding."""
        seen = self._cut(pixels, window)
        fine = seen.new_zeros(1, PIXEL_FILTERS, 0, 1) if any(self._phase) else pixel_filters(seen)
        found = [fine, *self._judge.features(seen)]
        return [_core(one, window, stride).flatten(1) for one, stride in zip(found, self.strides, strict=True)]

    def guides(self, guide: Tensor, window: Window) -> list[Tensor]:
        """A guide [1, 1, height, width] at each level of a tile: [n]."""
        seen = self._cut(guide, window)
        full = functional.pad(seen, (0, -seen.shape[3] % GRID_PX, 0, -seen.shape[2] % GRID_PX), mode="replicate")
        found = [functional.avg_pool2d(full, stride) for stride in self.strides]
        if any(self._phase):
            found[0] = found[0][:, :, :0]
        return [_core(one, window, stride).flatten() for one, stride in zip(found, self.strides, strict=True)]

    def _cut(self, planes: Tensor, window: Window) -> Tensor:
        """What the network is to see of a tile."""
        (down, along), area = self._phase, window.padded
        return planes[:, :, area.top + down : area.bottom + down, area.left + along : area.right + along]


def _core(features: Tensor, window: Window, stride: int) -> Tensor:
    """[C, rows, columns]: the features of the tile's core, which begins on the grid."""
    core, padded = window.core, window.padded
    top, left = (core.top - padded.top) // stride, (core.left - padded.left) // stride
    return features[0, :, top : top + -(-core.height // stride), left : left + -(-core.width // stride)]


class ScaleLosses:
    """The losses of pixels [1, 3, h, w] against a content of the same size and styles of any."""

    def __init__(
        self, judge: Judge, plan: OptimizePlan, content: Tensor, regions: Sequence[Region], statistic: Statistic
    ) -> None:
        self._plan, self._judge, self._regions = plan, judge, regions
        self._statistics = [GrainStatistic(), *[statistic] * len(judge.strides)]
        _check_weights(plan, judge)
        size = content.shape[2], content.shape[3]
        self._tiles = [
            (levels, window)
            for phase in PHASES[: plan.phases]
            for levels in [Levels(judge, size, plan.tile_px, phase)]
            for window in levels.windows
        ]
        self._guides = [
            None if one.guide is None else [levels.guides(one.guide, window) for levels, window in self._tiles]
            for one in regions
        ]
        nearest = min(range(len(judge.strides)), key=lambda depth: abs(judge.strides[depth] - plan.content_stride))
        self._content_level = 1 + nearest
        self._content, self._amounts = self._first_pass(content)
        self._content_size = sum(float(one.square().sum()) for one in self._content) + _TINY
        self._take_targets()

    def draw(self) -> None:
        """Draw anew what is random in the statistics, if anything is, and take the styles' by it."""
        if any(one.random for one in self._statistics):
            self._take_targets()

    def _take_targets(self) -> None:
        for one in self._statistics:
            one.draw()
        self._targets = [self._mixed(one) for one in self._regions]
        self._sizes = [[s.size(t) for s, t in zip(self._statistics, target, strict=True)] for target in self._targets]
        pairs = zip(self._regions, self._sizes, strict=True)
        self._style_size = sum(one.share * self._style_sum(sizes, sizes) for one, sizes in pairs) + _TINY

    def terms(self, pixels: Tensor) -> dict[str, Tensor]:
        """Each loss by name, unweighted: style and content in shares of what there is to come from."""
        sums = self._gathered(pixels)
        style, grain = pixels.new_zeros(()), pixels.new_zeros(())
        for region, one in enumerate(self._regions):
            levels = zip(self._statistics, sums[region], self._targets[region], strict=True)
            apart = [statistic.distance(made, target) for statistic, made, target in levels]
            grain = grain + one.share * apart[0] / self._sizes[region][0]
            style = style + one.share * self._style_sum(apart, self._sizes[region])
        over = functional.relu(pixels - 1).square() + functional.relu(-pixels).square()
        return {
            "style": style / self._style_size,
            "content": sums[-1][0] / self._content_size,
            "grain": grain,
            "variation": total_variation(pixels),
            "range": over.mean(),
        }

    def total(self, terms: dict[str, Tensor]) -> Tensor:
        """The weighted sum."""
        plan = self._plan
        weights = {
            "style": 1.0,
            "content": plan.content_weight,
            "grain": plan.grain_weight,
            "variation": plan.variation_weight,
            "range": RANGE_WEIGHT,
        }
        return torch.stack([weights[name] * value for name, value in terms.items()]).sum()

    def _gathered(self, pixels: Tensor) -> list[list[Tensor]]:
        """For each region the statistic of each level; last, the content's sum of squares."""
        parts: list[list[Tensor]] = []
        for index in range(len(self._tiles)):
            if len(self._tiles) > 1:
                parts.append(checkpoint(self._parts, pixels, index, use_reentrant=False, preserve_rng_state=False))
            else:
                parts.append(self._parts(pixels, index))
        found, depth = [], len(self._statistics)
        for region in range(len(self._regions)):
            found.append(
                [
                    one.joined([tile[region * depth + level] for tile in parts], self._amounts[region][level])
                    for level, one in enumerate(self._statistics)
                ]
            )
        return [*found, [torch.stack([tile[-1] for tile in parts]).sum()]]

    def _parts(self, pixels: Tensor, index: int) -> list[Tensor]:
        """The parts of one tile, region by region and level by level, and the square distance of its content."""
        levels = self._tiles[index][0].of(pixels, self._tiles[index][1])
        found = []
        for region, amounts in zip(self._guides, self._amounts, strict=True):
            for level, (statistic, features) in enumerate(zip(self._statistics, levels, strict=True)):
                statistic.expect(round(amounts[level]))
                found.append(statistic.part(Seen(features, None if region is None else region[index][level])))
        return [*found, (levels[self._content_level] - self._content[index]).square().sum()]

    @torch.no_grad()
    def _first_pass(self, content: Tensor) -> tuple[list[Tensor], list[list[float]]]:
        """The content's features in each tile, and for each region and level how many places count."""
        held: list[Tensor] = []
        amounts = [[0.0] * len(self._statistics) for _ in self._regions]
        for index, (cut, window) in enumerate(self._tiles):
            levels = cut.of(content, window)
            held.append(levels[self._content_level].clone())
            for region, guides in enumerate(self._guides):
                for level, features in enumerate(levels):
                    seen = Seen(features, None if guides is None else guides[index][level])
                    amounts[region][level] += float(seen.amount)
        return held, amounts

    def _mixed(self, region: Region) -> list[Tensor]:
        """The target of each level: the styles', mixed by their shares."""
        whole = sum(share for _, share in region.styles)
        mixed: list[Tensor] = []
        for pixels, share in region.styles:
            found = self._of_style(pixels)
            mixed = [share / whole * one + (mixed[level] if mixed else 0.0) for level, one in enumerate(found)]
        return mixed

    @torch.no_grad()
    def _of_style(self, pixels: Tensor) -> list[Tensor]:
        """The target of each level of one style picture [1, 3, h, w]."""
        levels = Levels(self._judge, (pixels.shape[2], pixels.shape[3]), self._plan.tile_px)
        parts: list[list[Tensor]] = [[] for _ in self._statistics]
        amounts = [0.0] * len(self._statistics)
        places = [pixels.shape[2] * pixels.shape[3] // stride**2 for stride in levels.strides]
        for window in levels.windows:
            for level, features in enumerate(levels.of(pixels, window)):
                seen = Seen(features, None)
                self._statistics[level].expect(places[level])
                parts[level].append(self._statistics[level].part(seen))
                amounts[level] += float(seen.amount)
        joined = zip(self._statistics, parts, amounts, strict=True)
        return [statistic.target(statistic.joined(part, amount)) for statistic, part, amount in joined]

    def _style_sum(self, apart: Sequence[Any], sizes: Sequence[float]) -> Any:
        """Σ w_l E_l over depths (Gatys et al. 2016, eq. 5), of numbers or tensors; the first of them is the grain's.

        Where the plan gives no w_l they are the reciprocals of the targets' sizes: all depths count alike.
        """
        weights = self._plan.depth_weights or [1 / size for size in sizes[1:]]
        return sum(weight * one for weight, one in zip(weights, apart[1:], strict=True))


def _check_weights(plan: OptimizePlan, judge: Judge) -> None:
    """Raise `PlanError` where a plan has weights for more or fewer depths."""
    depths = len(judge.strides)
    if plan.depth_weights and len(plan.depth_weights) != depths:
        raise PlanError(
            f"Got {len(plan.depth_weights)} depth_weights; {judge.name} has {depths} depths.",
            remedy=f"give {depths}, or none",
        )
