"""An inpainter made ready for a plan: weights loaded, device and precision chosen, coarse to fine in tiles.

filler = Filler.of(plan)
filled = filler.fill(pixels, mask)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from vasari.foundation import tiles
from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.errors import WeightsError
from vasari.foundation.treatment import ModelFacts
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.inpainters import Inpainter, coarser, enlarged, smooth_fill
from vasari.tasks.inpaint.plan import InpaintPlan


@dataclass(frozen=True, eq=False)
class Filler:
    """A network with what it needs to fill tiles of one plan; safe to share between threads.

    `halo` is in pixels. One tile is computed at a time (a lock), with all cores.
    """

    network: Inpainter
    plan: InpaintPlan
    models: tuple[ModelFacts, ...]
    device: torch.device
    precision: torch.dtype
    halo: int
    multiple_of: int
    lock: threading.Lock

    @classmethod
    def of(cls, plan: InpaintPlan) -> Filler:
        """Load the weights of a plan; raises `WeightsError`, `PlanError` (no such device)."""
        device = choose_device(plan.device)
        loaded = hub.load(plan.model)
        name = str(loaded.recipe["network"]["name"])
        card = NETWORKS[name]
        if not isinstance(loaded.network, Inpainter) or card.halo is None:
            raise WeightsError(
                f"{loaded.name} is a {name}, which does not fill holes.", remedy="name a model of the task inpaint"
            )
        network = loaded.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(
            network=network.requires_grad_(False).eval(),
            plan=plan,
            models=(ModelFacts(loaded.name, loaded.digest),),
            device=device,
            precision=choose_precision(plan.precision, device),
            halo=card.halo,
            multiple_of=card.multiple_of,
            lock=threading.Lock(),
        )

    @property
    def machine(self) -> dict[str, str]:
        """What the arithmetic depends on, for the record."""
        return machine_of(self.device, self.precision)

    def fill(self, pixels: Tensor, mask: Tensor) -> Tensor:
        """A whole picture filled: pixels float32 [1, 3, h, w] in 0..1, mask [1, 1, h, w] -> [1, 3, h, w].

        The first pass, over the picture reduced to `first_px` or less, begins with a smooth fill; each further
        one, twice as large, with the enlarged result of the one before. What `pixels` holds in the hole is
        not looked at.
        """
        if not bool(mask.any()):
            return pixels
        if max(pixels.shape[2:]) <= self.plan.first_px:
            first = smooth_fill(pixels, mask)
        else:
            small = self.fill(*coarser(pixels, mask))
            first = torch.where(mask > 0, enlarged(small, pixels.shape[2:]), pixels)
        made = tiles.in_tiles(
            lambda planes, window: self.refine(planes[:, :3], planes[:, 3:]),
            torch.cat([first, mask], 1),
            tile=self.plan.tile_px,
            halo=self.halo,
            multiple_of=self.multiple_of,
        )
        return cast(Tensor, made)

    def finer(self, below: Tensor, pixels: Tensor, mask: Tensor, step: int) -> Tensor:
        """A tile filled from a fill of it at 1/`step` of its size, doubling until it is whole: [1, 3, h, w].

        `below` is enlarged and not yet refined; pixels [1, 3, h, w] in 0..1, mask [1, 1, h, w]; `step` a power of two.
        """
        if step > 1:
            small, small_mask = coarser(pixels, mask)
            below = enlarged(self.finer(below, small, small_mask, step // 2), pixels.shape[2:])
        return self.refine(torch.where(mask > 0, below, pixels), mask)

    @torch.inference_mode()
    def refine(self, first: Tensor, mask: Tensor) -> Tensor:
        """One pass of the network over a tile: a first fill [1, 3, h, w] and its mask [1, 1, h, w] -> [1, 3, h, w]."""
        if not bool(mask.any()):
            return first
        with self.lock, torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            made = self.network(first.to(self.device), mask.to(self.device))
        return torch.where(mask > 0, made.float().clamp(0, 1).cpu(), first)
