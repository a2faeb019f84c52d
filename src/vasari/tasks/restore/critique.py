"""The critic of a restorer: what it minimizes, what holds it, and what the restorer minimizes to please it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from vasari.models import hub
from vasari.models.critics import PatchCritic
from vasari.models.encoders import Encoder
from vasari.models.losses import (
    CRITIC_LOSSES,
    GENERATOR_LOSSES,
    gradient_penalty,
    interpolation_penalty,
    with_steady_gradient,
)
from vasari.models.projected_critic import ProjectedCritic

CRITICS = ("patch", "projected")
# What holds the critic -> default weight of the term "penalty".
PENALTY_WEIGHTS = {"r1": 1.0, "wgan-gp": 10.0, "clip": 0.0}


class CritiqueOptions(Protocol):
    """What of a plan the critic depends on: see `RestoreObjectivePlan`."""

    @property
    def adversarial(self) -> str: ...
    @property
    def critic(self) -> str: ...
    @property
    def conditional(self) -> bool: ...
    @property
    def steady(self) -> bool: ...
    @property
    def penalty(self) -> str: ...
    @property
    def penalty_every(self) -> int: ...
    @property
    def clip(self) -> float: ...


class Critique:
    """A critic of clean and restored patches, [N, 3, h, w] in 0..1, with its losses.

    `given`, the patches that the restored ones were made from, is shown to a conditional critic alone.
    """

    def __init__(self, options: CritiqueOptions) -> None:
        self._options = options
        self._step = 0
        self.critic = _critic_of(options)

    def begin_step(self, step: int) -> None:
        """Told before each step; with `clip` the weights are clipped before the step that uses them."""
        self._step = step
        if self._options.penalty == "clip":
            self._clip()

    def losses(self, clean: Tensor, made: Tensor, given: Tensor) -> dict[str, Tensor]:
        """The critic's terms: "critic" and "penalty"."""
        of_clean, of_made = self._scores(clean, given), self._scores(made, given)
        terms = {"critic": CRITIC_LOSSES[self._options.adversarial](of_clean, of_made)}
        with torch.autocast(made.device.type, enabled=False):
            terms["penalty"] = self._penalty(clean, made, given)
        return terms

    def favor(self, clean: Tensor, made: Tensor, given: Tensor) -> dict[str, Tensor]:
        """The restorer's terms: "adversarial" and, of a projected critic, "perceptual", the distance of features."""
        with torch.no_grad():
            real = self._scores(clean, given)
        # Detached: what is given must not be moved so that the critic likes what was made of it.
        adversarial = GENERATOR_LOSSES[self._options.adversarial](real, self._scores(made, given.detach()))
        if self._options.steady:
            adversarial = with_steady_gradient(adversarial, made)
        terms = {"adversarial": adversarial}
        if isinstance(self.critic, ProjectedCritic):
            terms["perceptual"] = self.critic.distance(made, clean)
        return terms

    def _scores(self, pixels: Tensor, given: Tensor) -> Tensor:
        scores: Tensor = self.critic(pixels, given) if self._options.conditional else self.critic(pixels)
        return scores

    def _penalty(self, clean: Tensor, made: Tensor, given: Tensor) -> Tensor:
        options = self._options
        if options.penalty == "wgan-gp":
            # Of the mean over patches, as a critic of whole pictures would say.
            return interpolation_penalty(lambda pixels: self.critic(pixels).mean((1, 2, 3)), clean, made)
        if options.penalty == "r1" and options.penalty_every and (self._step + 1) % options.penalty_every == 0:
            real = clean.requires_grad_(True)
            return options.penalty_every * gradient_penalty(self._scores(real, given), real)
        return clean.new_zeros(())

    @torch.no_grad()
    def _clip(self) -> None:
        """Arjovsky et al. 2017, algorithm 1, line 7."""
        for weight in self.critic.parameters():
            if weight.requires_grad:
                weight.clamp_(-self._options.clip, self._options.clip)


def _critic_of(options: CritiqueOptions) -> nn.Module:
    """A fresh critic; the projected one has the bundled encoder's eye. Raises `WeightsError` where that is missing."""
    if options.critic == "patch":
        return PatchCritic(spectral=options.penalty == "r1")
    encoder = hub.load("encoder").network
    if not isinstance(encoder, Encoder):
        raise TypeError("the bundled encoder is no Encoder")
    return ProjectedCritic(encoder, conditional=options.conditional)
