"""Five small objectives for the tests of the one loop; also a program, to be killed or started twice.

python toy_objectives.py KIND RUN OPTIONS_AS_JSON
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.runs import RunFolder
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import train

SIDE_PX = 8


class Pairs:
    """Item i: a flat color, the same with noise, and another picture of vertical stripes."""

    def __init__(self, seed: int, pause_seconds: float = 0.0, on_item: Callable[[int], None] | None = None) -> None:
        self.seed, self.pause_seconds, self.on_item = seed, pause_seconds, on_item

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if self.on_item is not None:
            self.on_item(index)
        time.sleep(self.pause_seconds)
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        clean = torch.rand(3, 1, 1, generator=generator).expand(3, SIDE_PX, SIDE_PX)
        stripes = torch.rand(3, 1, SIDE_PX, generator=generator).expand(3, SIDE_PX, SIDE_PX)
        noise = torch.randn(3, SIDE_PX, SIDE_PX, generator=generator)
        return {"clean": clean.clone(), "noisy": clean + 0.1 * noise, "stripes": stripes.clone()}


def small_network(seed: int, outputs: int = 3) -> nn.Sequential:
    """3 → outputs channels, with a batch normalization, so that there are buffers to resume."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.GELU(), nn.Conv2d(8, outputs, 3, padding=1)
        )


def plain_network(seed: int, outputs: int = 3) -> nn.Sequential:
    """Without batch statistics: several processes give what one gives."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GELU(), nn.Conv2d(8, outputs, 3, padding=1))


class Toy(Objective):
    """What the toys share: their data."""

    pause_seconds = 0.0
    on_item: Callable[[int], None] | None = None

    def examples(self, seed: int) -> Pairs:
        return Pairs(seed, self.pause_seconds, self.on_item)


class Restoration(Toy):
    """One network, one term, an average, a validation, weights to publish; with noise drawn in the loss."""

    noise = 0.01
    build = staticmethod(small_network)

    def __init__(self) -> None:
        self.network = self.build(1)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"restorer": self.network}

    @property
    def turns(self) -> list[Turn]:
        return [Turn("restorer", [self.network], self.losses)]

    @property
    def weights(self) -> Mapping[str, float]:
        return {"content": 1.0, "smoothness": 0.0}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("restorer",)

    @property
    def best(self) -> tuple[str, str]:
        return ("error", "min")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"restorer": {"network": {"name": "toy", "options": {}}}}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        noisy = batch["noisy"]
        restored = self.network(noisy + self.noise * torch.randn_like(noisy)).float()
        return {
            "content": (restored - batch["clean"]).abs().mean(),
            "smoothness": (restored[..., 1:] - restored[..., :-1]).square().mean(),
        }

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        item = Pairs(99)[0]
        restored = networks["restorer"](item["noisy"][None])
        error = float((restored - item["clean"]).abs().mean())
        return Validation({"error": error}, {"pairs": torch.cat([item["noisy"][None], restored])})


class PlainRestoration(Restoration):
    """Nothing that depends on the process: no noise, no batch statistics."""

    noise = 0.0
    build = staticmethod(plain_network)


class Paired(Toy):
    """A least-squares critic that sees input and output, and a generator near the truth (pix2pix)."""

    def __init__(self) -> None:
        self.generator = small_network(1)
        with torch.random.fork_rng():
            torch.manual_seed(2)
            self.critic = nn.utils.parametrizations.spectral_norm(nn.Conv2d(6, 1, 3))

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    @property
    def turns(self) -> list[Turn]:
        return [
            Turn("critic", [self.critic], self.critic_losses, rate=2.0),
            Turn("generator", [self.generator], self.generator_losses, starts_at_images=4),
        ]

    @property
    def weights(self) -> Mapping[str, float]:
        return {"critic": 1.0, "adversarial": 0.1, "content": 10.0}

    def critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self.generator(batch["noisy"])
        real = self.critic(torch.cat([batch["noisy"], batch["clean"]], 1))
        fake = self.critic(torch.cat([batch["noisy"], made], 1))
        return {"critic": (real - 1).square().mean() + fake.square().mean()}

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        made = self.generator(batch["noisy"])
        fake = self.critic(torch.cat([batch["noisy"], made], 1))
        return {"adversarial": (fake - 1).square().mean(), "content": (made - batch["clean"]).abs().mean()}


class Unpaired(Toy):
    """Two generators, two critics, and the way back (CycleGAN)."""

    def __init__(self) -> None:
        self.forth, self.back = small_network(1), small_network(2)
        self.critics = nn.ModuleDict({"flat": plain_network(3, 1), "striped": plain_network(4, 1)})

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"forth": self.forth, "back": self.back, "critics": self.critics}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("forth", "back")

    @property
    def turns(self) -> list[Turn]:
        return [
            Turn("critics", [self.critics], self.critic_losses),
            Turn("generators", [self.forth, self.back], self.generator_losses),
        ]

    @property
    def weights(self) -> Mapping[str, float]:
        return {"critic": 1.0, "adversarial": 1.0, "cycle": 10.0, "identity": 5.0}

    def critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            striped, flat = self.forth(batch["clean"]), self.back(batch["stripes"])
        pairs = (("striped", batch["stripes"], striped), ("flat", batch["clean"], flat))
        terms = [
            functional.softplus(-self.critics[name](real)).mean() + functional.softplus(self.critics[name](made)).mean()
            for name, real, made in pairs
        ]
        return {"critic": torch.stack(terms).sum()}

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        striped, flat = self.forth(batch["clean"]), self.back(batch["stripes"])
        return {
            "adversarial": functional.softplus(-self.critics["striped"](striped)).mean()
            + functional.softplus(-self.critics["flat"](flat)).mean(),
            "cycle": (self.back(striped) - batch["clean"]).abs().mean()
            + (self.forth(flat) - batch["stripes"]).abs().mean(),
            "identity": (self.forth(batch["stripes"]) - batch["stripes"]).abs().mean(),
        }


class Style(Toy):
    """Gram matrices of a fixed network, no critic."""

    def __init__(self) -> None:
        self.stylizer, self.features = small_network(1), plain_network(5, 8)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"stylizer": self.stylizer}

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"features": self.features}

    @property
    def turns(self) -> list[Turn]:
        return [Turn("stylizer", [self.stylizer], self.losses)]

    @property
    def weights(self) -> Mapping[str, float]:
        return {"content": 1.0, "style": 10.0}

    def gram(self, pixels: Tensor) -> Tensor:
        features = self.features(pixels).float().flatten(2)
        return features @ features.transpose(1, 2) / features.shape[2]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        made = self.stylizer(batch["clean"])
        return {
            "content": (made - batch["clean"]).square().mean(),
            "style": (self.gram(made) - self.gram(batch["stripes"])).square().mean(),
        }


class Generation(Toy):
    """Pictures from noise; a critic with a gradient penalty at every second step (R1), a generator at every third."""

    def __init__(self) -> None:
        self.generator, self.critic = small_network(1), plain_network(2, 1)
        self.step = 0

    def begin_step(self, step: int, images_seen: int) -> None:
        self.step = step

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    @property
    def turns(self) -> list[Turn]:
        return [
            Turn("critic", [self.critic], self.critic_losses),
            Turn("generator", [self.generator], self.generator_losses, every=3),
        ]

    @property
    def weights(self) -> Mapping[str, float]:
        return {"critic": 1.0, "adversarial": 1.0, "r1": 5.0}

    def made(self, batch: Batch) -> Tensor:
        return self.generator(torch.randn_like(batch["stripes"]))

    def critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            made = self.made(batch)
        real = batch["stripes"].clone().requires_grad_(True)
        favor = self.critic(real)
        terms = {"critic": functional.softplus(-favor).mean() + functional.softplus(self.critic(made)).mean()}
        if self.step % 2 == 0:
            (slope,) = torch.autograd.grad(favor.float().sum(), real, create_graph=True)
            terms["r1"] = slope.square().sum(dim=(1, 2, 3)).mean() / 2
        return terms

    def generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        return {"adversarial": functional.softplus(-self.critic(self.made(batch))).mean()}


TOYS: Mapping[str, Callable[[], Toy]] = {
    "restoration": Restoration,
    "paired": Paired,
    "unpaired": Unpaired,
    "style": Style,
    "generation": Generation,
    "plain-restoration": PlainRestoration,
}


def main(kind: str, run: str, options: str) -> None:
    values = json.loads(options)
    objective = TOYS[kind]()
    objective.pause_seconds = values.pop("pause_seconds", 0.0)
    train(objective, TrainPlan(**values), RunFolder(Path(run)), resume=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
