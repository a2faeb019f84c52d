"""Training examples for enlarging: crops of photographs, reduced twice, each time by another way of reducing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option

# How pictures are made smaller: kind -> share of the examples, and Pillow's antialiased kernel.
KERNELS: Mapping[str, tuple[float, Image.Resampling]] = {
    "cubic": (0.45, Image.Resampling.BICUBIC),
    "area": (0.25, Image.Resampling.BOX),
    "lanczos": (0.3, Image.Resampling.LANCZOS),
}
GREY_SHARE = 0.1
STRONGEST_NOISE = 6.0  # standard deviation, in 8-bit steps
LOWEST_JPEG, HIGHEST_JPEG = 60, 95


@dataclass(frozen=True)
class ExamplesPlan:
    """How a photograph becomes an example."""

    patch_px: int = option(40, "side of the patch that is enlarged, in pixels", minimum=16)
    smallest_reduction: float = option(
        1.25, "least reduction of a photograph before it is the truth: its file's own faults go with it", minimum=1.0
    )
    largest_reduction: float = option(3.0, "largest reduction of a photograph before it is the truth", minimum=1.0)
    marred_share: float = option(
        0.08, "share of examples with light noise and JPEG, which must not be sharpened", minimum=0.0, maximum=1.0
    )
    exclude: str = option("", "text file naming pictures, one a line, that must not be trained on; empty for none")

    def __post_init__(self) -> None:
        check(self)
        if self.smallest_reduction > self.largest_reduction:
            raise PlanError(
                f"smallest_reduction={self.smallest_reduction} is above largest_reduction={self.largest_reduction}.",
                remedy="exchange them",
            )


class EnlargeExamples:
    """Example i: one crop of one photograph, as the seed (seed, i) draws it.

    Items, float32 in 0..1: small [3, p, p]; double [3, 2p, 2p], its truth; fourfold [3, 4p, 4p], of which double
    is the reduction by area.
    """

    def __init__(self, photographs: Mapping[str, np.ndarray], plan: ExamplesPlan, seed: int) -> None:
        self._pictures = list(photographs.values())
        self._plan = plan
        self._seed = seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        fourfold = self._truth(picture, rng)
        side = self._plan.patch_px
        double = fourfold.resize((2 * side, 2 * side), Image.Resampling.BOX)
        small = smaller(double, drawn_kernel(rng))
        if rng.random() < self._plan.marred_share:
            small = marred(small, rng)
        return {"small": as_pixels(small), "double": as_pixels(double), "fourfold": as_pixels(fourfold)}

    def _truth(self, picture: np.ndarray, rng: np.random.Generator) -> Image.Image:
        """A square of 4p pixels out of a photograph reduced by area, turned and mirrored at random."""
        plan, side = self._plan, 4 * self._plan.patch_px
        height, width = picture.shape[:2]
        reduction = np.exp(rng.uniform(np.log(plan.smallest_reduction), np.log(plan.largest_reduction)))
        span = min(round(float(side * reduction)), height, width)
        top, left = int(rng.integers(0, height - span + 1)), int(rng.integers(0, width - span + 1))
        region = np.rot90(picture[top : top + span, left : left + span], int(rng.integers(4)))
        if rng.random() < 0.5:
            region = region[:, ::-1]
        truth = Image.fromarray(np.ascontiguousarray(region))
        if rng.random() < GREY_SHARE:
            truth = truth.convert("L").convert("RGB")
        return truth.resize((side, side), Image.Resampling.BOX)


def drawn_kernel(rng: np.random.Generator) -> str:
    """One of `KERNELS`, by their shares."""
    return str(rng.choice(list(KERNELS), p=[share for share, _ in KERNELS.values()]))


def smaller(picture: Image.Image, kernel: str) -> Image.Image:
    """The picture at half its size, by a kernel of `KERNELS`."""
    return picture.resize((picture.width // 2, picture.height // 2), KERNELS[kernel][1])


def marred(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture with light noise, of all channels or of lightness alone, or saved as a JPEG file, or both."""
    if rng.random() < 0.7:
        channels = 3 if rng.random() < 0.5 else 1
        sigma = rng.uniform(0.5, STRONGEST_NOISE)
        noise = rng.standard_normal((picture.height, picture.width, channels)) * sigma
        noisy = np.asarray(picture, np.float32) + noise
        picture = Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))
    if rng.random() < 0.5:
        held = io.BytesIO()
        picture.save(held, "JPEG", quality=int(rng.integers(LOWEST_JPEG, HIGHEST_JPEG + 1)))
        picture = Image.open(held).convert("RGB")
    return picture


def as_pixels(picture: Image.Image) -> Tensor:
    """float32 [3, rows, columns] in 0..1."""
    return torch.from_numpy(np.asarray(picture).transpose(2, 0, 1).astype(np.float32) / 255)
