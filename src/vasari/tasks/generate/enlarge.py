"""Pictures of another size than the generator's: by a network of the task enlarge in tiles, or by Lanczos."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vasari.foundation import tiles
from vasari.foundation.devices import choose_device
from vasari.foundation.errors import WeightsError
from vasari.foundation.treatment import ModelFacts

TASK = "enlarge"
TILE_PX = 256


@dataclass(frozen=True, eq=False)
class Enlarger:
    """A network that makes pictures larger by a whole factor, with what its card says of tiles."""

    network: nn.Module
    facts: ModelFacts
    halo: int | None
    multiple_of: int

    @classmethod
    def of(cls, model: str, device: str = "cpu") -> Enlarger:
        """Load a model of the task enlarge; raises `WeightsError` for one of another."""
        from vasari.models import hub
        from vasari.models.cards import NETWORKS

        loaded = hub.load(model)
        name = str(loaded.recipe["network"]["name"])
        card = NETWORKS[name]
        if card.task != TASK:
            raise WeightsError(
                f"{loaded.name} is a {name} of the task {card.task}, which does not enlarge.",
                remedy="name a model of the task enlarge, or leave out --enlarge for Lanczos",
            )
        network = loaded.network.to(choose_device(device)).requires_grad_(False)
        return cls(network, ModelFacts(loaded.name, loaded.digest), card.halo, card.multiple_of)

    def enlarged(self, pixels: Tensor, size_px: int) -> Tensor:
        """[3, h, w] in 0..1 -> larger, until the long side is `size_px` or more."""
        while max(pixels.shape[1:]) < size_px:
            larger = enlarged_in_tiles(self.network, pixels[None], TILE_PX, self.halo, self.multiple_of)[0]
            if larger.shape[1] <= pixels.shape[1]:
                raise WeightsError(
                    f"{self.facts.name} gave a picture of {larger.shape[1]} px for one of {pixels.shape[1]} px.",
                    remedy="name another model of the task enlarge",
                )
            pixels = larger
        return pixels


def resized(pixels: Tensor, size_px: int, enlarger: Enlarger | None = None) -> Tensor:
    """Pixels [3, h, w] in 0..1 with a long side of `size_px`: by the enlarger where they are to grow, then Lanczos."""
    if enlarger is not None:
        pixels = enlarger.enlarged(pixels, size_px)
    height, width = pixels.shape[1:]
    scale = size_px / max(height, width)
    wanted = (max(1, round(width * scale)), max(1, round(height * scale)))
    if wanted == (width, height):
        return pixels
    planes = [Image.fromarray(plane).resize(wanted, Image.Resampling.LANCZOS) for plane in pixels.numpy()]
    return torch.from_numpy(np.stack([np.asarray(plane) for plane in planes])).clamp(0, 1)


@torch.inference_mode()
def enlarged_in_tiles(network: nn.Module, pixels: Tensor, tile: int, halo: int | None, multiple_of: int = 1) -> Tensor:
    """Pixels [N, 3, h, w] through a network whose result is a whole factor larger, in tiles; equal to one call.

    `halo` in pixels of the input. Raises `PlanError` for a network without a finite one, `WeightsError` where the
    result is no whole multiple of the input.
    """
    height, width = pixels.shape[2:]
    device = next(iter(network.parameters()), pixels).device
    whole: Tensor | None = None
    factor = 1
    for window in tiles.windows(height, width, tile, halo, multiple_of):
        rows, columns = window.padded.slices
        part = pixels[..., rows, columns]
        below, beside = -part.shape[2] % multiple_of, -part.shape[3] % multiple_of
        part = torch.nn.functional.pad(part, (0, beside, 0, below), mode="replicate")
        made = network(part.to(device)).float().clamp(0, 1).cpu()
        factor = _factor(tuple(part.shape[2:]), tuple(made.shape[2:]))
        if whole is None:
            whole = made.new_empty(*made.shape[:2], height * factor, width * factor)
        core, top, left = window.core, window.core.top - window.padded.top, window.core.left - window.padded.left
        inner = tiles.Area(top, top + core.height, left, left + core.width)
        whole[(..., *_scaled(core, factor))] = made[(..., *_scaled(inner, factor))]
    return whole if whole is not None else pixels


def _scaled(area: tiles.Area, factor: int) -> tuple[slice, slice]:
    rows, columns = area.slices
    return (
        slice(rows.start * factor, rows.stop * factor),
        slice(columns.start * factor, columns.stop * factor),
    )


def _factor(given: tuple[int, ...], made: tuple[int, ...]) -> int:
    factor = math.floor(made[0] / given[0])
    if factor < 1 or made != (given[0] * factor, given[1] * factor):
        raise WeightsError(
            f"The model made {made[0]}×{made[1]} pixels of {given[0]}×{given[1]}, which is no whole factor.",
            remedy="name another model of the task enlarge",
        )
    return factor
