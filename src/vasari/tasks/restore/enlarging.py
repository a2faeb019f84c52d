"""The last stage: what was restored, or the scan itself, with more pixels, a tile at a time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.enlargers import Enlarger, interpolated
from vasari.tasks.batch.streams import Treated, untouched
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.plan import ENLARGE, RestorePlan


def treater_of(plan: RestorePlan) -> Conservator | Enlarging:
    """What does the stages of a plan; raises `WeightsError`, `PlanError` (no such device)."""
    return Enlarging.of(plan) if plan.factor > 1 else Conservator.of(plan)


@dataclass(frozen=True, eq=False)
class Enlarging:
    """A network that enlarges what `before` has restored, or the picture where there is none; one tile at a time."""

    network: Enlarger
    plan: RestorePlan
    before: Conservator | None
    device: torch.device
    precision: torch.dtype
    halo: int
    multiple_of: int
    lock: threading.Lock

    @classmethod
    def of(cls, plan: RestorePlan) -> Enlarging:
        """Load the weights of a plan; raises `WeightsError`, `PlanError` (no such device)."""
        loaded = hub.load(plan.enlarger or ENLARGE)
        name = str(loaded.recipe["network"]["name"])
        card = NETWORKS[name]
        if not isinstance(loaded.network, Enlarger) or card.halo is None:
            raise WeightsError(
                f"{loaded.name} is a {name}, which does not enlarge.", remedy="name a model of the task enlarge"
            )
        before = Conservator.of(plan) if plan.restores else None
        device = choose_device(plan.device)
        return cls(
            network=loaded.network.to(device=device, memory_format=torch.channels_last).requires_grad_(False),  # type: ignore[call-overload]
            plan=plan,
            before=before,
            device=device,
            precision=choose_precision(plan.precision, device),
            halo=card.halo + (before.halo if before else 0),
            multiple_of=before.multiple_of if before else card.multiple_of,
            lock=before.lock if before else threading.Lock(),
        )

    @property
    def machine(self) -> dict[str, str]:
        """What the arithmetic depends on, for the record."""
        return machine_of(self.device, self.precision)

    def survey(self, overview: Tensor) -> Any:
        """The global pass of what restores; None where nothing does."""
        return self.before.survey(overview) if self.before else None

    @torch.inference_mode()
    def treat(self, pixels: Tensor, survey: Any, window: Tensor) -> Treated:
        """Treat a tile as `Conservator.treat` does; the result is [1, 1 or 3, factor·h, factor·w], the maps are not.

        What lies outside 0..1 is interpolated and added to the result again. Grey comes out grey.
        """
        treated = self.before.treat(pixels, survey, window) if self.before else untouched(pixels)
        inside = treated.result.clamp(0, 1)
        with (
            self.lock,
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16),
        ):
            made = self.network(inside.expand(-1, 3, -1, -1).to(self.device), self.plan.factor)
        result = made[:, : pixels.shape[1]].clamp(0, 1).cpu()
        beyond = treated.result - inside
        if bool(beyond.any()):
            result = result + interpolated(beyond, self.plan.factor)
        return replace(treated, result=result)
