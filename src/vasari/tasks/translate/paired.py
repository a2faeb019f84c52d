"""pix2pix: a translator that learns from pairs, and a critic that sees both sides of a pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.models.losses_translation import mean_absolute, total_variation
from vasari.models.translators import Translator
from vasari.tasks.adversary import Adversary
from vasari.tasks.metrics import peak_signal_noise_ratio, structural_similarity
from vasari.tasks.objectives import Batch, Turn
from vasari.tasks.translate.common import TranslateObjective, as_translator, margin
from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.plan import TranslateObjectivePlan

HIGHEST_DECIBEL = 60.0


class PairedObjective(TranslateObjective):
    """Image-to-image translation with pairs (Isola et al. 2017, arXiv:1611.07004, eq. 4).

    0.5 × adversarial + 10 × content (the L1 to the true target; in the paper 1 to 100, which leaves the critic
    unheard in a short training), with a critic of (source, picture). Departs from the paper in that no noise and no
    dropout enter the translator: the paper itself found that noise is ignored. With content="replace" the L1 is left
    out.
    """

    def __init__(
        self, translator: Translator, header: Mapping[str, Any], domains: Domains, plan: TranslateObjectivePlan
    ) -> None:
        super().__init__(header, domains, plan)
        self._translator = translator
        self._adversary = Adversary(plan.adversarial, plan.penalty_every, channels=6)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"translator": self._translator, "critic": self._adversary.critic}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("translator",)

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"translator": self._header_towards("source to target")}

    @property
    def best(self) -> tuple[str, str]:
        return ("l1", "min")

    @property
    def weights(self) -> Mapping[str, float]:
        return self._weights(0.5, {"content": 10.0})

    @property
    def turns(self) -> Sequence[Turn]:
        return (
            Turn("critic", (self._adversary.critic,), self._critic_losses, rate=self._plan.critic_rate),
            Turn("translate", (self._translator,), self._translator_losses),
        )

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch["source"], batch["target"]
        with torch.no_grad():
            made = self._translator(source)
        return self._adversary.losses(_together(source, target), _together(source, made), self._step)

    def _translator_losses(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch["source"], batch["target"]
        made = self._translator(source)
        terms = {
            "adversarial": self._adversary.favor(_together(source, target), _together(source, made)),
            "variation": total_variation(made),
        }
        if self._plan.keeps_content:
            terms["content"] = mean_absolute(made, target)
        return terms

    def judged(
        self, networks: Mapping[str, nn.Module], batch: Batch
    ) -> tuple[Mapping[str, float | Tensor], Mapping[str, Tensor]]:
        source, target = batch["source"], batch["target"]
        made = as_translator(networks["translator"])(source)
        metrics = {
            "psnr": _decibel(made, target),
            "psnr_source": _decibel(source, target),
            "ssim": structural_similarity(made, target).mean(),
            "ssim_source": structural_similarity(source, target).mean(),
            "l1": mean_absolute(made, target),
            "l1_source": mean_absolute(source, target),
            "margin": margin(networks["critic"], _together(source, target), _together(source, made)),
        }
        return metrics, {"source": source, "made": made, "truth": target}


def _together(source: Tensor, picture: Tensor) -> Tensor:
    return torch.cat([source, picture.to(source.dtype)], 1)


def _decibel(made: Tensor, truth: Tensor) -> Tensor:
    return peak_signal_noise_ratio(made, truth).clamp(max=HIGHEST_DECIBEL).mean()
