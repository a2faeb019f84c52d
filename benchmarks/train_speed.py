"""Pictures a second in training: generators and critics as Vasari runs them, and in PyTorch's plain way.

    python benchmarks/train_speed.py --rounds 5 --threads 2 --json train_speed.json

A round is a few steps of both players on random pictures of 64 px, in turn for each way of running them, so that a
busy machine slows all alike; the median of the rounds counts. "Plain" is eager float32, contiguous, with
`torch.optim.Adam`'s defaults; ours goes through `tasks.training.train_step` as `vasari train` does.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import optim

import machine
from vasari.models.cards import NETWORKS
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES
from vasari.tasks.objectives import Turn
from vasari.tasks.optimizers import make_optimizer
from vasari.tasks.processes import World
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import Arithmetic, train_step
from vasari.tasks.training_state import Player

STEPS = 4
RESIDUAL = {"widths": (192, 128, 96, 64)}
PAIRS = {
    "DCGAN, 64 px (width 64, 6.3 M weights)": ("dcgan", {}, "dcgan-critic", {}, "bce"),
    "rpgan's networks, 64 px": ("residual-generator", RESIDUAL, "residual-critic", RESIDUAL, "rpgan"),
}


def ours(pair: tuple, batch: int) -> Callable[[], None]:
    """A call that takes `STEPS` steps as the loop does: bfloat16, channels_last, fused Adam."""
    generator, critic, kind = built(pair)
    for network in (generator, critic):
        network.to(memory_format=torch.channels_last).requires_grad_(False)
    plan = TrainPlan(batch=batch, optimizer="adam", learning_rate=2e-4, betas=(0.5, 0.999), clip_gradient_norm=0.0)
    real = torch.rand(batch, 3, 64, 64).contiguous(memory_format=torch.channels_last)

    def made() -> torch.Tensor:
        return generator(torch.randn(batch, generator.latent))

    def critic_losses(_: object) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            fake = made()
        return {"critic": CRITIC_LOSSES[kind](critic(real), critic(fake))}

    def generator_losses(_: object) -> dict[str, torch.Tensor]:
        score = critic(made())
        return {"adversarial": GENERATOR_LOSSES[kind](score.detach(), score)}

    turns = (Turn("critic", (critic,), critic_losses), Turn("generator", (generator,), generator_losses))
    weighed = [tuple(one.learners[0].parameters()) for one in turns]
    players = [Player(one, found, make_optimizer(found, plan)) for one, found in zip(turns, weighed, strict=True)]
    arithmetic = Arithmetic(torch.device("cpu"), torch.bfloat16, True)
    weights = {"critic": 1.0, "adversarial": 1.0}

    def go() -> None:
        for _ in range(STEPS):
            train_step(players, [{}], weights, plan, plan.learning_rate, arithmetic, World())

    return go


def plain(pair: tuple, batch: int) -> Callable[[], None]:
    """A call that takes `STEPS` steps in the way of PyTorch's own DCGAN example: float32, contiguous, eager."""
    generator, critic, kind = built(pair)
    adam = functools.partial(optim.Adam, lr=2e-4, betas=(0.5, 0.999), foreach=False)
    optimizers = [adam(critic.parameters()), adam(generator.parameters())]
    real = torch.rand(batch, 3, 64, 64)

    def go() -> None:
        for _ in range(STEPS):
            fake = generator(torch.randn(batch, generator.latent))
            critic.zero_grad()
            CRITIC_LOSSES[kind](critic(real), critic(fake.detach())).backward()
            optimizers[0].step()
            generator.zero_grad()
            score = critic(fake)
            GENERATOR_LOSSES[kind](score.detach(), score).backward()
            optimizers[1].step()

    return go


def built(pair: tuple) -> tuple:
    """Generator, critic and kind of loss."""
    torch.manual_seed(0)
    return NETWORKS[pair[0]].build(**pair[1]).train(), NETWORKS[pair[2]].build(**pair[3]).train(), pair[4]


def main() -> None:
    """Time all pairs both ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=0, help="threads of torch; 0 for its default")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    report: dict[str, object] = {"machine": machine.described(), "batch": options.batch, "rounds": options.rounds}
    for name, pair in PAIRS.items():
        ways = {"ours": ours(pair, options.batch), "plain": plain(pair, options.batch)}
        times: dict[str, list[float]] = {way: [] for way in ways}
        for one in ways.values():
            one()
        for _ in range(options.rounds):
            for way, go in ways.items():
                began = time.perf_counter()
                go()
                times[way].append(time.perf_counter() - began)
        speed = {way: STEPS * options.batch / median(found) for way, found in times.items()}
        ratio = median(slow / fast for fast, slow in zip(times["ours"], times["plain"], strict=True))
        report[name] = {**speed, "ratio": ratio}
        print(f"{name}: ours {speed['ours']:.0f}, plain {speed['plain']:.0f} pictures/s, {ratio:.2f} times", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    sys.exit(main())
