"""What the teaching of an encoder is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.models.encoders import MULTIPLE_OF
from vasari.tasks.data.plan import PicturesPlan


@dataclass(frozen=True)
class EncodeObjectivePlan:
    """The options of a recipe of kind encode."""

    teacher: str = option("", "the feature network that teaches: a .safetensors file of a VGG-19")
    reckoned: int = option(64, "pictures from which the teacher's means and deviations are reckoned", minimum=2)
    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh")
    pictures: PicturesPlan = field(default_factory=PicturesPlan)

    def __post_init__(self) -> None:
        check(self)
        if not self.teacher:
            raise PlanError("No teacher was named.", remedy="name a VGG-19: --set objective.teacher=FILE.safetensors")
        if self.pictures.px % MULTIPLE_OF:
            raise PlanError(
                f"pictures.px={self.pictures.px} is not a multiple of {MULTIPLE_OF}.",
                remedy=f"use pictures.px={-(-self.pictures.px // MULTIPLE_OF) * MULTIPLE_OF}",
            )
