"""The hand that develops: a photograph's manner, of a scan, an era or a year, for every pixel as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.tasks.stylize.coding import Source, saved_code, within
from vasari.tasks.stylize.palette import Weighted, weights_of
from vasari.tasks.stylize.photo.develop import HALO_PX, develop
from vasari.tasks.stylize.photo.manner import PhotoManner, preset
from vasari.tasks.stylize.photo.measure import MEASURED_PX, manner_of
from vasari.tasks.stylize.styles import is_preset, refuse_code
from vasari.tasks.stylize.stylize_plan import StylizePlan


@dataclass(frozen=True, eq=False)
class DevelopingHand:
    """Tone, color, grain, vignette and softness of a manner, or of one for each region."""

    manners: tuple[PhotoManner, ...]
    share: float
    seed: int

    @classmethod
    def of(cls, plan: StylizePlan, given: Sequence[Weighted], regions: int) -> DevelopingHand:
        """Measure the scans and look up the presets of a plan; raises `PlanError`, `PictureError`."""
        weights = weights_of(given, regions)
        manners = tuple(_manner(source, plan) for source, _ in given)
        return cls(manners if regions else (mean(manners, weights),), plan.strength, plan.seed)

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return HALO_PX

    @property
    def multiple_of(self) -> int:
        """Any size will do."""
        return 1

    def look(self, pixels: Tensor) -> Any:
        """A manner does not depend on the picture."""
        return None

    def paint(self, pixels: Tensor, seen: Any, window: Tensor) -> tuple[Tensor, ...]:
        """A tile in the manner of each region."""
        return tuple(develop(pixels, one, window, self.seed) for one in self.manners)

    def paint_whole(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Not done: grain belongs to the pixels that are there."""
        raise PlanError("A photograph's manner is given to every pixel.", remedy="leave --working-px out")


def mean(manners: Sequence[PhotoManner], weights: Sequence[float]) -> PhotoManner:
    """The weighted mean of manners; whether it is grey is what most of the weight says."""
    known = [(one, weight) for one, weight in zip(manners, weights, strict=True) if weight > 0]
    made, whole = known[0]
    for one, weight in known[1:]:
        whole += weight
        made = made.toward(one, weight / whole)
    return replace(made, grey=2 * sum(weight for one, weight in known if one.grey) > whole)


def _manner(source: Source, plan: StylizePlan) -> PhotoManner:
    if isinstance(source, str) and is_preset(source):
        return preset(source)
    if saved_code(source) is not None:
        refuse_code(plan)
    return manner_of(within(source, MEASURED_PX))
