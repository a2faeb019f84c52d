"""A restorer made ready for a plan: weights interpolated, device and precision chosen, one tile at a time.

conservator = Conservator.of(plan)
survey = conservator.survey(overview)
treated = conservator.treat(pixels, survey, window)
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.errors import WeightsError
from vasari.foundation.treatment import ModelFacts
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.detectors import Detector
from vasari.models.restorers import Restorer
from vasari.tasks.batch.streams import Treated, untouched
from vasari.tasks.restore import weights
from vasari.tasks.restore.marks import both_opinions, load_detector
from vasari.tasks.restore.plan import DEFAULT_WORKING_PX, DETECT, RestorePlan
from vasari.tasks.restore.surveyed import Surveyed, neutral

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True, eq=False)
class Conservator:
    """A network with what it needs to treat tiles of one plan; safe to share between threads.

    `detector` finds the marks that a network which is told them heeds: the map of damage is what both tell,
    weighed; that of a network of another kind is its own.
    `halo` is in pixels. One tile is computed at a time (a lock), with all cores: two at once would only
    fight for them.
    """

    network: Restorer
    detector: Detector | None
    plan: RestorePlan
    models: tuple[ModelFacts, ...]
    device: torch.device
    precision: torch.dtype
    halo: int
    multiple_of: int
    lock: threading.Lock

    @classmethod
    def of(cls, plan: RestorePlan) -> Conservator:
        """Load and interpolate the weights of a plan; raises `WeightsError`, `PlanError` (no such device)."""
        device = choose_device(plan.device)
        models = weights.facts(plan)
        network, first = _network(plan)
        card_name = str(first.recipe["network"]["name"])
        card = NETWORKS[card_name]
        if card.halo is None:
            raise WeightsError(f"{card_name} cannot work in tiles.", remedy="name a model of the task restore")
        detector = load_detector(plan.detector or DETECT, first) if weights.is_told_marks(plan) else None
        return cls(
            network=_placed(network, device),
            detector=_placed(detector, device) if detector else None,
            plan=plan,
            models=models,
            device=device,
            precision=choose_precision(plan.precision, device),
            halo=card.halo + (plan.damage_margin_px if plan.only_damage else 0),
            multiple_of=card.multiple_of,
            lock=threading.Lock(),
        )

    @property
    def machine(self) -> dict[str, str]:
        """What the arithmetic depends on, for the record."""
        return machine_of(self.device, self.precision)

    @torch.inference_mode()
    def survey(self, overview: Tensor) -> Surveyed:
        """The global pass: the picture reduced, float32 [1 or 3, h, w] in 0..1, long side `surveyed.OVERVIEW_PX`."""
        pixels = overview.clamp(0, 1).expand(3, -1, -1)
        with self.lock, self._arithmetic():
            return Surveyed.of(pixels, self.network, self.detector, self.working_px)

    @torch.inference_mode()
    def look_again(self, overview: Tensor, known: Surveyed) -> Surveyed:
        """The tone that is known, with the marks and the draft of this view: a frame, a smaller copy; as `survey`."""
        pixels = overview.clamp(0, 1).expand(3, -1, -1)
        with self.lock, self._arithmetic():
            return known.looked_at(pixels, self.network, self.detector, self.working_px)

    @property
    def working_px(self) -> int:
        """The size of drafts; 0, no draft, where nothing is repaired."""
        if not self.plan.repairs:
            return 0
        return DEFAULT_WORKING_PX if self.plan.working_px is None else self.plan.working_px

    @torch.inference_mode()
    def treat(self, pixels: Tensor, survey: Surveyed, window: Tensor) -> Treated:
        """Treat a tile: pixels float32 [1, 1 or 3, h, w] in sRGB, window [1, 4] in fractions of the picture.

        Values outside 0..1 (colors of wide gamuts) are carried past the network: what lies beyond the
        range is added to the result again. Grey comes out grey, R = G = B too: the mean of the network's channels.
        """
        if self.plan.strength == 0:
            return untouched(pixels)
        inside = pixels.clamp(0, 1)
        source = inside.expand(-1, 3, -1, -1).to(self.device)
        with self.lock:
            result, damage = self._restore(source, survey, window.to(self.device))
            result, damage = result.clamp(0, 1).cpu(), damage.cpu()
        if pixels.shape[1] == 1:
            result = result.mean(1, keepdim=True)
        elif survey.is_grey:  # a pixel of color that the overview has lost keeps it
            result = torch.where(neutral(pixels), result.mean(1, keepdim=True), result)
        result = result + (pixels - inside)
        if self.plan.strength < 1:
            result = torch.lerp(pixels, result, self.plan.strength)
        if self.plan.only_damage:
            found = damage * within_picture(damage, window)
            mask = damage_mask(found, max(self.plan.damage_threshold, 1e-9), self.plan.damage_margin_px)
            result = torch.where(mask > 0, result, pixels)
        return Treated(result, damage, (result - pixels).abs().amax(1, keepdim=True))

    def _restore(self, source: Tensor, surveyed: Surveyed, window: Tensor) -> tuple[Tensor, Tensor]:
        """Result [1, 3, h, w] and damage [1, 1, h, w] of the stages that the plan names."""
        survey = surveyed.survey
        if not self.plan.repairs:
            return self.network.tone(source, survey, window), torch.zeros_like(source[:, :1])
        marks = surveyed.marks_in(window, *source.shape[2:])
        with self._arithmetic():
            restored = surveyed.restored(self.network, source, window, bool(self.plan.self_ensemble))
        result = restored.picture.float()
        if self.plan.keeps_tone:
            result = self.network.keep_tone(source, restored.toned.float(), result, survey, window)
        return result, restored.damage if marks is None else both_opinions(marks, restored.damage)

    def _arithmetic(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


def _placed(network: N, device: torch.device) -> N:
    """A network that is asked and not trained, on a device."""
    return network.to(device=device, memory_format=torch.channels_last).requires_grad_(False).eval()  # type: ignore[call-overload, no-any-return]


def damage_mask(damage: Tensor, threshold: float, margin_px: int) -> Tensor:
    """1 where the probability [N, 1, h, w] reaches `threshold` within `margin_px` pixels (a square), else 0."""
    mask = (damage >= threshold).float()
    return functional.max_pool2d(mask, 2 * margin_px + 1, stride=1, padding=margin_px) if margin_px else mask


def within_picture(tile: Tensor, window: Tensor) -> Tensor:
    """1 for pixels of [1, c, h, w] inside the picture, 0 where its border was repeated to fill the tile."""
    height, width = tile.shape[2:]
    top, left, bottom, right = window[0].tolist()
    inside = torch.zeros_like(tile[:, :1])
    inside[..., : round(height * (1 - top) / (bottom - top)), : round(width * (1 - left) / (right - left))] = 1
    return inside


def _network(plan: RestorePlan) -> tuple[Restorer, hub.Loaded]:
    """The network of a plan with its weights interpolated, and the first of the models they are of."""
    loaded = [(hub.load(name), share) for name, share in weights.shares(plan)]
    first = loaded[0][0]
    if not isinstance(first.network, Restorer):
        raise WeightsError(
            f"{first.name} is a {first.recipe['network']['name']}, which does not restore.",
            remedy="name a model of the task restore",
        )
    if len(loaded) == 2:
        second, share = loaded[1]
        state = hub.interpolate(first.network, second.network, share)
        hub.load_state(first.network, state, f"{first.name} and {second.name}")
    return first.network, first
