"""Everything of a training run that changes: weights, averages, moments, counters; to a checkpoint and back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn, optim

from vasari.foundation.errors import TrainingError
from vasari.foundation.plans import to_dict
from vasari.foundation.runs import Checkpoint, differences
from vasari.models import averaging
from vasari.tasks.objectives import Objective, Turn
from vasari.tasks.optimizers import load_optimizer_state, make_optimizer, optimizer_state
from vasari.tasks.train_plan import FREE_WHEN_RESUMING, TrainPlan


@dataclass(frozen=True)
class Player:
    """A turn with its learners' trainable parameters and its optimizer."""

    turn: Turn
    parameters: tuple[nn.Parameter, ...]
    optimizer: optim.Optimizer


@dataclass
class Counters:
    """The plain numbers of a run; `sums` are the totals and counts since the last line of the log.

    `step` and `images_seen` say how far the weights are; `given_up_steps` were taken and rolled back. `watched`,
    `usual` and `troubles` are the memory of the guard (`tasks.stability`): the values of the block that is being
    judged, the medians of earlier ones, and what is wrong at present.
    """

    step: int = 0
    images_seen: int = 0
    skipped_steps: int = 0
    skipped_in_a_row: int = 0
    seconds: float = 0.0
    best_value: float | None = None
    best_images_seen: int = 0
    sums: dict[str, list[float]] = field(default_factory=dict)
    roll_backs: int = 0
    rolled_back_to: int = -1
    given_up_steps: int = 0
    watched: dict[str, list[float]] = field(default_factory=dict)
    usual: dict[str, list[float]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def steps_taken(self) -> int:
        """All steps, those given up included: it numbers data and noise, which never come twice."""
        return self.step + self.given_up_steps

    def become(self, other: Counters) -> None:
        """Take over all of another's numbers: whoever holds these counters sees them."""
        vars(self).update(vars(other))


@dataclass
class TrainingState:
    """The networks, their averages, the players and the counters of one run."""

    networks: Mapping[str, nn.Module]
    averages: Mapping[str, nn.Module]
    players: Sequence[Player]
    counters: Counters

    def judged(self) -> dict[str, nn.Module]:
        """The networks to validate and publish: averages where there are any."""
        return {name: self.averages.get(name, network) for name, network in self.networks.items()}

    def update_averages(self, plan: TrainPlan) -> None:
        """Move every average towards its network after a step."""
        kept = averaging.decay(plan.batch, self.counters.images_seen, plan.ema_half_life_images)
        for name, average in self.averages.items():
            averaging.update(average, self.networks[name], kept)


def new_state(objective: Objective, plan: TrainPlan, device: torch.device, channels_last: bool) -> TrainingState:
    """The state before the first step, on the device; raises `TrainingError` where a turn has nothing to learn."""
    layout = torch.channels_last if channels_last else torch.preserve_format
    networks = dict(objective.networks)
    for network in (*networks.values(), *objective.fixed.values()):
        network.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    for network in objective.fixed.values():
        network.eval().requires_grad_(False)
    players = [_player(turn, plan) for turn in objective.turns]
    if not players or len({one.turn.name for one in players}) < len(players):
        raise TrainingError("The objective's turns have no names of their own.", remedy="give it distinct turns")
    averaged = objective.averaged if plan.ema_half_life_images else ()
    averages = {name: averaging.averaged_copy(networks[name]) for name in averaged}
    for network in networks.values():
        network.train().requires_grad_(False)
    return TrainingState(networks, averages, players, Counters())


def _player(turn: Turn, plan: TrainPlan) -> Player:
    parameters = {id(one): one for learner in turn.learners for one in learner.parameters() if one.requires_grad}
    if not parameters:
        raise TrainingError(
            f"The turn {turn.name!r} has no trainable weights.", remedy="list a learner that is not frozen"
        )
    ready = tuple(parameters.values())
    return Player(turn, ready, make_optimizer(ready, plan))


@contextlib.contextmanager
def thawed(player: Player) -> Iterator[None]:
    """Let gradients reach the player's own parameters, and no others, while the block lasts."""
    for parameter in player.parameters:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in player.parameters:
            parameter.requires_grad_(False)


@contextlib.contextmanager
def in_evaluation_mode(networks: Mapping[str, nn.Module]) -> Iterator[None]:
    """Evaluation mode while the block lasts; every module then has its former mode again."""
    modes = [(module, module.training) for network in networks.values() for module in network.modules()]
    for network in networks.values():
        network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def to_checkpoint(state: TrainingState, recipe: Mapping[str, Any]) -> Checkpoint:
    """The whole state. Noise needs none: every step is seeded by its number (see `training.step_seed`)."""
    tensors: dict[str, Tensor] = {}
    values: dict[str, Any] = {}
    for kind, networks in (("networks", state.networks), ("averages", state.averages)):
        for name, network in networks.items():
            tensors |= {f"{kind}/{name}/{key}": one for key, one in network.state_dict().items()}
    for player in state.players:
        prefix = f"optimizers/{player.turn.name}"
        ours, others = optimizer_state(player.optimizer)
        tensors |= {f"{prefix}/{key}": one for key, one in ours.items()}
        values |= {f"{prefix}/{key}": one for key, one in others.items()}
    # Copies, since a file must not hold one memory twice (tied weights).
    whole = {name: one.detach().cpu().contiguous().clone() for name, one in tensors.items()}
    return Checkpoint(whole, {"recipe": recipe, "counters": vars(state.counters), "values": values})


def from_checkpoint(state: TrainingState, checkpoint: Checkpoint, recipe: Mapping[str, Any]) -> None:
    """Put a checkpoint into `state`; raises `TrainingError` where it belongs to another recipe."""
    facts = checkpoint.facts
    # An option that is younger than the checkpoint had its default.
    former = {**facts["recipe"], "train": {**to_dict(TrainPlan()), **facts["recipe"]["train"]}}
    # Through JSON, as the former one came: tuples are lists there.
    found = differences(former, json.loads(json.dumps(recipe)), FREE_WHEN_RESUMING)
    if found:
        raise TrainingError(
            f"The run's checkpoint belongs to another recipe: {'; '.join(found)}.",
            remedy="resume with the recipe in RUN/recipe.toml, or name a new folder",
        )
    try:
        for kind, networks in (("networks", state.networks), ("averages", state.averages)):
            for name, network in networks.items():
                network.load_state_dict(_below(checkpoint.tensors, f"{kind}/{name}/"))
        for player in state.players:
            prefix = f"optimizers/{player.turn.name}/"
            load_optimizer_state(player.optimizer, _below(checkpoint.tensors, prefix), _below(facts["values"], prefix))
        state.counters.become(Counters(**facts["counters"]))
    except (RuntimeError, KeyError, IndexError, TypeError) as error:
        raise TrainingError(
            f"The run's checkpoint does not fit the networks: {error}.",
            remedy="resume with the version that began the run, or name a new folder",
        ) from error


def _below(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): one for name, one in values.items() if name.startswith(prefix)}
