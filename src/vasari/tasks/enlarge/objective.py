"""What an enlarger is trained for: the truth at twice and at four times the size, in one pass of its trunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vasari.foundation.errors import TrainingError
from vasari.foundation.plans import check, from_dict, option
from vasari.models.enlargers import Enlarger
from vasari.models.losses import log_mean_square
from vasari.tasks.data.held_out import HeldOut
from vasari.tasks.enlarge.examples import EnlargeExamples, ExamplesPlan, as_pixels
from vasari.tasks.first_weights import first_network
from vasari.tasks.metrics import peak_signal_noise_ratio, structural_similarity
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.restore.examples import load_photographs

# Every so manieth photograph is only validated on.
VALIDATION_EVERY = 20
VALIDATION_PX = 256  # side of the truth
# Mean square errors below which no more is to be gained: 40 dB for the double, 34 dB for the fourfold picture.
FLOORS = {"double": 1e-4, "fourfold": 4e-4}
FACTORS = {"double": 2, "fourfold": 4}


@dataclass(frozen=True)
class EnlargeObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh weights")
    examples: ExamplesPlan = field(default_factory=ExamplesPlan)

    def __post_init__(self) -> None:
        check(self)


class EnlargeObjective(Objective):
    """Train an enlarger on photographs made smaller: double + fourfold, each with its weight."""

    def __init__(
        self, enlarger: Enlarger, header: Mapping[str, Any], data: tuple[Path, ...], plan: EnlargeObjectivePlan
    ) -> None:
        self._enlarger, self._header, self._plan = enlarger, header, plan
        photographs = load_photographs(data, plan.examples.exclude)
        least = 4 * plan.examples.patch_px
        large = {name: one for name, one in photographs.items() if min(one.shape[:2]) >= least}
        if not large:
            raise TrainingError(
                f"None of {len(photographs)} photographs has sides of {least} px or more.",
                remedy="name larger photographs, or lower objective.examples.patch_px",
            )
        self._photographs = HeldOut.of(large, VALIDATION_EVERY, data, VALIDATION_PX)
        self._left_out = len(photographs) - len(large), least

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"enlarger": self._enlarger}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("enlarger",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"double": 1.0, "fourfold": 0.5}

    @property
    def best(self) -> tuple[str, str]:
        return ("psnr_2", "max")

    @property
    def data_report(self) -> Sequence[str]:
        number, least = self._left_out
        too_small = sum(min(one.shape[:2]) < VALIDATION_PX for one in self._photographs.shown.values())
        lines = [f"Photographs left out for a side below {least} px: {number}."] if number else []
        if too_small:
            lines.append(
                f"Photographs trained on that are too small to validate on (below {VALIDATION_PX} px): {too_small}."
            )
        return (*self._photographs.report, *lines)

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"enlarger": {**self._header, "task": "enlarge", **self._photographs.made_from}}

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("enlarge", (self._enlarger,), self._losses),)

    def examples(self, seed: int) -> EnlargeExamples:
        return EnlargeExamples(self._photographs.shown, self._plan.examples, seed)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        small = batch["small"]
        seen = self._enlarger.features(small)
        return {
            name: log_mean_square(self._enlarger.from_features(small, seen, factor), batch[name], FLOORS[name])
            for name, factor in FACTORS.items()
        }

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        enlarger = networks["enlarger"]
        device = next(enlarger.parameters()).device
        scores: dict[str, list[float]] = {}
        grid: list[Tensor] = []
        for picture in self._photographs.held.values():
            whole = _square(picture)
            truth = as_pixels(whole)[None]
            for factor in FACTORS.values():
                side = VALIDATION_PX // factor
                small = whole.resize((side, side), Image.Resampling.BICUBIC)
                made = enlarger(as_pixels(small)[None].to(device), factor).clamp(0, 1).cpu()
                usual = as_pixels(small.resize(whole.size, Image.Resampling.LANCZOS))[None]
                for name, one in (("", made), ("_lanczos", usual)):
                    scores.setdefault(f"psnr{name}_{factor}", []).append(float(peak_signal_noise_ratio(one, truth)))
                    scores.setdefault(f"ssim{name}_{factor}", []).append(float(structural_similarity(one, truth)))
                if len(grid) < 6:
                    grid.append(torch.cat([usual, made, truth]))
        metrics = {name: sum(values) / len(values) for name, values in scores.items()}
        return Validation(metrics, {"lanczos_enlarged_truth": torch.stack(grid)})


def _square(picture: np.ndarray) -> Image.Image:
    """The middle of a photograph uint8 [rows, columns, 3] reduced by area to a square of `VALIDATION_PX`."""
    side = min(picture.shape[:2])
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    middle = Image.fromarray(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    return middle.resize((VALIDATION_PX, VALIDATION_PX), Image.Resampling.BOX)


def build(recipe: Recipe, data: tuple[Path, ...]) -> EnlargeObjective:
    """The objective of an enlarge recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(EnlargeObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    enlarger, header = first_network(recipe, Enlarger, "enlarger", plan.start_from)
    return EnlargeObjective(enlarger, header, data, plan)
