"""Translate one picture: in memory, or a page of a file of any size, strip by strip from disk to disk.

At full resolution the network goes over the picture in tiles, with the statistics of a thumbnail. At a working
size it sees a reduced picture alone, and what it changed there is enlarged and added to every pixel:

    result = picture + enlarged(translated(reduced) - reduced)

This is a Laplacian pyramid (Burt & Adelson 1983) whose coarse levels come from the network and whose fine ones from
the picture: detail below the working size is kept as it was, neither translated nor lost, and tiles need no halo.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import tiles
from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.errors import WeightsError
from vasari.foundation.image_files import Limits
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import from_dict
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.normalization import Statistics
from vasari.models.translators import SURVEY_PX, Translator
from vasari.tasks.batch import streams
from vasari.tasks.batch.streams import Manner, Treated, untouched
from vasari.tasks.batch.work import Outputs
from vasari.tasks.translate.translate_plan import TranslatePlan


def translate(picture: Picture | np.ndarray | str | Path, model: str | Path, **options: Any) -> Picture:
    """Translate a picture by a trained model and give it back with the metadata and depth it came with.

    `picture` is a `Picture`, a path, or an array as `Picture.from_array` takes it; `options` are the fields of
    `TranslatePlan` (`strength=0.8`, `working_px=256` ...). Grey comes out grey. The source is not changed.
    Raises `PlanError`, `PictureError`, `WeightsError` (no such model, or one of another task). For scans larger
    than memory use `vasari translate` or `translate_files`.
    """
    plan = from_dict(TranslatePlan, {**options, "model": str(model)}, where="translate")
    return translate_picture(streams.as_picture(picture), _ready(plan))


@functools.lru_cache(maxsize=1)
def _ready(plan: TranslatePlan) -> Interpreter:
    """The interpreter of the last plan is kept, so that a loop over pictures loads the weights once."""
    return Interpreter.of(plan)


def translate_picture(picture: Picture, interpreter: Interpreter) -> Picture:
    """A picture in memory translated; equal to what the batch makes of its file."""
    return streams.treat_picture(picture, interpreter, interpreter.manner)


@dataclass(frozen=True, eq=False)
class Interpreter:
    """A translator with what it needs to treat tiles of one plan; safe to share between threads.

    `working_px` is the long side at which the network sees a picture, 0 where it sees every pixel. One tile is
    computed at a time (a lock), with all cores.
    """

    network: Translator
    plan: TranslatePlan
    working_px: int
    device: torch.device
    precision: torch.dtype
    card_halo: int
    card_multiple: int
    lock: threading.Lock

    @classmethod
    def of(cls, plan: TranslatePlan) -> Interpreter:
        """Load the weights of a plan; raises `WeightsError`, `PlanError` (no such device)."""
        device = choose_device(plan.device)
        loaded = hub.load(plan.model)
        network = _translator(loaded)
        card = NETWORKS[loaded.recipe["network"]["name"]]
        working_px = plan.working_px if plan.working_px is not None else _size_named(loaded)
        network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(
            network=network.requires_grad_(False).eval(),
            plan=plan,
            working_px=working_px,
            device=device,
            precision=choose_precision(plan.precision, device),
            card_halo=tiles.checked_halo(card.halo),
            card_multiple=card.multiple_of,
            lock=threading.Lock(),
        )

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return 0 if self.working_px else self.card_halo

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return 1 if self.working_px else self.card_multiple

    @property
    def manner(self) -> Manner:
        """How pictures are gone through."""
        plan = self.plan
        return Manner(self.working_px or SURVEY_PX, plan.tile_px, plan.format, plan.quality)

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return machine_of(self.device, self.precision)

    @torch.inference_mode()
    def survey(self, thumbnail: Tensor) -> Statistics | Tensor:
        """The global pass over a thumbnail [1 or 3, h, w]: statistics, or at a working size the change [1, 3, h, w]."""
        pixels = thumbnail[None].clamp(0, 1).expand(-1, 3, -1, -1)
        with self.lock:
            statistics = self.network.survey(pixels.to(self.device))
            if not self.working_px:
                return statistics
            made = tiles.in_tiles(
                lambda tile, window: self._made(tile, statistics), pixels,
                tile=self.plan.tile_px, halo=self.card_halo, multiple_of=self.card_multiple,
            )  # fmt: skip
        return cast(Tensor, made) - pixels

    @torch.inference_mode()
    def treat(self, pixels: Tensor, survey: Statistics | Tensor, window: Tensor) -> Treated:
        """Treat a tile: pixels float32 [1, 1 or 3, h, w] in sRGB, window [1, 4] in fractions of the picture.

        Values outside 0..1 (colors of wide gamuts) are carried past the network. Grey comes out grey: the mean
        of the network's channels.
        """
        if self.plan.strength == 0:
            return untouched(pixels)
        inside = pixels.clamp(0, 1)
        source = inside.expand(-1, 3, -1, -1)
        if isinstance(survey, Tensor):
            result = (source + enlarged(survey, window, pixels.shape[2], pixels.shape[3])).clamp(0, 1)
        else:
            with self.lock:
                result = self._made(source, survey)
        if pixels.shape[1] == 1:
            result = result.mean(1, keepdim=True)
        result = torch.lerp(pixels, result + (pixels - inside), self.plan.strength)
        change = (result - pixels).abs().amax(1, keepdim=True)
        return Treated(result, torch.zeros_like(change), change)

    def _made(self, pixels: Tensor, statistics: Statistics) -> Tensor:
        """What the network makes of [1, 3, h, w], on the CPU, in 0..1."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            made = self.network(pixels.to(self.device), statistics)
        return made.float().clamp(0, 1).cpu()


def enlarged(change: Tensor, window: Tensor, height: int, width: int) -> Tensor:
    """The part of a reduced map [1, C, h, w] that lies in `window`, [1, C, height, width], by bicubic interpolation.

    `window` [1, 4] is top, left, bottom, right in fractions of the whole. Each pixel is sampled at its own center,
    so that parts fit together without a seam.
    """
    top, left, bottom, right = window[0].double().tolist()
    rows = top + (torch.arange(height, dtype=torch.float64) + 0.5) * ((bottom - top) / height)
    columns = left + (torch.arange(width, dtype=torch.float64) + 0.5) * ((right - left) / width)
    grid = torch.stack(torch.meshgrid(columns * 2 - 1, rows * 2 - 1, indexing="xy"), -1)
    return functional.grid_sample(
        change, grid[None].to(change.dtype), mode="bicubic", padding_mode="border", align_corners=False
    )


def _translator(loaded: hub.Loaded) -> Translator:
    """The network of a model, which must be a translator; raises `WeightsError`."""
    task = loaded.recipe.get("task", NETWORKS[loaded.recipe["network"]["name"]].task)
    if task == "translate" and isinstance(loaded.network, Translator):
        return loaded.network
    raise WeightsError(
        f"{loaded.name} is a model of the task {task}, and does not translate.",
        remedy="name a model of the task translate; `vasari train` makes one",
    )


def _size_named(loaded: hub.Loaded) -> int:
    """The working size that a model's header names, 0 where it names none; raises `WeightsError`."""
    named = loaded.recipe.get("working_px", 0)
    if isinstance(named, int) and named >= 0:
        return named
    raise WeightsError(
        f"{loaded.name} names working_px={named!r} in its header, which is no number of pixels.",
        remedy="name the size: --working-px 256, or 0 for full resolution",
    )


@dataclass(frozen=True)
class TranslateWorker:
    """The `tasks.batch.work.Worker` of one plan."""

    interpreter: Interpreter

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.interpreter.machine

    def treat(
        self,
        path: Path,
        page: int,
        outputs: Outputs,
        *,
        xmp: Callable[[Metadata, str], bytes | None],
        limits: Limits,
        advance: Callable[[float], None],
    ) -> Mapping[str, float]:
        """Translate a page; see `streams.treat_page`."""
        found = streams.treat_page(
            path, page, self.interpreter, self.interpreter.manner, outputs, xmp=xmp, limits=limits, advance=advance
        )
        numbers = {**found.to_numbers(), "working_px": float(self.interpreter.working_px)}
        del numbers["damaged_share"]
        return numbers
