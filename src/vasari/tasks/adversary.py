"""The critic of patches as an adversary: what objectives share that make pictures out of pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from vasari.models.cards import NETWORKS
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES, gradient_penalty


class Adversary:
    """A critic of one domain: what it minimizes, and what a maker of pictures minimizes to please it.

    `kind` is a key of `models.losses.CRITIC_LOSSES`. With `penalty_every` above 0 the critic is not spectrally
    normalized and pays a gradient penalty (R1) at every so many steps.
    """

    def __init__(self, kind: str, penalty_every: int = 0, channels: int = 3) -> None:
        self._kind, self._every = kind, penalty_every
        self.critic = NETWORKS["patch-critic"].build(channels=channels, spectral=not penalty_every)

    def losses(self, real: Tensor, made: Tensor, step: int) -> dict[str, Tensor]:
        """The critic's terms, of real and made pictures [N, channels, h, w]: "critic", and at times "penalty".

        "balance" is only told: the share of patches in which it scores the real picture higher, 0.5 where undecided.
        """
        of_real, of_made = self.critic(real), self.critic(made.detach())
        terms = {
            "critic": CRITIC_LOSSES[self._kind](of_real, of_made),
            "balance": (of_real > of_made).float().mean(),
        }
        if self._every and (step + 1) % self._every == 0:
            with torch.autocast(real.device.type, enabled=False):
                shown = real.detach().float().requires_grad_(True)
                # Of the mean over patches: a penalty of their sum would grow with the crop.
                terms["penalty"] = self._every * gradient_penalty(self.critic(shown).mean((1, 2, 3)), shown)
        return terms

    def favor(self, real: Tensor, made: Tensor) -> Tensor:
        """The maker's term for what it made, beside real pictures."""
        with torch.no_grad():
            scores = self.critic(real)
        return GENERATOR_LOSSES[self._kind](scores, self.critic(made))
