"""Training examples for inpainting: crops of photographs with a mask drawn anew each time they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.inpaint.masks import defect_mask, free_form, load_defects


@dataclass(frozen=True)
class ExamplesPlan:
    """How a photograph becomes an example."""

    patch_px: int = option(128, "side of the crop shown, in pixels; a multiple of 32", minimum=32)
    least_coverage: float = option(0.05, "smallest share that free-form masks take away", minimum=0.01, maximum=0.9)
    most_coverage: float = option(0.5, "largest share that free-form masks take away", minimum=0.01, maximum=0.9)
    masks: str = option("", "folder of scanned opacity masks KIND/*.png; empty for drawn masks only")
    defect_share: float = option(0.15, "share of examples with masks of that folder", minimum=0.0, maximum=1.0)
    exclude: str = option("", "text file naming pictures, one a line, that must not be trained on; empty for none")

    def __post_init__(self) -> None:
        check(self)
        if self.patch_px % 32:
            raise PlanError(
                f"patch_px={self.patch_px} is no multiple of 32.", remedy=f"use {-(-self.patch_px // 32) * 32}"
            )
        if self.least_coverage > self.most_coverage:
            raise PlanError(
                f"least_coverage={self.least_coverage} is above most_coverage={self.most_coverage}.",
                remedy="exchange them",
            )


class InpaintExamples:
    """Example i: one crop of one photograph and one mask, both from the seed (seed, i).

    Items: pictures [3, p, p] in 0..1, masks [1, p, p] with 1 = missing, float32.
    """

    def __init__(self, photographs: Mapping[str, np.ndarray], plan: ExamplesPlan, seed: int) -> None:
        self._pictures = list(photographs.values())
        self._defects = load_defects(plan.masks) if plan.masks else []
        self._plan = plan
        self._seed = seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        crop = random_crop(picture, self._plan.patch_px, rng)
        mask = self._mask(rng).astype(np.float32)[None]
        return {"pictures": torch.from_numpy(crop), "masks": torch.from_numpy(mask)}

    def _mask(self, rng: np.random.Generator) -> np.ndarray:
        plan = self._plan
        if self._defects and rng.random() < plan.defect_share:
            return defect_mask(rng, plan.patch_px, plan.patch_px, self._defects)
        coverage = float(rng.uniform(plan.least_coverage, plan.most_coverage))
        return free_form(rng, plan.patch_px, plan.patch_px, coverage)


def random_crop(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A square [3, side, side] float32 of a picture uint8 [rows, columns, 3], at a random scale, mirrored at random."""
    height, width = picture.shape[:2]
    shortest = min(height, width)
    whole = min(float(side), float(shortest))
    span = round(float(np.exp(rng.uniform(np.log(whole), np.log(shortest)))))
    top, left = int(rng.integers(0, height - span + 1)), int(rng.integers(0, width - span + 1))
    how = Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BOX
    region = Image.fromarray(np.ascontiguousarray(picture[top : top + span, left : left + span]))
    crop = np.asarray(region.resize((side, side), how, reducing_gap=1.5))
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    return np.ascontiguousarray(crop.transpose(2, 0, 1)).astype(np.float32) / 255
