"""CUT: one translator, one critic, and content held by comparing patches instead of by coming back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.models.losses_translation import (
    PatchProjection,
    drawn_places,
    mean_absolute,
    patch_contrast,
    total_variation,
)
from vasari.models.translators import Translator
from vasari.tasks.adversary import Adversary
from vasari.tasks.objectives import Batch, Turn
from vasari.tasks.translate.common import TranslateObjective, as_translator, margin
from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.plan import TranslateObjectivePlan


class ContrastiveObjective(TranslateObjective):
    """Contrastive unpaired translation (Park et al. 2020, arXiv:2007.15651, eq. 5).

    10 × adversarial + contrastive + 0.5 × identity (in the paper 1 each; a spectrally normalized critic pushes less,
    and at 2 a residual translator hardly left its source): the result's patches must be told from other
    patches of their source by the translator's own features, and so must those of a translated picture of the target.
    Departs from the paper in size too: four layers of the encoder, 64 places each, heads of 128. With content="replace"
    contrastive and identity are left out.
    """

    def __init__(
        self, translator: Translator, header: Mapping[str, Any], domains: Domains, plan: TranslateObjectivePlan
    ) -> None:
        super().__init__(header, domains, plan)
        self._translator = translator
        self._layers = compared_layers(translator, plan)
        channels = tuple(translator.layer_channels[layer] for layer in self._layers)
        self._projection = PatchProjection(channels) if plan.keeps_content else None
        self._adversary = Adversary(plan.adversarial, plan.penalty_every)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        projection = {"projection": self._projection} if self._projection else {}
        return {"translator": self._translator, "critic": self._adversary.critic, **projection}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("translator",)

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"translator": self._header_towards("source to target")}

    @property
    def weights(self) -> Mapping[str, float]:
        return self._weights(10.0, {"contrastive": 1.0, "identity": 0.5})

    @property
    def turns(self) -> Sequence[Turn]:
        learners = (self._translator, self._projection) if self._projection else (self._translator,)
        return (
            Turn("critic", (self._adversary.critic,), self._critic_losses, rate=self._plan.critic_rate),
            Turn("translate", learners, self._translator_losses),
        )

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self._translator(batch["source"])
        return self._adversary.losses(batch["target"], made, self._step)

    def _translator_losses(self, batch: Batch) -> dict[str, Tensor]:
        source, target = batch["source"], batch["target"]
        if self._projection is None:
            made, terms = self._translator(source), {}
        else:
            both = torch.cat([source, target])  # in one pass, as the authors' own program does it
            made_of_both = self._translator(both)
            contrastive, identity = self._contrasts(self._projection, made_of_both, both)
            made, terms = made_of_both[: len(source)], {"contrastive": contrastive, "identity": identity}
        favor = self._adversary.favor(target, made)
        return {"adversarial": favor, "variation": total_variation(made), **terms}

    def _contrasts(self, projection: PatchProjection, made: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
        """PatchNCE between what was made and what was given, of each half of a batch [2·N, 3, h, w].

        Mean over the layers; the given side is taken as it is, no gradient goes there.
        """
        queries = self._translator.features(made, self._layers)
        with torch.no_grad():
            keys = self._translator.features(given, self._layers)
            places = drawn_places(keys, self._plan.places)
            known = projection(keys, places)
        pairs = [(q.chunk(2), k.chunk(2)) for q, k in zip(projection(queries, places), known)]
        halves = [
            torch.stack([patch_contrast(q[half], k[half], self._plan.temperature) for q, k in pairs]).mean()
            for half in (0, 1)
        ]
        return halves[0], halves[1]

    def judged(
        self, networks: Mapping[str, nn.Module], batch: Batch
    ) -> tuple[Mapping[str, float | Tensor], Mapping[str, Tensor]]:
        translator = as_translator(networks["translator"])
        source, target = batch["source"], batch["target"]
        made, kept = translator(source), translator(target)
        metrics = {
            "change": mean_absolute(made, source),
            "identity": mean_absolute(kept, target),
            "margin": margin(networks["critic"], target, made),
        }
        return metrics, {"source": source, "made": made, "target": target, "kept": kept}


def compared_layers(translator: Translator, plan: TranslateObjectivePlan) -> tuple[int, ...]:
    """The layers that the plan names, in rising order; else pixels, entry, the trunk's entry and its middle block.

    Raises ValueError for a layer that the translator does not have.
    """
    last = len(translator.layer_channels) - 1
    layers = tuple(sorted(set(plan.layers))) or (0, 1, 2, (last + 3) // 2)
    if layers[-1] > last:
        raise ValueError(f"layers={list(plan.layers)}: the last layer of this translator is {last}")
    return layers
