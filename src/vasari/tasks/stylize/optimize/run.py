"""Optimize the pixels of a picture until a network sees the style in them: coarse to fine, stopped at any time.

Gatys et al. 2016 (doi:10.1109/CVPR.2016.265); coarse to fine as Gatys et al. 2017 (arXiv:1611.07865, section 6). A
style is a statistic of features (`statistics`), losses are those of `losses`, gathered in tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.stylize.optimize.descent import Descent, Stop
from vasari.tasks.stylize.optimize.losses import Region, ScaleLosses
from vasari.tasks.stylize.optimize.networks import Judge, features_for
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.statistics import STATISTICS, Statistic

__all__ = ["Optimized", "Progress", "Stop", "optimize", "scales"]

SMALLEST_PX = 32
MARGIN_PX = 16  # no less than any of `losses.PHASES`
_NOISE = 0.1


@dataclass(frozen=True, eq=False)
class Progress:
    """Told after every evaluation: `step` of `steps` at `scale` of `scales` (from 1), the share 0..1 of all work done.

    `pixels` [3, h, w] in 0..1 are those of this scale (a copy); `losses` the terms, unweighted, and their "total".
    """

    step: int
    steps: int
    scale: int
    scales: int
    share: float
    pixels: Tensor
    losses: Mapping[str, float]


Watch = Callable[[Progress], bool | None]


@dataclass(frozen=True, eq=False)
class Optimized:
    """`pixels` [3, h, w] in 0..1, the best found; its `losses`, those of each scale's evaluations in `curve`.

    `steps` evaluations were made; `network` and `digest` (SHA-256) say by which network; `stopped` that it was ended
    before its time.
    """

    pixels: Tensor
    losses: Mapping[str, float]
    steps: int
    network: str
    digest: str
    stopped: bool
    curve: tuple[tuple[float, ...], ...] = field(repr=False, default=())


def optimize(
    content: Tensor,
    styles: Sequence[tuple[Tensor, float]],
    plan: OptimizePlan,
    *,
    masks: Sequence[Tensor | None] | None = None,
    judge: Judge | None = None,
    watch: Watch | None = None,
) -> Optimized:
    """The content in the manner of the styles, of the content's size.

    content [3, h, w] and styles ([3, h', w'], weight above 0) in sRGB 0..1, sides of 32 px or more. `masks`, one a
    style: [1, h, w] in 0..1, where that style acts, or None for wherever no mask is. `judge` is a network at hand in
    place of the plan's. `watch` sees every evaluation, and ends it by returning True or by raising `Stop`: the best so
    far comes back. Equal arguments give equal results on one machine. Raises `PictureError`, `PlanError`,
    `WeightsError`.
    """
    _check(content, styles, masks)
    judge = features_for(plan) if judge is None else judge
    device = next(judge.network.parameters()).device
    generator = torch.Generator().manual_seed(plan.seed)
    statistic = STATISTICS[plan.loss](plan.normalization, generator)
    studio = _Studio(content[None].to(device), [(one[None], share) for one, share in styles], masks, plan, judge)
    course = _Course.of(content.shape[1], content.shape[2], plan, watch)
    pixels = studio.first(course.sizes[0], generator)
    losses: Mapping[str, float] = {}
    curve: list[tuple[float, ...]] = []
    stopped = False
    for level, size in enumerate(course.sizes):
        pixels = pixels if level == 0 else resized(smoothed(pixels), size)
        descent = Descent(studio.losses(size, statistic), margined(pixels), plan, course.teller(level))
        stopped = descent.run(course.steps[level])
        pixels, losses = trimmed(descent.best), descent.best_terms
        curve.append(tuple(descent.curve))
        if stopped:
            break
    result = resized(pixels, course.sizes[-1]).clamp(0, 1)[0].cpu()
    count = sum(len(one) for one in curve)
    return Optimized(result, losses, count, judge.name, judge.digest, stopped, tuple(curve))


@dataclass(frozen=True)
class _Course:
    """The scales from coarse to fine, the steps at each, and who watches."""

    sizes: Sequence[tuple[int, int]]
    steps: Sequence[int]
    watch: Watch | None

    @classmethod
    def of(cls, height: int, width: int, plan: OptimizePlan, watch: Watch | None) -> _Course:
        sizes = scales(height, width, plan.coarsest_px)
        return cls(sizes, [max(1, round(plan.steps * plan.finer_share**level)) for level in range(len(sizes))], watch)

    def teller(self, level: int) -> Callable[[int, Tensor, Mapping[str, float]], bool | None]:
        """What tells the watcher of every evaluation at a scale."""

        def tell(step: int, now: Tensor, terms: Mapping[str, float]) -> bool | None:
            if self.watch is None:
                return None
            shown = trimmed(now).clamp(0, 1)[0].cpu()
            share = self._share(level, step)
            return self.watch(Progress(step, self.steps[level], level + 1, len(self.sizes), share, shown, terms))

        return tell

    def _share(self, level: int, step: int) -> float:
        """The share of all work that is done after a step; a step's work is its number of pixels."""
        work = [count * height * width for count, (height, width) in zip(self.steps, self.sizes, strict=True)]
        return (sum(work[:level]) + work[level] * step / self.steps[level]) / sum(work)


def scales(height: int, width: int, coarsest_px: int) -> list[tuple[int, int]]:
    """(rows, columns) from coarse to the whole, doubling; the first has a long side of about `coarsest_px`.

    No side falls below 32 px.
    """
    halvings = max(0, round(torch.log2(torch.tensor(max(height, width) / coarsest_px)).item()))
    while halvings and min(height, width) / 2**halvings < SMALLEST_PX:
        halvings -= 1
    return [(round(height / 2**power), round(width / 2**power)) for power in range(halvings, -1, -1)]


def resized(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """[1, C, h, w] brought to a size by cubic convolution, antialiased."""
    if tuple(pixels.shape[2:]) == size:
        return pixels
    return functional.interpolate(pixels, size, mode="bicubic", antialias=True)


def smoothed(pixels: Tensor) -> Tensor:
    """[1, C, h, w] under 1 2 1 each way: enlarged, single pixels would be squares that stay."""
    channels = pixels.shape[1]
    taps = torch.tensor([0.25, 0.5, 0.25], device=pixels.device).repeat(channels, 1, 1, 1)
    wide = functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
    return functional.conv2d(functional.conv2d(wide, taps, groups=channels), taps.mT, groups=channels)


def margined(pixels: Tensor) -> Tensor:
    """[1, C, h, w] with `MARGIN_PX` on each side, mirrored: borders, where networks pad, are cut off in the end."""
    return functional.pad(pixels, (MARGIN_PX,) * 4, mode="reflect")


def trimmed(pixels: Tensor) -> Tensor:
    """[1, C, h, w] without the margin."""
    return pixels[:, :, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].contiguous()


class _Studio:
    """Content, styles and masks, and what each scale needs of them."""

    def __init__(
        self,
        content: Tensor,
        styles: Sequence[tuple[Tensor, float]],
        masks: Sequence[Tensor | None] | None,
        plan: OptimizePlan,
        judge: Judge,
    ) -> None:
        self._content, self._styles, self._plan, self._judge = content, styles, plan, judge
        self._guides = _guides(masks, len(styles))

    def first(self, size: tuple[int, int], generator: torch.Generator) -> Tensor:
        """What it begins with: the content, or noise about the middle grey."""
        if self._plan.start == "content":
            return resized(self._content, size)
        return (0.5 + _NOISE * torch.randn(1, 3, *size, generator=generator)).to(self._content.device)

    def losses(self, size: tuple[int, int], statistic: Statistic) -> ScaleLosses:
        """The losses at one scale."""
        device = self._content.device
        regions = []
        for guide, members in self._guides:
            there = None if guide is None else margined(resized(guide.to(device), size).clamp(0, 1))
            styles = tuple((self._style(self._styles[index][0], size), self._styles[index][1]) for index in members)
            regions.append(Region(there, styles, 1.0 if there is None else float(there.mean())))
        content = margined(resized(self._content, size).clamp(0, 1))
        return ScaleLosses(self._judge, self._plan, content, regions, statistic)

    def _style(self, pixels: Tensor, size: tuple[int, int]) -> Tensor:
        """A style of the picture's area times `style_scale`², but never enlarged, nor below 32 px."""
        height, width = pixels.shape[2:]
        factor = min(1.0, self._plan.style_scale * (size[0] * size[1] / (height * width)) ** 0.5)
        factor = max(factor, SMALLEST_PX / min(height, width))
        wanted = round(height * factor), round(width * factor)
        return resized(pixels.to(self._content.device), wanted).clamp(0, 1)


def _guides(masks: Sequence[Tensor | None] | None, count: int) -> list[tuple[Tensor | None, list[int]]]:
    """(guide [1, 1, h, w] or None, the styles that act there): each mask alone, the rest for styles without one."""
    if masks is None or all(one is None for one in masks):
        return [(None, list(range(count)))]
    found: list[tuple[Tensor | None, list[int]]] = [
        (mask[None].float(), [index]) for index, mask in enumerate(masks) if mask is not None
    ]
    free = [index for index, mask in enumerate(masks) if mask is None]
    if free:
        covered = torch.stack([guide for guide, _ in found if guide is not None]).sum(0)
        found.append(((1 - covered).clamp(0, 1), free))
    return [(guide, members) for guide, members in found if guide is not None and float(guide.sum()) > 0]


def _check(content: Tensor, styles: Sequence[tuple[Tensor, float]], masks: Sequence[Tensor | None] | None) -> None:
    """Raise `PictureError` or `PlanError` where the arguments cannot be worked with."""
    if not styles or any(not share > 0 for _, share in styles):
        raise PlanError("An optimization needs one style or more, with weights above 0.", remedy="name a style")
    for name, pixels in (("content", content), *((f"style {n + 1}", one) for n, (one, _) in enumerate(styles))):
        if pixels.ndim != 3 or pixels.shape[0] != 3:
            raise PictureError(f"The {name} has the shape {tuple(pixels.shape)}.", remedy="give [3, rows, columns]")
        if min(pixels.shape[1:]) < SMALLEST_PX:
            raise PictureError(
                f"The {name} is {pixels.shape[2]}×{pixels.shape[1]}; its sides must be {SMALLEST_PX} px or more.",
                remedy="use a larger picture, or --method fast",
            )
    if masks is None:
        return
    if len(masks) != len(styles):
        raise PlanError(f"Got {len(masks)} masks for {len(styles)} styles.", remedy="give one a style, or None")
    for mask in masks:
        if mask is not None and tuple(mask.shape) != (1, *content.shape[1:]):
            raise PictureError(
                f"A mask is {tuple(mask.shape)}, and the content {tuple(content.shape)}.",
                remedy="give masks [1, rows, columns] of the content's size",
            )
    if all(mask is not None and not bool((mask > 0).any()) for mask in masks):
        raise PictureError("All masks are empty.", remedy="paint white where a style is to act")
