"""The hand that optimizes: minutes for a picture, which can be watched, and ended with the best so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.picture import Picture
from vasari.tasks.stylize.coding import saved_code, within
from vasari.tasks.stylize.color_keeping import matched_colors
from vasari.tasks.stylize.optimize.networks import Judge, features_for
from vasari.tasks.stylize.optimize.plan import OptimizePlan
from vasari.tasks.stylize.optimize.run import Progress, optimize
from vasari.tasks.stylize.palette import Weighted, weights_of
from vasari.tasks.stylize.regions import Regions
from vasari.tasks.stylize.styles import refuse_code
from vasari.tasks.stylize.stylize_plan import StylizePlan
from vasari.tasks.translate.apply import enlarged

# Style pictures are read at up to this long side.
MOST_STYLE_PX = 4096
# At least so many seconds lie between two pictures that are written on the way.
BETWEEN_PICTURES_S = 5.0
WHOLE = ((0.0, 0.0, 1.0, 1.0),)

Tell = Callable[[Progress], bool | None]


@dataclass(frozen=True, eq=False)
class OptimizingHand:
    """The pixels themselves are optimized, at a working size; `tell` sees every evaluation, and may end it."""

    plan: OptimizePlan
    judge: Judge
    styles: tuple[tuple[Tensor, float], ...]
    regions: Regions
    matched: bool
    share: float
    tell: Tell | None = None

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted], regions: Regions, working_px: int) -> OptimizingHand:
        """Load the feature network and read the styles; raises `PlanError` where one is a code, `WeightsError`."""
        weights = weights_of(given, len(regions.masks))
        if any(saved_code(source) is not None for source, _ in given):
            refuse_code(plan)
        asked = plan.optimizing
        long_side = min(MOST_STYLE_PX, round(2 * working_px * max(1.0, plan.style_scale)))
        pictures = [within(source, long_side) for source, _ in given]
        styles = tuple((one, weight) for one, weight in zip(pictures, weights, strict=True) if weight > 0)
        return cls(asked, features_for(asked), styles, regions, plan.keep_color == "histogram", plan.strength)

    @property
    def halo(self) -> int:
        """None is needed: what was optimized is enlarged."""
        return 0

    @property
    def multiple_of(self) -> int:
        """Any size will do."""
        return 1

    def look(self, pixels: Tensor) -> Any:
        """Not to be done in tiles."""
        raise PlanError("Optimizing works at a working size.", remedy="use --working-px 1024")

    def paint(self, pixels: Tensor, seen: Any, window: Tensor) -> tuple[Tensor, ...]:
        """Not to be done in tiles."""
        return self.look(pixels)

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """The picture [1, 3, h, w] optimized, all regions in one; raises `PictureError` for sides below 32 px."""
        # The caller needs no gradients and has switched them off for good; tensors of its mode can have none.
        with torch.inference_mode(False), torch.enable_grad():
            content = pixels[0].clone()
            height, width = content.shape[1:]
            whole = torch.tensor(WHOLE)
            masks = [enlarged(one.plane.clone(), whole, height, width)[0].clamp(0, 1) for one in self.regions.masks]
            styles = [(matched_colors(one, content) if self.matched else one, share) for one, share in self.styles]
            found = optimize(content, styles, self.plan, masks=masks or None, judge=self.judge, watch=self.tell)
        return (found.pixels[None],)


@dataclass(frozen=True)
class Onlooker:
    """Who watches optimizations: `enough` is asked after each evaluation, and True keeps the best so far.

    `folder`: where pictures on the way are written, NAME.progress.jpg, each over the one before; None for nowhere.
    """

    enough: Callable[[], bool] = lambda: False
    folder: Path | None = None


NOBODY = Onlooker()


class Sitting:
    """One picture being optimized: tells how far it is, shows it, and counts for the record."""

    def __init__(self, onlooker: Onlooker, name: str, advance: Callable[[float], None]) -> None:
        self._onlooker, self._name, self._advance = onlooker, name, advance
        self._shown = 0.0
        self._numbers: dict[str, float] = {}

    @property
    def numbers(self) -> Mapping[str, float]:
        """Evaluations made, the last loss, and whether it was ended before its time (1) or not (0)."""
        return self._numbers

    def watched(self, hand: OptimizingHand) -> OptimizingHand:
        """The hand, watched."""
        return replace(hand, tell=self.tell)

    def tell(self, progress: Progress) -> bool:
        """See an evaluation; True ends it."""
        self._advance(progress.share)
        last = progress.step == progress.steps
        if self._onlooker.folder is not None and (last or time.monotonic() - self._shown > BETWEEN_PICTURES_S):
            self._shown = time.monotonic()
            path = self._onlooker.folder / f"{self._name}.progress.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            image_files.write(Picture(progress.pixels), path)
        enough = self._onlooker.enough()
        done = self._numbers.get("evaluations", 0.0) + 1
        self._numbers = {"evaluations": done, "loss": progress.losses["total"], "ended_early": float(enough)}
        return enough
