"""What a detector is trained for: the pixels that the simulator's defects cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics.functional.classification import binary_average_precision

from vasari.foundation.damage import ERAS, age
from vasari.foundation.plans import check, from_dict, option
from vasari.models.detectors import Detector
from vasari.tasks.data.held_out import HeldOut
from vasari.tasks.first_weights import first_network
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.restore.examples import ExamplesPlan, RestoreExamples, load_photographs

# Every so manieth photograph is only validated on.
VALIDATION_EVERY = 20
VALIDATION_PX = 256  # of the middle of a photograph, each way
THRESHOLDS = 100
COVERED_WEIGHT = 1.5
# Other tones of the same scan, so that brightness alone tells nothing: the spread of log gamma, the share of negatives.
GAMMA_SPREAD, NEGATIVE_SHARE = 0.25, 0.15
FEWEST_COVERED_PX = 20  # below which the overlap of a patch says nothing


@dataclass(frozen=True)
class DetectObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh weights")
    examples: ExamplesPlan = field(default_factory=ExamplesPlan)

    def __post_init__(self) -> None:
        check(self)


class DetectExamples:
    """Example i: one aged patch [3, p, p] and its mask [1, p, p], as `RestoreExamples` ages it, in another tone."""

    def __init__(self, aged: RestoreExamples, seed: int) -> None:
        self._aged, self._seed = aged, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        example = self._aged[index]
        rng = np.random.default_rng([self._seed, index, 1])
        pixels = example["aged"].clamp(1e-4, 1) ** float(np.exp(rng.normal(0, GAMMA_SPREAD)))
        return {"aged": 1 - pixels if rng.random() < NEGATIVE_SHARE else pixels, "mask": example["mask"]}


class DetectObjective(Objective):
    """Train a detector on aged photographs: covered + overlap, each with its weight.

    Covered is the cross-entropy of every pixel, covered ones weighed 1.5; overlap 1 - the Dice coefficient in its
    squared form (Milletari et al. 2016, arXiv:1606.04797, section 3), over the patches that have marks.
    """

    def __init__(
        self, detector: Detector, header: Mapping[str, Any], data: tuple[Path, ...], plan: DetectObjectivePlan
    ) -> None:
        self._detector, self._header, self._plan = detector, header, plan
        photographs = load_photographs(data, plan.examples.exclude)
        self._photographs = HeldOut.of(photographs, VALIDATION_EVERY, data)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"detector": self._detector}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("detector",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"covered": 4.0, "overlap": 0.3}

    @property
    def best(self) -> tuple[str, str]:
        return ("average_precision", "max")

    @property
    def data_report(self) -> Sequence[str]:
        return self._photographs.report

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"detector": {**self._header, "task": "detect", **self._photographs.made_from}}

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("detect", (self._detector,), self._losses),)

    def examples(self, seed: int) -> DetectExamples:
        return DetectExamples(RestoreExamples(self._photographs.shown, self._plan.examples, seed), seed)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        logits, mask = self._detector(batch["aged"]), batch["mask"]
        return {
            "covered": functional.binary_cross_entropy_with_logits(
                logits, mask, pos_weight=mask.new_tensor(COVERED_WEIGHT)
            ),
            "overlap": overlap_lost(torch.sigmoid(logits), mask),
        }

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        detector = networks["detector"]
        device = next(detector.parameters()).device
        found: list[Tensor] = []
        truth: list[Tensor] = []
        grid: list[Tensor] = []
        for index, picture in enumerate(self._photographs.held.values()):
            era = list(ERAS)[index % len(ERAS)]
            aged = age(_middle(picture), era=era, severity=1 + index % 3, seed=index)
            told = torch.sigmoid(detector(aged.aged[None].to(device))).cpu()[0]
            found.append(told.flatten())
            truth.append((aged.mask > 0.5).long().flatten())
            if len(grid) < 6:
                grid.append(torch.stack([aged.aged.clamp(0, 1), told.expand(3, -1, -1), aged.mask.expand(3, -1, -1)]))
        precision = binary_average_precision(torch.cat(found), torch.cat(truth), thresholds=THRESHOLDS)
        return Validation({"average_precision": float(precision)}, {"aged_found_truth": torch.stack(grid)})


def overlap_lost(told: Tensor, mask: Tensor) -> Tensor:
    """1 - 2·Σ(told·mask) / (Σ told² + Σ mask²), the mean over the patches [N, 1, h, w] that have marks; else 0."""
    told, mask = told.flatten(1), mask.flatten(1)
    lost = 1 - (2 * (told * mask).sum(1) + 1) / (told.square().sum(1) + mask.square().sum(1) + 1)
    marked = (mask.sum(1) > FEWEST_COVERED_PX).float()
    return (lost * marked).sum() / marked.sum().clamp(min=1)


def _middle(picture: np.ndarray) -> Tensor:
    """The middle of a photograph uint8 [rows, columns, 3] as float32 [3, h, w] in 0..1, sides multiples of 8."""
    height, width = (min(side, VALIDATION_PX) // 8 * 8 for side in picture.shape[:2])
    top, left = (picture.shape[0] - height) // 2, (picture.shape[1] - width) // 2
    part = picture[top : top + height, left : left + width]
    return torch.from_numpy(part.transpose(2, 0, 1).astype(np.float32) / 255)


def build(recipe: Recipe, data: tuple[Path, ...]) -> DetectObjective:
    """The objective of a detect recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(DetectObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    detector, header = first_network(recipe, Detector, "detector", plan.start_from)
    return DetectObjective(detector, header, data, plan)
