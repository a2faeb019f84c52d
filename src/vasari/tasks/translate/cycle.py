"""CycleGAN: two translators, there and back, and a critic for each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.models.losses_translation import mean_absolute, total_variation
from vasari.models.translators import Translator
from vasari.tasks.adversary import Adversary
from vasari.tasks.objectives import Batch, Turn
from vasari.tasks.translate.common import TranslateObjective, as_translator, margin
from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.plan import TranslateObjectivePlan


class CycleObjective(TranslateObjective):
    """Unpaired translation by cycles (Zhu et al. 2017, arXiv:1703.10593, eq. 3 and section 5.2).

    4 × adversarial + 5 × cycle + identity (in the paper 1, 10 and 5, by which a short training hardly departs from
    the source), each the sum over both directions. Departs from the paper too in that the critics see only what was
    made just now: a buffer of past results (Shrivastava et al. 2017, arXiv:1612.07828, 2.3) would be state beside the
    networks, and a run could no longer resume to the same curve. With content="replace" cycle and identity are left
    out: two translators that need not come back.
    """

    def __init__(
        self,
        forth: Translator,
        back: Translator,
        header: Mapping[str, Any],
        domains: Domains,
        plan: TranslateObjectivePlan,
    ) -> None:
        super().__init__(header, domains, plan)
        self._forth, self._back = forth, back
        self._of_target = Adversary(plan.adversarial, plan.penalty_every)
        self._of_source = Adversary(plan.adversarial, plan.penalty_every)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        critics = {"critic_of_target": self._of_target.critic, "critic_of_source": self._of_source.critic}
        return {"forth": self._forth, "back": self._back, **critics}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("forth", "back")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        directions = {"forth": "source to target", "back": "target to source"}
        return {name: self._header_towards(direction) for name, direction in directions.items()}

    @property
    def weights(self) -> Mapping[str, float]:
        return self._weights(4.0, {"cycle": 5.0, "identity": 1.0})

    @property
    def turns(self) -> Sequence[Turn]:
        critics = (self._of_target.critic, self._of_source.critic)
        return (
            Turn("critic", critics, self._critic_losses, rate=self._plan.critic_rate),
            Turn("translate", (self._forth, self._back), self._translator_losses),
        )

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch["source"], batch["target"]
        with torch.no_grad():
            made_target, made_source = self._forth(source), self._back(target)
        one = self._of_target.losses(target, made_target, self._step)
        other = self._of_source.losses(source, made_source, self._step)
        terms = {name: one[name] + other[name] for name in one}
        return terms | {"balance": terms["balance"] / 2}

    def _translator_losses(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch["source"], batch["target"]
        made_target, made_source = self._forth(source), self._back(target)
        terms = {
            "adversarial": self._of_target.favor(target, made_target) + self._of_source.favor(source, made_source),
            "variation": total_variation(made_target) + total_variation(made_source),
        }
        if self._plan.keeps_content:
            terms["cycle"] = mean_absolute(self._back(made_target), source) + mean_absolute(
                self._forth(made_source), target
            )
            terms["identity"] = mean_absolute(self._forth(target), target) + mean_absolute(self._back(source), source)
        return terms

    def judged(
        self, networks: Mapping[str, nn.Module], batch: Batch
    ) -> tuple[Mapping[str, float | Tensor], Mapping[str, Tensor]]:
        forth, back = as_translator(networks["forth"]), as_translator(networks["back"])
        source, target = batch["source"], batch["target"]
        made, returned = forth(source), back(forth(source))
        other, other_returned = back(target), forth(back(target))
        metrics = {
            "change": mean_absolute(made, source),
            "change_back": mean_absolute(other, target),
            "cycle": mean_absolute(returned, source),
            "cycle_back": mean_absolute(other_returned, target),
            "identity": mean_absolute(forth(target), target),
            "margin": margin(networks["critic_of_target"], target, made),
            "margin_back": margin(networks["critic_of_source"], source, other),
        }
        columns = {"source": source, "made": made, "back": returned, "target": target, "other": other}
        return metrics, columns
