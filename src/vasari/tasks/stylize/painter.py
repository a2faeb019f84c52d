"""A plan made ready to stylize pictures: the hand that paints, the working size, the masks, the colors that stay.

painter = Painter.of(plan)
painter.fit(height, width)
survey = painter.survey(thumbnail)
treated = painter.treat(pixels, survey, window)
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.errors import PlanError
from vasari.tasks.batch.streams import Manner, Treated, untouched
from vasari.tasks.stylize.color_keeping import with_lightness
from vasari.tasks.stylize.hands import Hand, StyleHand, TranslatingHand
from vasari.tasks.stylize.optimizing import OptimizingHand
from vasari.tasks.stylize.palette import Weighted
from vasari.tasks.stylize.photographic import DevelopingHand
from vasari.tasks.stylize.regions import Mask, Regions
from vasari.tasks.stylize.stylize_plan import DETAIL, OPTIMIZE, WORKING_PX, StylizePlan
from vasari.tasks.translate.apply import enlarged

# Where every pixel is painted as it is, the statistics of the whole come from a thumbnail of this long side.
SURVEY_PX = 768


@dataclass(frozen=True, eq=False)
class Sketch:
    """What the survey of a picture gave: at a working size the layers that are enlarged, one a region; else `seen`."""

    seen: Any = None
    layers: tuple[Tensor, ...] = ()


@dataclass(frozen=True, eq=False)
class Painter:
    """A hand with all that a plan says around it; a `Treater`, safe to share between threads.

    `working_px` is the long side at which the hand sees a picture, 0 where it sees every pixel; `detail` the share of
    finer detail that is laid over. One tile is painted at a time (a lock), with all cores.
    """

    plan: StylizePlan
    hand: Hand
    working_px: int
    detail: float
    regions: Regions
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted] | None = None, regions: Regions | None = None) -> Painter:
        """Load what a plan names; `given` and `regions` in the place of its styles and masks.

        Raises `WeightsError`, `PlanError` (no such style or device), `PictureError`.
        """
        regions = Regions(tuple(Mask.of(one) for one in plan.mask)) if regions is None else regions
        given = plan.weighted if given is None else given
        if plan.translates:
            if given or len(regions.masks) > 1:
                raise PlanError(
                    f"The translator {plan.method} has learned its one style, and takes no other.",
                    remedy="leave the style out, and all masks but one",
                )
            translating, working_px = TranslatingHand.of(plan)
            return cls(plan, translating, working_px, 1.0 if plan.detail is None else plan.detail, regions)
        working_px = WORKING_PX if plan.working_px is None else plan.working_px
        hand: Hand
        if plan.photographic:
            return cls(plan, DevelopingHand.of(plan, given, len(regions.masks)), 0, 0.0, regions)
        if plan.method == OPTIMIZE:
            hand = OptimizingHand.of(plan, given, regions, working_px)
        else:
            hand = StyleHand.of(plan, given, len(regions.masks))
        return cls(plan, hand, working_px, DETAIL if plan.detail is None else plan.detail, regions)

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return 0 if self.working_px else self.hand.halo

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return 1 if self.working_px else self.hand.multiple_of

    @property
    def manner(self) -> Manner:
        """How pictures are gone through."""
        plan = self.plan
        thumbnail_px = self.working_px or SURVEY_PX
        return Manner(thumbnail_px, plan.tile_px, plan.format, plan.quality, colors_grey=plan.colors_grey)

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        device = choose_device("cpu" if self.plan.photographic else self.plan.device)
        precision = "float32" if self.plan.in_float32 else self.plan.precision
        return machine_of(device, choose_precision(precision, device))

    def fit(self, height: int, width: int) -> None:
        """Raise `PlanError` where the masks do not fit a picture of this size in pixels."""
        self.regions.check(height, width)

    @torch.inference_mode()
    def survey(self, thumbnail: Tensor) -> Sketch:
        """The global pass over a thumbnail [1 or 3, h, w]; masks are held against the whole picture before (`fit`)."""
        if self.plan.strength == 0:
            return Sketch()
        pixels = thumbnail[None].clamp(0, 1).expand(-1, 3, -1, -1)
        with self.lock:
            if not self.working_px:
                return Sketch(self.hand.look(pixels))
            painted = self.hand.paint_whole(pixels)
        return Sketch(layers=tuple(one - self.detail * pixels for one in painted))

    @torch.inference_mode()
    def treat(self, pixels: Tensor, survey: Sketch, window: Tensor) -> Treated:
        """Treat a tile: pixels float32 [1, 1 or 3, h, w] in sRGB, window [1, 4] in fractions of the picture.

        Where nothing is painted the pixels stay what they are; elsewhere colors outside sRGB end at its border.
        Grey comes out in color where the plan lets it, else grey.
        """
        if self.plan.strength == 0:
            return untouched(pixels)
        inside = pixels.clamp(0, 1).expand(-1, 3, -1, -1)
        painted, cover = self.regions.joined(self._painted(inside, survey, window), window)
        painted = painted.clamp(0, 1)
        if self.plan.keep_color == "luminance":
            painted = with_lightness(painted, inside)
        if pixels.shape[1] == 1 and self.plan.colors_grey:
            pixels = pixels.expand(-1, 3, -1, -1)
        elif pixels.shape[1] == 1:
            painted = painted.mean(1, keepdim=True)
        result = torch.lerp(pixels, painted, self.hand.share * cover)
        change = (result - pixels).abs().amax(1, keepdim=True)
        return Treated(result, torch.zeros_like(change), change)

    def _painted(self, inside: Tensor, survey: Sketch, window: Tensor) -> Sequence[Tensor]:
        """What the hand makes of a tile [1, 3, h, w], one a region."""
        if not self.working_px:
            with self.lock:
                return self.hand.paint(inside, survey.seen, window)
        height, width = inside.shape[2:]
        own = self.detail * inside
        return [enlarged(one, window, height, width) + own for one in survey.layers]
