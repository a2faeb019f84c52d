"""Objectives that go wrong in earnest, for the tests of stability: in two dimensions, so that it takes a second.

Data are eight points on a circle. A generator may learn them, collapse, or face a critic that wins; a regression may
diverge. Also a program, to be started twice at once:

    python troubled_objectives.py KIND RUN OPTIONS_AS_JSON
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.runs import RunFolder
from vasari.tasks import set_metrics
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import train

MODES = 8


def ring(indices: Tensor, noise: Tensor) -> Tensor:
    angles = 2 * math.pi * indices / MODES
    return torch.stack([angles.cos(), angles.sin()], -1) + 0.05 * noise


class Points:
    def __init__(self, seed: int, on_item: Callable[[int], None] | None = None) -> None:
        self.seed, self.on_item = seed, on_item

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if self.on_item is not None:
            self.on_item(index)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        mode = torch.randint(MODES, (), generator=generator)
        return {"points": ring(mode, torch.randn(2, generator=generator)), "index": torch.tensor(index)}


def perceptron(seed: int, inputs: int, outputs: int, width: int = 32) -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs)
        )


class Adversaries(Objective):
    """A generator of points and its critic, of the non-saturating kind with R1, at the rates given."""

    on_item: Callable[[int], None] | None = None
    told: tuple[str, ...] = ()

    def __init__(self, critic_rate: float = 1.0, generator_rate: float = 1.0, r1: float = 0.1) -> None:
        self.generator, self.critic = perceptron(1, 4, 2), perceptron(2, 2, 1)
        self.rates, self.r1 = (critic_rate, generator_rate), r1

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"critic": 1.0, "adversarial": 1.0, "r1": self.r1, "balance": 0.0}

    @property
    def turns(self) -> list[Turn]:
        return [
            Turn("critic", [self.critic], self.critic_losses, rate=self.rates[0]),
            Turn("generator", [self.generator], self.generator_losses, rate=self.rates[1]),
        ]

    @property
    def data_report(self) -> tuple[str, ...]:
        return self.told

    def examples(self, seed: int) -> Points:
        return Points(seed, self.on_item)

    def made(self, count: int) -> Tensor:
        return self.generator(torch.randn(count, 4))

    def critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        real = batch["points"].clone().requires_grad_(True)
        with torch.no_grad():
            made = self.made(len(real))
        of_real, of_made = self.critic(real), self.critic(made)
        (slope,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
        return {
            "critic": functional.softplus(-of_real).mean() + functional.softplus(of_made).mean(),
            "r1": slope.square().sum(1).mean(),
            "balance": (of_real > of_made).float().mean(),
        }

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"adversarial": functional.softplus(-self.critic(self.made(len(batch["points"])))).mean()}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        generator = torch.Generator().manual_seed(5)
        real = torch.stack([Points(77)[index]["points"] for index in range(64)])
        found = networks["generator"](torch.randn(64, 4, generator=generator))
        squares = torch.rand(4, 3, 8, 8, generator=generator)
        pairs = torch.rand(2, 4, 3, 8, 8, generator=generator)
        return Validation(set_metrics.compare_sets(real, found), {"samples": squares, "nearest": pairs})


class Collapsing(Adversaries):
    """A generator that is paid for making the same point of all noise, once it has seen enough."""

    def __init__(self, collapses_at_images: int = 0) -> None:
        super().__init__()
        self.collapses_at_images, self.images_seen = collapses_at_images, 0

    def begin_step(self, step: int, images_seen: int) -> None:
        self.images_seen = images_seen

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        made = self.made(len(batch["points"]))
        pull = 10.0 if self.images_seen >= self.collapses_at_images else 0.0
        return {"adversarial": functional.softplus(-self.critic(made)).mean() + pull * made.var(0).sum()}


class Regression(Objective):
    """Points mirrored, by a linear map whose rate may be too high; `poisoned` items spoil the loss."""

    on_item: Callable[[int], None] | None = None

    def __init__(self, poisoned: range = range(0), poison: float = math.nan) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.network = nn.Linear(2, 2)
        self.poisoned, self.poison = poisoned, poison

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"network": self.network}

    @property
    def weights(self) -> Mapping[str, float]:
        return {"content": 1.0}

    @property
    def best(self) -> tuple[str, str]:
        return ("error", "min")

    @property
    def turns(self) -> list[Turn]:
        return [Turn("network", [self.network], self.losses)]

    def examples(self, seed: int) -> Points:
        return Points(seed, self.on_item)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        points = batch["points"]
        error = (self.network(points + 0.01 * torch.randn_like(points)) - points.flip(1)).square().mean()
        spoiled = [int(index) in self.poisoned for index in batch["index"]]
        return {"content": error * self.poison if any(spoiled) else error}

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        points = torch.stack([Points(77)[index]["points"] for index in range(16)])
        return Validation({"error": float((networks["network"](points) - points.flip(1)).square().mean())})


KINDS: Mapping[str, Callable[[], Objective]] = {
    "collapsing": lambda: Collapsing(1600),
    "regression": Regression,
}


def main(kind: str, run: str, options: str) -> None:
    train(KINDS[kind](), TrainPlan(**json.loads(options)), RunFolder(Path(run)), resume=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
