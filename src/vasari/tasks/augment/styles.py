"""The styles of a plan made ready: translators loaded once, the simulator of aging, flips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.foundation import damage
from vasari.foundation.picture import Picture
from vasari.tasks.augment.draws import Draw
from vasari.tasks.augment.plan import AugmentPlan
from vasari.tasks.translate.apply import Interpreter, translate_picture
from vasari.tasks.translate.translate_plan import TranslatePlan

DIMENSIONS = {"horizontal": -1, "vertical": -2}


@dataclass(frozen=True, eq=False)
class Styles:
    """What makes copies; safe to share between threads."""

    translators: Mapping[str, Interpreter]

    @classmethod
    def of(cls, plan: AugmentPlan) -> Styles:
        """Load the models of a plan; raises `WeightsError`, also for one of another task, and `PlanError`."""
        return cls(
            {
                model: Interpreter.of(
                    TranslatePlan(model, working_px=plan.working_px, precision=plan.precision, device=plan.device)
                )
                for model in plan.models
            }
        )

    def copy(self, pixels: Tensor, drawn: Draw) -> Tensor:
        """The copy that was drawn, of pixels float32 [3, rows, columns] in 0..1 sRGB; they are left as they are."""
        pixels = pixels.flip([DIMENSIONS[one] for one in drawn.flips]) if drawn.flips else pixels.clone()
        if drawn.style == "translate":
            made = translate_picture(Picture(pixels), self.translators[drawn.name]).pixels
            return torch.lerp(pixels, made, drawn.strength)
        if drawn.style == "age":
            return damage.age(pixels, era=drawn.name, severity=drawn.severity, seed=drawn.seed).aged
        return pixels
