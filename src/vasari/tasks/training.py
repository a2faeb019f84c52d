"""The one training loop: whatever an objective's turns are, this function trains them.

    from vasari.tasks.recipe import train_recipe
    train_recipe("restore", data=(Path("photos"),), run=Path("runs/faithful"), settings=("train.batch=32",))

does all that `vasari train restore --data photos -o runs/faithful --set train.batch=32` does: it reads the
recipe, builds its objective and calls

    train(objective, plan, RunFolder(path, recipe), resume=False) -> summary

An objective (`tasks.objectives.Objective`) names its networks, its turns and the default weights of its loss
terms, and gives examples by index: item i is made from the seed and i alone. Only the loop weighs the terms,
calls backward, steps, averages, logs and saves. In a turn only its learners are thawed. A run resumes to the
same curve: the data, the rate and the noise of a step depend on its number, the rest is in the checkpoint.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.plans import to_dict
from vasari.foundation.runs import RunFolder
from vasari.foundation.version import VERSION
from vasari.models import hub
from vasari.tasks.objectives import Batch, Objective
from vasari.tasks.optimizers import learning_rate
from vasari.tasks.processes import World, joined
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_batches import steps_of_batches, to_device
from vasari.tasks.training_report import Report
from vasari.tasks.training_state import (
    Player,
    from_checkpoint,
    in_evaluation_mode,
    new_state,
    thawed,
    to_checkpoint,
)

SKIPPED_IN_A_ROW_ALLOWED = 10


@dataclass(frozen=True)
class Arithmetic:
    """Where and how the networks compute."""

    device: torch.device
    precision: torch.dtype
    channels_last: bool

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """bfloat16 where it was chosen; the weights stay float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16)


def train(objective: Objective, plan: TrainPlan, run: RunFolder, resume: bool = False) -> dict[str, Any]:
    """Train `objective` as `plan` says, into `run`; returns a summary.

    The summary: `images_seen`, `steps`, `finished`, `stopped_by` ("end", "time" or a signal's name),
    `skipped_steps`, `seconds`, `best_value`, `best_images_seen`, `run`. With `resume` a run goes on from its
    newest checkpoint (or begins, where it has none). Raises `TrainingError` for no data, a used folder
    without `resume`, a checkpoint of another recipe, or ten non-finite steps in a row, and `PlanError` for
    weights of terms that the objective does not have.
    """
    weights = term_weights(objective, plan)
    device_generators = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    with (
        joined(plan.device) as world,
        run.held() if world.is_first else contextlib.nullcontext(),
        torch.random.fork_rng(devices=device_generators),
    ):
        loop = _Loop(objective, plan, weights, run, world, resume)
        try:
            return loop.go()
        finally:
            loop.report.close()


def term_weights(objective: Objective, plan: TrainPlan) -> dict[str, float]:
    """The weight of every loss term: the objective's defaults, overridden by the plan."""
    unknown = sorted(set(plan.losses) - set(objective.weights))
    if unknown:
        raise PlanError(
            f"losses.{unknown[0]} is no term of this objective.",
            remedy=f"use one of: {', '.join(sorted(objective.weights))}",
        )
    return {**objective.weights, **plan.losses}


def weighted_total(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Σ weight × term, float32; terms of weight 0 are left out. Raises `TrainingError` for a term without weight."""
    unknown = sorted(set(terms) - set(weights))
    if unknown:
        raise TrainingError(
            f"The loss term {unknown[0]!r} has no weight.", remedy="name it in the objective's `weights`"
        )
    counted = [weights[name] * term.float() for name, term in terms.items() if weights[name]]
    if not counted:
        raise TrainingError("All loss terms of a turn weigh 0.", remedy="give one of them a weight with --set losses.…")
    return torch.stack(counted).sum()


def step_seed(seed: int, step: int, rank: int) -> int:
    """The seed of all noise drawn in a step by a process: 63 bits, unlike its neighbors'."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> np.uint64(1))


def train_step(
    players: Sequence[Player],
    micro_batches: Sequence[Batch],
    weights: Mapping[str, float],
    plan: TrainPlan,
    rate: float,
    arithmetic: Arithmetic,
    world: World,
) -> tuple[dict[str, float], bool]:
    """One step of every player in order; returns the values to log, and whether all were finite.

    A player whose loss or gradient is not finite is not moved. Values: "turn.term" unweighted, "turn.total"
    weighted, "turn.gradient_norm" before clipping, "turn.rate"; means over micro-batches and processes.
    """
    values: dict[str, float] = {}
    all_finite = True
    for player in players:
        with thawed(player):
            sums = _accumulate(player, micro_batches, weights, arithmetic)
        names = [f"{player.turn.name}.{term}" for term in sums]
        numbers = world.average(torch.stack(list(sums.values()))).tolist()
        norm = _gradient_norm(player, plan, world)
        finite = math.isfinite(norm) and all(math.isfinite(one) for one in numbers)
        if finite:
            for group in player.optimizer.param_groups:
                group["lr"] = rate * player.turn.rate
            player.optimizer.step()
        player.optimizer.zero_grad(set_to_none=True)
        all_finite &= finite
        values |= dict(zip(names, numbers, strict=True))
        values |= {f"{player.turn.name}.gradient_norm": norm, f"{player.turn.name}.rate": rate * player.turn.rate}
    return values, all_finite


def _accumulate(
    player: Player, micro_batches: Sequence[Batch], weights: Mapping[str, float], arithmetic: Arithmetic
) -> dict[str, Tensor]:
    """Add up the gradients of the micro-batches; returns the mean of every term and of the weighted total."""
    means: dict[str, Tensor] = {}
    share = 1.0 / len(micro_batches)
    for batch in micro_batches:
        with arithmetic.autocast():
            terms = player.turn.losses(batch)
        total = weighted_total(terms, weights)
        if not total.requires_grad:
            raise TrainingError(
                f"The losses of the turn {player.turn.name!r} do not depend on its learners.",
                remedy="compute them from the learners' output, without detaching it",
            )
        (total * share).backward()
        for name, term in (*terms.items(), ("total", total)):
            part = term.detach().float() * share
            means[name] = means[name] + part if name in means else part
    return means


def _gradient_norm(player: Player, plan: TrainPlan, world: World) -> float:
    """Average the gradients over the processes and clip them; returns their norm before clipping."""
    world.average_gradients(player.parameters)
    highest = plan.clip_gradient_norm or math.inf
    return float(nn.utils.clip_grad_norm_(player.parameters, highest))


class _Loop:
    """A run in progress: the shell around `train_step`."""

    def __init__(
        self,
        objective: Objective,
        plan: TrainPlan,
        weights: Mapping[str, float],
        run: RunFolder,
        world: World,
        resume: bool,
    ) -> None:
        device = choose_device(plan.device, world.local_rank)
        precision = choose_precision(plan.precision, device)
        channels_last = device.type == "cuda" or precision == torch.bfloat16
        self.objective, self.plan, self.weights, self.run, self.world = objective, plan, weights, run, world
        self.arithmetic = Arithmetic(device, precision, channels_last)
        self.recipe = {**run.recipe, "train": to_dict(plan)}
        self.state = new_state(objective, plan, device, channels_last)
        self.begin_or_resume(resume)
        for network in (*self.state.networks.values(), *self.state.averages.values()):
            world.share_from_first([*network.parameters(), *network.buffers()])
        self.report = Report(run, plan, self.state.counters, quiet=not world.is_first)
        self.began = self.saved = time.monotonic()
        self.seconds_before = self.state.counters.seconds
        self.saved_step = self.state.counters.step
        self.signal_name = ""

    def begin_or_resume(self, resume: bool) -> None:
        """Read the newest checkpoint, or make a new folder."""
        if self.run.is_used and not resume:
            raise TrainingError(
                f"{self.run.path} already holds a run.", remedy="add --resume to go on with it, or name a new folder"
            )
        checkpoint = self.run.read_checkpoint()
        if checkpoint is not None:
            from_checkpoint(self.state, checkpoint, self.recipe)
        self.world.wait()
        if self.world.is_first:
            self.run.begin(self.recipe)
            self.run.cut_log(self.state.counters.images_seen)

    def go(self) -> dict[str, Any]:
        """Train to the end, to the time given, or to a signal."""
        counters, plan, world = self.state.counters, self.plan, self.world
        examples = self.objective.examples(plan.seed)
        stopped_by = ""
        with self.listening():
            for micro_batches in steps_of_batches(examples, plan, counters.step, world.rank, world.size):
                self.step(micro_batches)
                stopped_by = self.reason_to_stop()
                self.validate_if_due(is_last=counters.step == plan.steps or stopped_by == "time")
                if stopped_by:
                    break
                if time.monotonic() - self.saved >= plan.save_every_seconds:
                    self.save()
            self.save()
        finished = counters.step == plan.steps
        if not finished:
            self.report.say(
                f"Stopped by {stopped_by} after {counters.images_seen} images; saved. "
                "Go on with the same command and --resume."
            )
        return {
            "images_seen": counters.images_seen,
            "steps": counters.step,
            "finished": finished,
            "stopped_by": "end" if finished else stopped_by,
            "skipped_steps": counters.skipped_steps,
            "seconds": counters.seconds,
            "best_value": counters.best_value,
            "best_images_seen": counters.best_images_seen,
            "run": str(self.run.path),
        }

    def step(self, micro_batches: Sequence[Batch]) -> None:
        """One step: noise seeded, players moved, averages updated, numbers counted."""
        counters, plan = self.state.counters, self.plan
        torch.manual_seed(step_seed(plan.seed, counters.step, self.world.rank))
        ready = [to_device(one, self.arithmetic.device, self.arithmetic.channels_last) for one in micro_batches]
        self.objective.begin_step(counters.step, counters.images_seen)
        due = [one for one in self.state.players if one.turn.is_due(counters.step, counters.images_seen)]
        rate = learning_rate(plan, counters.images_seen)
        values, finite = train_step(due, ready, self.weights, plan, rate, self.arithmetic, self.world)
        for network in self.state.networks.values():
            self.world.share_from_first(list(network.buffers()))
        counters.step += 1
        counters.images_seen += plan.batch
        counters.seconds = self.seconds_before + time.monotonic() - self.began
        if finite:
            counters.skipped_in_a_row = 0
            self.state.update_averages(plan)
            self.report.add(values)
        else:
            self.skip(values)
        if counters.step % plan.log_every_steps == 0 or counters.step == plan.steps:
            self.report.line()

    def skip(self, values: Mapping[str, float]) -> None:
        """Report a step that was not finite; raises `TrainingError` after too many in a row."""
        counters = self.state.counters
        counters.skipped_steps += 1
        counters.skipped_in_a_row += 1
        culprits = ", ".join(name for name, value in values.items() if not math.isfinite(value))
        self.report.say(f"Step {counters.step} skipped: {culprits} not finite.")
        if counters.skipped_in_a_row >= SKIPPED_IN_A_ROW_ALLOWED:
            raise TrainingError(
                f"{SKIPPED_IN_A_ROW_ALLOWED} steps in a row were not finite ({culprits}).",
                remedy="resume from the last checkpoint with a lower train.learning_rate in a new run, "
                "or with train.precision=float32",
            )

    def validate_if_due(self, is_last: bool) -> None:
        """Judge the networks when a multiple of `validate_every_images` has been passed, and at the end."""
        counters, plan = self.state.counters, self.plan
        every = plan.validate_every_images
        passed = every and counters.images_seen // every > (counters.images_seen - plan.batch) // every
        if not (passed or is_last):
            return
        if self.world.is_first:
            networks = self.state.judged()
            with in_evaluation_mode(networks), torch.no_grad():
                found = self.objective.validate(networks)
            self.report.validation(found)
            self.publish("last", found.metrics)
            if self.is_best(found.metrics):
                self.publish("best", found.metrics)
            self.save()
        self.world.wait()

    def is_best(self, metrics: Mapping[str, float]) -> bool:
        """Compare the deciding metric with the best so far, and remember it; one that is not finite is never best."""
        if self.objective.best is None:
            return False
        name, direction = self.objective.best
        if name not in metrics:
            raise TrainingError(
                f"The validation returned no {name!r}, which decides what is best.",
                remedy=f"return it, or choose one of: {', '.join(sorted(metrics))}",
            )
        value, counters = float(metrics[name]), self.state.counters
        former = counters.best_value
        better = former is None or (value > former if direction == "max" else value < former)
        if not (better and math.isfinite(value)):
            return False
        counters.best_value, counters.best_images_seen = value, counters.images_seen
        return True

    def publish(self, which: str, metrics: Mapping[str, float]) -> None:
        """Write the weights to ship as `which`.safetensors, with a recipe that says how they were made."""
        networks, published = self.state.judged(), self.objective.published
        for name, header in published.items():
            made = {
                "version": VERSION,
                "images_seen": self.state.counters.images_seen,
                "metrics": {key: float(value) for key, value in metrics.items()},
                "recipe": self.recipe,
            }
            suffix = f"-{name}" if len(published) > 1 else ""
            hub.save(networks[name], self.run.path / f"{which}{suffix}.safetensors", {**made, **header})

    def save(self) -> None:
        """Write a checkpoint (in the first process), unless this step has one."""
        self.saved = time.monotonic()
        if self.world.is_first and self.saved_step != self.state.counters.step:
            self.run.write_checkpoint(self.state.counters.images_seen, to_checkpoint(self.state, self.recipe))
            self.saved_step = self.state.counters.step

    def reason_to_stop(self) -> str:
        """A signal's name, "time", or nothing; the same in every process."""
        device, minutes = self.arithmetic.device, (time.monotonic() - self.began) / 60.0
        if self.world.any(bool(self.signal_name), device):
            return self.signal_name or "signal"
        if self.plan.stop_after_minutes and self.world.any(minutes >= self.plan.stop_after_minutes, device):
            return "time"
        return ""

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the step and save while the block lasts; a second Ctrl-C interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def remember(number: int, _: FrameType | None) -> None:
            # torchrun passes on the Ctrl-C that its processes have had already: there it does not count twice.
            if self.signal_name and number == signal.SIGINT and self.world.size == 1:
                raise KeyboardInterrupt
            self.signal_name = signal.Signals(number).name

        former = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
