"""What a recipe of kind recognize is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.recognize.plan import LabelsPlan, SplitPlan

MULTIPLE_OF = 16


@dataclass(frozen=True)
class RecognizeObjectivePlan:
    """The options of a recipe of kind recognize."""

    features: str = option("encoder", "the feature network to begin with, as `vasari recognize train --features`")
    balanced: bool = option(False, "let every class count the same, whatever its number of pictures")
    smoothing: float = option(0.1, "share of the truth that is given to the other classes", minimum=0.0, maximum=0.5)
    judged: int = option(400, "pictures of the validation part that are judged at most", minimum=2)
    labels: LabelsPlan = field(default_factory=LabelsPlan)
    split: SplitPlan = field(default_factory=SplitPlan)
    pictures: PicturesPlan = field(default_factory=PicturesPlan)

    def __post_init__(self) -> None:
        check(self)
        if self.pictures.px % MULTIPLE_OF:
            raise PlanError(
                f"pictures.px={self.pictures.px} is not a multiple of {MULTIPLE_OF}.",
                remedy=f"use pictures.px={-(-self.pictures.px // MULTIPLE_OF) * MULTIPLE_OF}",
            )
