"""Training examples for restoration: clean photographs, aged anew each time they are shown."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional

from vasari.foundation import damage_capture, fields
from vasari.foundation.damage import ERAS, age
from vasari.foundation.damage_tone import LUMA, Plate
from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.plans import check, option
from vasari.models.evidence import evidence
from vasari.models.surveyor import SURVEY_PX
from vasari.tasks.restore.small_things import with_small_things

POOL_PART = 500  # pairs that one worker ages at a time
REDUCED_SHARE = 0.2
DRAWS = 12  # of one example, at most
COVERED = 0.3  # from this opacity of a mark on a pixel is covered
SEEN = ("aged_thumbnails", "clean_thumbnails", "aged_evidence")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")


@dataclass(frozen=True)
class ExamplesPlan:
    """How a photograph becomes an example."""

    region_px: int = option(320, "long side of the region that is aged and surveyed, in pixels", minimum=96)
    patch_px: int = option(160, "side of the patch that is restored, in pixels; a multiple of 8", minimum=32)
    extra_thumbnails: int = option(1, "further pictures in each example, for the survey alone", minimum=0)
    smallest_overview_px: int = option(256, "smallest long side of a picture that is aged for the survey", minimum=96)
    largest_overview_px: int = option(512, "largest long side of such a picture", minimum=96)
    pool: int = option(40_000, "pairs of thumbnails that are aged once and shown again, for the survey", minimum=1)
    grey: str = option("", "folder of further pictures for the pool, to be taken for grey photographs")
    grey_share: float = option(0.2, "share of the pool that is made of them", minimum=0.0, maximum=1.0)
    masks: str = option("", "folder of scanned opacity masks KIND/*.png; empty for drawn defects only")
    exclude: str = option("", "text file naming pictures, one a line, that must not be trained on; empty for none")
    clean_share: float = option(0.08, "share of examples with nothing to restore", minimum=0.0, maximum=1.0)
    noise_share: float = option(0.1, "share with Gaussian noise alone", minimum=0.0, maximum=1.0)
    capture_share: float = option(0.06, "share with one fault of lens or file alone", minimum=0.0, maximum=1.0)
    blurred_share: float = option(
        0.3, "share of heavily aged examples that a soft lens took; less of lighter ones", minimum=0.0, maximum=1.0
    )
    things_share: float = option(
        0.25,
        "share of examples with small things drawn into the scene: coins, lights, wires",
        minimum=0.0,
        maximum=1.0,
    )
    usual_cover: float = option(
        0.0,
        "share of a picture that marks usually cover: examples with so much are drawn half as often as those without "
        "any, with more seldomer, and so the other shares grow; 0: as the eras have it",
        minimum=0.0,
        maximum=1.0,
    )
    highest_sigma: float = option(55.0, "strongest Gaussian noise of the noise share, in 8-bit steps", minimum=0.0)

    def __post_init__(self) -> None:
        check(self)
        if self.smallest_overview_px > self.largest_overview_px:
            raise PlanError(
                f"smallest_overview_px={self.smallest_overview_px} is above the largest, {self.largest_overview_px}.",
                remedy="lower it, or raise largest_overview_px",
            )
        if self.patch_px % 8 or self.patch_px > self.region_px * 2 // 3 // 8 * 8:
            raise PlanError(
                f"patch_px={self.patch_px} must be a multiple of 8, at most two thirds of region_px={self.region_px}.",
                remedy=f"use patch_px={self.region_px * 2 // 3 // 8 * 8}",
            )


def load_photographs(folders: Sequence[Path], exclude: str) -> dict[str, np.ndarray]:
    """Name -> uint8 [rows, columns, 3] of every photograph below the folders, decoded once.

    Leaves out the names in the `exclude` file and pictures that cannot be decoded; raises
    `TrainingError` where none is left.
    """
    excluded = set(Path(exclude).read_text(encoding="utf-8").split("\n")) if exclude else set()
    photographs: dict[str, np.ndarray] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if path.suffix.lower() in SUFFIXES and path.name not in excluded:
                try:
                    photographs[f"{folder.name}/{path.name}"] = np.asarray(Image.open(path).convert("RGB"))
                except (OSError, UnidentifiedImageError):
                    continue
    if not photographs:
        listed = ", ".join(str(folder) for folder in folders) or "no folder"
        raise TrainingError(f"No photograph was found in {listed}.", remedy="name folders of pictures with --data")
    return photographs


class RestoreExamples:
    """Example i: one region of one photograph, aged by the seed (seed, i); `grey` makes each a grey photograph.

    Items: aged, clean [3, p, p]; mask [1, p, p]; window [4], the patch's place in the region in
    fractions (top, left, bottom, right); aged_thumbnails, clean_thumbnails [1 + extra, 3, 48, 48] and
    aged_evidence [1 + extra, 103], the first of the region, the others of other photographs; all float32.
    """

    def __init__(
        self, photographs: Mapping[str, np.ndarray], plan: ExamplesPlan, seed: int, grey: bool = False
    ) -> None:
        self._pictures = list(photographs.values())
        self._plan = plan
        self._seed = seed
        self._grey = grey

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        plan = self._plan
        clean, aged, mask = self._drawn(rng)
        _, rows, columns = clean.shape
        patch = plan.patch_px
        top, left = int(rng.integers(0, rows - patch + 1)), int(rng.integers(0, columns - patch + 1))
        place = (slice(None), slice(top, top + patch), slice(left, left + patch))
        window = torch.tensor([top / rows, left / columns, (top + patch) / rows, (left + patch) / columns])
        pairs = [_seen(aged, clean), *(self._overview(rng) for _ in range(plan.extra_thumbnails))]
        return {
            "aged": aged[place].contiguous(),
            "clean": clean[place].contiguous(),
            "mask": mask[place].contiguous(),
            "window": window,
            **{name: torch.stack(parts) for name, parts in zip(SEEN, zip(*pairs, strict=True), strict=True)},
        }

    def _drawn(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A region aged, as clean, aged and mask; one that marks cover more than usual is drawn again, mostly.

        What a network has learned to expect it finds: taught on regions of which marks cover a twentieth, it filled
        earrings and eyelets of pictures of which they cover a four-hundredth.
        """
        plan = self._plan
        for _ in range(DRAWS):
            region = self._region(rng, plan.region_px)
            if rng.random() < plan.things_share:
                region = with_small_things(region, rng)
            clean, aged, mask = self._aged(region, rng)
            cover = float((mask > COVERED).float().mean())
            if not plan.usual_cover or rng.random() * (1 + cover / plan.usual_cover) < 1:
                break
        return clean, aged, mask

    def _region(self, rng: np.random.Generator, long_side: int) -> Tensor:
        """A region [3, rows, columns] of a random photograph, at a random scale and of random proportions."""
        picture = self._pictures[int(rng.integers(len(self._pictures)))]
        short_side = int(long_side * rng.uniform(0.67, 1.0) / 8) * 8
        rows, columns = (short_side, long_side) if rng.random() < 0.6 else (long_side, short_side)
        height, width = picture.shape[:2]
        smallest = max(rows / height, columns / width)
        factor = smallest if rng.random() < 0.35 else np.exp(rng.uniform(np.log(smallest), max(np.log(smallest), 0.0)))
        tall, wide = min(height, int(np.ceil(rows / factor))), min(width, int(np.ceil(columns / factor)))
        top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
        how = Image.Resampling.LANCZOS if rng.random() < 0.5 else Image.Resampling.BOX
        box = (left, top, left + wide, top + tall)
        region = np.asarray(Image.fromarray(picture).resize((columns, rows), how, box, reducing_gap=1.5))
        if rng.random() < 0.5:
            region = region[:, ::-1]
        scene = torch.from_numpy(np.ascontiguousarray(region.transpose(2, 0, 1)).astype(np.float32) / 255)
        return _as_grey_photograph(scene, rng) if self._grey else scene

    def _aged(self, clean: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """clean, aged [3, rows, columns] and mask [1, rows, columns]."""
        plan, kind = self._plan, rng.random()
        untouched = torch.zeros(1, *clean.shape[1:])
        if kind >= plan.clean_share + plan.noise_share + plan.capture_share:
            masks = Path(plan.masks) if plan.masks else None
            era = str(rng.choice(list(ERAS)))
            severity, seed = int(rng.integers(1, 4)), int(rng.integers(2**62))
            soft = {"lens_blur": plan.blurred_share}
            result = age(clean, era=era, severity=severity, seed=seed, masks=masks, chances=soft)
            return result.clean, result.aged, result.mask
        if rng.random() < 0.2:
            clean = torch.from_numpy(np.repeat(np.tensordot(LUMA, clean.numpy(), 1)[None], 3, 0))
        if kind < plan.clean_share + plan.noise_share:
            clean = _in_another_tone(clean, rng) if rng.random() < 0.5 else clean
        if kind < plan.clean_share:
            return clean, clean, untouched
        if kind < plan.clean_share + plan.noise_share:
            sigma = rng.uniform(0, plan.highest_sigma) / 255
            noise = rng.standard_normal(tuple(clean.shape), dtype=np.float32)
            return clean, clean + float(sigma) * torch.from_numpy(noise), untouched
        plate = Plate(clean.numpy().copy(), untouched[0].numpy(), rng, False, 1.0)
        faults = (damage_capture.jpeg, damage_capture.lens_blur, damage_capture.low_resolution, damage_capture.grain)
        faults[int(rng.integers(len(faults)))](plate, rng.uniform(0.1, 0.9))
        return clean, torch.from_numpy(np.clip(plate.pixels, 0, 1).astype(np.float32)), untouched

    def pair(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Aged and clean thumbnail [3, 48, 48] and evidence [103] of the overview (seed, index)."""
        return self._overview(np.random.default_rng([self._seed, index, 1]))

    def _overview(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """The same of any; a fifth of them are aged larger, and reduced, as a scan is before it is surveyed."""
        bounds = np.log([self._plan.smallest_overview_px, self._plan.largest_overview_px])
        side = float(np.exp(rng.uniform(*bounds)))
        larger = float(rng.uniform(1.25, 2.0)) if rng.random() < REDUCED_SHARE else 1.0
        clean, aged, _ = self._aged(self._region(rng, int(side * larger / 8) * 8), rng)
        if larger > 1:
            size = [int(length / larger) for length in clean.shape[1:]]
            clean, aged = (functional.interpolate(one[None], size, mode="area")[0] for one in (clean, aged))
        return _seen(aged, clean)


class PooledThumbnails:
    """Example i: some pairs of thumbnails, with evidence, out of a pool aged once, for training the survey alone.

    The survey learns from hundreds of thousands of pairs, and a step of it takes less time than the
    aging of its batch; a pool can be shown again and again. Items: aged_thumbnails, clean_thumbnails
    [pairs, 3, 48, 48] and aged_evidence [pairs, 103], float32.
    """

    def __init__(self, sources: Mapping[RestoreExamples, int], pairs: int, seed: int) -> None:
        """`sources` says how many pairs to age of each."""
        jobs = [
            (source, range(first, min(first + POOL_PART, size)))
            for source, size in sources.items()
            for first in range(0, size, POOL_PART)
        ]
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as workers:
            parts = list(workers.map(_pool_part, *zip(*jobs, strict=True)))
        self._pool = {
            name: torch.from_numpy(np.concatenate(found))
            for name, found in zip(SEEN, zip(*parts, strict=True), strict=True)
        }
        self._size, self._pairs, self._seed = sum(sources.values()), pairs, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([self._seed, index])
        chosen = torch.from_numpy(rng.integers(0, self._size, self._pairs))
        return {name: seen[chosen].float() for name, seen in self._pool.items()}


def _pool_part(fresh: RestoreExamples, indices: range) -> tuple[np.ndarray, ...]:
    torch.set_num_threads(1)
    pairs = [fresh.pair(index) for index in indices]
    return tuple(torch.stack(parts).half().numpy() for parts in zip(*pairs, strict=True))


def _as_grey_photograph(region: Tensor, rng: np.random.Generator) -> Tensor:
    """The luma of a picture [3, rows, columns], stretched to about the range that a sound print has."""
    luma = np.tensordot(LUMA, region.numpy(), 1)
    darkest, lightest = np.quantile(luma, [0.01, 0.99])
    black, white = rng.uniform(0.0, 0.08), rng.uniform(0.85, 1.0)
    stretched = (luma - darkest) / max(lightest - darkest, 0.3) * (white - black) + black
    return torch.from_numpy(np.repeat(np.clip(stretched, 0, 1).astype(np.float32)[None], 3, 0))


def _in_another_tone(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A sound picture [3, rows, columns] as another photographer might have made it: darker, duller, flatter."""
    luma = torch.from_numpy(np.tensordot(LUMA, picture.numpy(), 1))[None]
    gamma, saturation = float(np.exp(rng.normal(0.0, 0.25))), float(rng.uniform(0.6, 1.2))
    black, white = float(rng.uniform(0.0, 0.05)), float(rng.uniform(0.85, 1.0))
    return (luma + (picture - luma) * saturation).clamp(0, 1) ** gamma * (white - black) + black


def _seen(aged: Tensor, clean: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What `SEEN` names, of an aged picture [3, h, w] as an 8-bit file holds it, and of the clean one."""
    saved = (aged.clamp(0, 1) * 255).round() / 255
    return _thumbnail(saved), _thumbnail(clean), evidence(saved[None])[0]


def _thumbnail(region: Tensor) -> Tensor:
    return torch.from_numpy(fields.resize(region.numpy(), SURVEY_PX, SURVEY_PX, "area"))
