"""What an inpainter is trained for: the truth inside the hole, its structure, its features, a critic's favor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, from_dict, option
from vasari.models.cards import NETWORKS
from vasari.models.feature_networks import FeatureNetwork, feature_distance, load_features
from vasari.models.inpainters import Inpainter, coarser, enlarged, smooth_fill
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES, log_mean_square, structural_dissimilarity
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.first_weights import first_network
from vasari.tasks.inpaint.examples import ExamplesPlan, InpaintExamples
from vasari.tasks.inpaint.masks import free_form
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.restore.examples import load_photographs

# Every so manieth photograph is only validated on.
VALIDATION_EVERY = 20
VALIDATION_PX = 192
VALIDATION_COVERAGES = (0.15, 0.4)
HOLE_FLOOR = 3e-4  # mean square error inside the hole below which no more is to be gained
# Of every five steps, these are taken from the network's own fill of the picture at half its size.
REFINING_STEPS = (1, 3)


@dataclass(frozen=True)
class InpaintObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh weights")
    features: str = option("", "file of a feature network for the perceptual term; empty for no such term")
    features_every: int = option(2, "steps between perceptual terms, which then count so many times", minimum=1)
    adversarial: str = option("", "kind of adversarial loss; empty for none", choices=("", *CRITIC_LOSSES))
    examples: ExamplesPlan = field(default_factory=ExamplesPlan)

    def __post_init__(self) -> None:
        check(self)


class InpaintObjective(Objective):
    """Train an inpainter on photographs with holes, with or without features and a critic.

    The total is hole + level + structure (+ features) (+ adversarial), each with its weight. What surrounds
    the hole is the photograph's own, so nothing is asked of it; structure, features and critic see the whole
    patch, and with it the hole's border. In two of five steps the first fill is the network's own fill of
    the picture at half its size, as it is in use on larger pictures; in the others it is the smooth one.
    """

    def __init__(
        self,
        inpainter: Inpainter,
        header: Mapping[str, Any],
        data: tuple[Path, ...],
        plan: InpaintObjectivePlan,
    ) -> None:
        self._inpainter, self._header, self._data, self._plan = inpainter, header, data, plan
        self._critic = NETWORKS["patch-critic"].build() if plan.adversarial else None
        self._features: FeatureNetwork | None = load_features(plan.features) if plan.features else None
        photographs = load_photographs(data, plan.examples.exclude)
        names = list(photographs)
        held = names[:: min(VALIDATION_EVERY, len(names))]
        self._held = {name: photographs[name] for name in held}
        self._shown = {name: one for name, one in photographs.items() if name not in self._held} or photographs
        self._refining = False
        self._comparing_features = True

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"inpainter": self._inpainter} | ({"critic": self._critic} if self._critic else {})

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"features": self._features} if self._features else {}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("inpainter",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"hole": 4.0, "level": 0.5, "structure": 1.5, "features": 0.8, "adversarial": 0.01, "critic": 1.0}

    @property
    def best(self) -> tuple[str, str]:
        return ("psnr", "max")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        made_from = {"training_pictures": len(self._shown), "training_data": describe_sources(self._data)}
        return {"inpainter": {**self._header, "task": "inpaint", **made_from}}

    @property
    def turns(self) -> Sequence[Turn]:
        inpaint = Turn("inpaint", (self._inpainter,), self._inpaint_losses)
        if self._critic is None:
            return (inpaint,)
        return (Turn("critic", (self._critic,), self._critic_losses, rate=2.0), inpaint)

    def begin_step(self, step: int, images_seen: int) -> None:
        self._refining = step % 5 in REFINING_STEPS
        self._comparing_features = step % self._plan.features_every == 0

    def examples(self, seed: int) -> InpaintExamples:
        return InpaintExamples(self._shown, self._plan.examples, seed)

    def _first_fill(self, pictures: Tensor, masks: Tensor) -> Tensor:
        """The smooth fill, or in a refining step the network's own fill at half the size, enlarged."""
        if not self._refining:
            return smooth_fill(pictures, masks)
        with torch.no_grad():
            small, small_masks = coarser(pictures, masks)
            small = self._inpainter(smooth_fill(small, small_masks), small_masks)
        return torch.where(masks > 0, enlarged(small, pictures.shape[2:]), pictures)

    def _inpaint_losses(self, batch: Batch) -> dict[str, Tensor]:
        truth, masks = batch["pictures"], batch["masks"]
        made = self._inpainter(self._first_fill(truth, masks), masks)
        area = masks.flatten(1).sum(1).clamp(min=1)
        terms = {
            "hole": ((made - truth).abs().flatten(1).sum(1) / (3 * area)).mean(),
            "level": level(made, truth, masks),
            "structure": structural_dissimilarity(made, truth) / masks.mean().clamp(min=0.02),
        }
        if self._features is not None:
            terms["features"] = self._feature_term(made, truth, masks)
        if self._critic is not None:
            favor = GENERATOR_LOSSES[self._plan.adversarial]
            with torch.no_grad():
                real = self._critic(truth)
            terms["adversarial"] = favor(real, self._critic(made))
        return terms

    def _feature_term(self, made: Tensor, truth: Tensor, masks: Tensor) -> Tensor:
        """The distance in features inside the hole, at every `features_every`-th step; 0 at the others."""
        if self._features is None or not self._comparing_features:
            return made.new_zeros(())
        made, truth = (one.contiguous(memory_format=torch.channels_last) for one in (made, truth))
        with torch.no_grad():
            wanted = self._features(truth)
        return self._plan.features_every * feature_distance(self._features(made), wanted, masks).mean()

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        critic = self._critic
        if critic is None:
            raise PlanError("There is no critic to train.", remedy="set objective.adversarial to a kind of loss")
        truth, masks = batch["pictures"], batch["masks"]
        with torch.no_grad():
            made = self._inpainter(self._first_fill(truth, masks), masks)
        return {"critic": CRITIC_LOSSES[self._plan.adversarial](critic(truth), critic(made))}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        inpainter = networks["inpainter"]
        if not isinstance(inpainter, Inpainter):
            raise TypeError("the inpainter under validation is no Inpainter")
        device = next(inpainter.parameters()).device
        scores: dict[str, list[float]] = {}
        grid: list[Tensor] = []
        for position, picture in enumerate(self._held.values()):
            truth = _square(picture).to(device)
            for coverage in VALIDATION_COVERAGES:
                rng = np.random.default_rng([position, round(100 * coverage)])
                mask = torch.from_numpy(free_form(rng, VALIDATION_PX, VALIDATION_PX, coverage)).to(device)
                mask = mask[None, None].float()
                smooth = smooth_fill(truth, mask)
                made = inpainter(smooth, mask).clamp(0, 1)
                for name, one in (("psnr", made), ("psnr_smooth", smooth)):
                    decibels = float(-10 * level(one, truth, mask, floor=1e-6))
                    scores.setdefault(name, []).append(decibels)
                    scores.setdefault(f"{name}_{round(100 * coverage)}", []).append(decibels)
                if position < 6:
                    grid.append(torch.cat([truth * (1 - mask), smooth, made, truth]).cpu())
        metrics = {name: sum(values) / len(values) for name, values in scores.items()}
        return Validation(metrics, {"given_smooth_filled_truth": torch.stack(grid)})


def level(made: Tensor, truth: Tensor, masks: Tensor, floor: float = HOLE_FLOOR) -> Tensor:
    """`log_mean_square` of the hole alone: minus a tenth of the mean PSNR inside it; [N, 3, h, w] -> scalar."""
    share = masks.flatten(1).mean(1).clamp(min=1e-6)[:, None, None, None]
    return log_mean_square(made * masks / share.sqrt(), truth * masks / share.sqrt(), floor)


def _square(picture: np.ndarray) -> Tensor:
    """The middle square of a picture uint8 [rows, columns, 3] at `VALIDATION_PX`: [1, 3, p, p] in 0..1."""
    side = min(picture.shape[:2])
    top, left = ((size - side) // 2 for size in picture.shape[:2])
    pixels = torch.from_numpy(picture[top : top + side, left : left + side].copy()).permute(2, 0, 1)[None]
    return functional.interpolate(pixels.float() / 255, (VALIDATION_PX, VALIDATION_PX), mode="area")


def build(recipe: Recipe, data: tuple[Path, ...]) -> InpaintObjective:
    """The objective of an inpaint recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(InpaintObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    inpainter, header = first_network(recipe, Inpainter, "inpainter", plan.start_from)
    return InpaintObjective(inpainter, header, data, plan)
