"""What the three methods of translation share: the data, the header, the validation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vasari.models.translators import Translator
from vasari.tasks.objectives import Batch, Examples, Objective, Validation
from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.plan import TranslateObjectivePlan

VALIDATION_SEED = 2**40  # no run's seed: these crops, and what is done to them, are not those of the training
VALIDATION_EXAMPLES = 16
SHOWN = 8


class TranslateObjective(Objective):
    """Data, header and step of every method; a method adds its networks, turns, weights and how it is judged."""

    def __init__(self, header: Mapping[str, Any], domains: Domains, plan: TranslateObjectivePlan) -> None:
        self._header, self._domains, self._plan = header, domains, plan
        self._step = 0

    @property
    def data_report(self) -> Sequence[str]:
        return self._domains.lines()

    def examples(self, seed: int) -> Examples:
        return self._domains.examples(seed)

    def begin_step(self, step: int, images_seen: int) -> None:
        self._step = step

    def _weights(self, adversarial: float, content: Mapping[str, float]) -> dict[str, float]:
        """The weights of a method; those of the terms that hold the content are left out where it is replaced."""
        penalty = {"penalty": 1.0} if self._plan.penalty_every else {}
        held = content if self._plan.keeps_content else {}
        return {"adversarial": adversarial, "critic": 1.0, "balance": 0.0, "variation": 0.0, **penalty, **held}

    def _header_towards(self, direction: str) -> dict[str, Any]:
        made = {"method": self._plan.method, "content": self._plan.content, "direction": direction}
        return {**self._header, "task": "translate", "working_px": self._plan.working_px, **made}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        examples = self._domains.examples(VALIDATION_SEED)
        items = [examples[index] for index in range(VALIDATION_EXAMPLES)]
        device = next(next(iter(networks.values())).parameters()).device
        batch = {name: torch.stack([one[name] for one in items]).to(device) for name in ("source", "target")}
        metrics, columns = self.judged(networks, batch)
        grid = torch.stack([one[:SHOWN].float().cpu().clamp(0, 1) for one in columns.values()], 1)
        return Validation({name: float(value) for name, value in metrics.items()}, {"_".join(columns): grid})

    @abstractmethod
    def judged(
        self, networks: Mapping[str, nn.Module], batch: Batch
    ) -> tuple[Mapping[str, float | Tensor], Mapping[str, Tensor]]:
        """Numbers by name, and the columns of the grid by name, of a fixed batch and `networks` in evaluation mode."""


def as_translator(network: nn.Module) -> Translator:
    """The network, which must be a `Translator`."""
    if not isinstance(network, Translator):
        raise TypeError("the network under validation is no Translator")
    return network


def margin(critic: nn.Module, real: Tensor, made: Tensor) -> Tensor:
    """By how much a critic scores real pictures above made ones, in the mean; near 0 it is fooled, or asleep."""
    return critic(real).mean() - critic(made).mean()
