"""Training pictures of a generator: crops, aged by the simulator where the plan asks for an era."""

from __future__ import annotations

import dataclasses

import numpy as np
from torch import Tensor
from torch.nn import functional

from vasari.foundation.damage import ERAS, age
from vasari.foundation.errors import PlanError
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import PictureSet
from vasari.tasks.generate.plan import GeneratePlan

AGED_LARGER = 2


class GenerateExamples:
    """Example i: {"pictures": float32 [3, px, px] in 0..1}, made from (seed, i) alone."""

    def __init__(self, pictures: PictureSet, plan: GeneratePlan, seed: int) -> None:
        if plan.era and plan.era not in ("any", *ERAS):
            raise PlanError(f"era={plan.era} is not known.", remedy=f"choose from: any, {', '.join(ERAS)}")
        self._era, self._seed = plan.era, seed
        px = plan.pictures.px
        # Grain and scratches are aged at twice the size, or they would be as large as faces.
        shown = dataclasses.replace(plan.pictures, px=AGED_LARGER * px) if plan.era else plan.pictures
        self._crops = Crops(pictures, shown, seed)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        picture = self._crops[index]["pictures"]
        if not self._era:
            return {"pictures": picture}
        rng = np.random.default_rng([self._seed, index, 2])
        era = str(rng.choice(list(ERAS))) if self._era == "any" else self._era
        aged = age(picture, era=era, severity=int(rng.integers(1, 3)), seed=int(rng.integers(2**62))).aged
        return {"pictures": functional.avg_pool2d(aged.float().clamp(0, 1), AGED_LARGER)}
