"""What a generator is trained for: to make pictures that a critic cannot tell from the training pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.models.augmentation import augmented
from vasari.models.cards import built
from vasari.models.generators import Generator
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES, gradient_penalty, interpolation_penalty
from vasari.models.picture_critics import ResidualCritic
from vasari.tasks.data.gather import gather
from vasari.tasks.data.picture_set import PictureSet, check_batch
from vasari.tasks.data.provenance import describe_sources
from vasari.tasks.first_weights import first_network
from vasari.tasks.generate.examples import GenerateExamples
from vasari.tasks.generate.judge import Judge
from vasari.tasks.generate.plan import CriticPlan, GeneratePlan
from vasari.tasks.objectives import Batch, Examples, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe

FEWEST_PICTURES = 2
# Penalties are counted `weights["penalty"]` times; R1 and R2 on pixels in 0..1 are four times those on -1..1.
PENALTY_WEIGHTS = {"none": 0.0, "clip": 0.0, "wgan-gp": 10.0, "r1": 1.0, "r1r2": 1.0}


class GenerateObjective(Objective):
    """Train a generator against a critic by one of the adversarial losses.

    The critic's total is critic + penalty, the generator's is adversarial. "balance" is only told: the share of
    pairs in which the critic scores the real picture above the made one (0.5 undecided, 1 it always wins).
    """

    def __init__(
        self,
        generator: Generator,
        critic: nn.Module,
        header: Mapping[str, Any],
        data: Sequence[Path | str],
        plan: GeneratePlan,
    ) -> None:
        self._generator, self._critic, self._header, self._plan = generator, critic, header, plan
        self._data = data
        self._pictures = gather(data, plan.pictures)
        if len(self._pictures) < FEWEST_PICTURES:
            raise PlanError(
                f"There is one picture to learn from: {self._pictures.names[0]}.",
                remedy="name a folder of many pictures with --data; of a single one, `vasari texture` makes more",
            )
        self._judge: Judge | None = None
        self._step, self._augment = 0, 0.0

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"generator": self._generator, "critic": self._critic}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"adversarial": 1.0, "critic": 1.0, "penalty": PENALTY_WEIGHTS[self._plan.penalty], "balance": 0.0}

    @property
    def best(self) -> tuple[str, str]:
        return ("kernel_distance", "min")

    @property
    def turns(self) -> Sequence[Turn]:
        return (
            Turn("critic", (self._critic,), self._critic_losses),
            Turn("generator", (self._generator,), self._generator_losses, every=self._plan.critic_steps),
        )

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        made_from = {"training_pictures": len(self._pictures), "training_data": describe_sources(self._data)}
        return {"generator": {**self._header, "task": "generate", "px": self._generator.px, **made_from}}

    @property
    def pictures(self) -> PictureSet:
        """What is learned from."""
        return self._pictures

    @property
    def data_report(self) -> Sequence[str]:
        return self._pictures.report.lines()

    def examples(self, seed: int) -> Examples:
        return GenerateExamples(self._pictures, self._plan, seed)

    def begin_step(self, step: int, images_seen: int) -> None:
        self._step, self._augment = step, self._plan.augment_share(images_seen)
        self._clip()

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        if self._judge is None:
            self._judge = Judge.of(self._pictures, self._plan)
        generator = networks["generator"]
        if not isinstance(generator, Generator):
            raise TypeError("the network under validation is no generator")
        return self._judge.judge(generator)

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        plan, real = self._plan, self._shown(batch["pictures"])
        with torch.no_grad():
            made = self._made(len(real))
        made = self._shown(made)
        penalized = plan.penalty in ("r1", "r1r2") and self._step % plan.penalty_every == 0
        if penalized:
            real = real.detach().requires_grad_(True)
            made = made.detach().requires_grad_(plan.penalty == "r1r2")
        of_real, of_made = self._critic(real), self._critic(made)
        terms = {
            "critic": CRITIC_LOSSES[plan.adversarial](of_real, of_made),
            "balance": (of_real > of_made).float().mean(),
        }
        if penalized:
            both = [gradient_penalty(of_real, real)]
            both += [gradient_penalty(of_made, made)] if plan.penalty == "r1r2" else []
            terms["penalty"] = torch.stack(both).sum() * plan.penalty_every
        elif plan.penalty == "wgan-gp":
            terms["penalty"] = interpolation_penalty(self._critic, real, made)
        return terms

    def _generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        self._clip()
        real = batch["pictures"]
        of_made = self._critic(self._shown(self._made(len(real))))
        of_real = of_made.detach()
        if self._plan.adversarial == "rpgan":
            with torch.no_grad():
                of_real = self._critic(self._shown(real))
        return {"adversarial": GENERATOR_LOSSES[self._plan.adversarial](of_real, of_made)}

    @torch.no_grad()
    def _clip(self) -> None:
        """Clip the critic's weights before either player uses it (Arjovsky et al. 2017, algorithm 1, line 7)."""
        if self._plan.penalty == "clip":
            for weight in self._critic.parameters():
                weight.clamp_(-self._plan.clip, self._plan.clip)

    def _made(self, count: int) -> Tensor:
        device = next(self._generator.parameters()).device
        return self._generator(torch.randn(count, self._generator.latent, device=device))

    def _shown(self, pictures: Tensor) -> Tensor:
        """Pictures as the critic sees them: augmented, float32."""
        return augmented(pictures.float(), self._augment, self._plan.augmentations)


def build(recipe: Recipe, data: tuple[Path | str, ...]) -> GenerateObjective:
    """The objective of a generate recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(GeneratePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    generator, header = first_network(recipe, Generator, "residual-generator")  # type: ignore[type-abstract]
    if plan.pictures.px != generator.px:
        raise PlanError(
            f"The generator makes pictures of {generator.px} px and is shown pictures of {plan.pictures.px} px.",
            remedy=f"use --set objective.pictures.px={generator.px}",
        )
    critic = _critic(plan.critic, generator)
    objective = GenerateObjective(generator, critic, header, data, plan)
    check_batch(objective.pictures, recipe.train.batch)
    return objective


def _critic(plan: CriticPlan, generator: Generator) -> nn.Module:
    if plan.name == "dcgan-critic":
        return built(plan.name, {"px": generator.px, "width": plan.width, "normalization": plan.normalization})
    critic = built(plan.name, {"widths": plan.widths} if plan.widths else {})
    if not isinstance(critic, ResidualCritic) or critic.px != generator.px:
        raise PlanError(
            f"The critic looks at pictures of another size than the generator's {generator.px} px.",
            remedy="give objective.critic.widths as many widths as the generator has",
        )
    return critic
