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

What goes wrong is named by `tasks.stability` and answered as the plan's `on_trouble` says: with a warning, by
going back to the last good checkpoint (`tasks.roll_backs`) with a lower rate, or by stopping.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vasari.foundation.devices import choose_device, choose_precision
from vasari.foundation.errors import TrainingError
from vasari.foundation.plans import to_dict
from vasari.foundation.runs import RunFolder
from vasari.foundation.version import VERSION
from vasari.models import hub
from vasari.tasks import roll_backs
from vasari.tasks.interruptions import Interruptions
from vasari.tasks.loss_terms import term_weights, weighted_total
from vasari.tasks.objectives import Batch, Examples, Objective
from vasari.tasks.optimizers import learning_rate
from vasari.tasks.processes import World, joined
from vasari.tasks.stability import Guard, Verdict, stopped
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_batches import steps_of_batches, to_device
from vasari.tasks.training_report import Report, say_how_it_goes_on
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
    without `resume`, a checkpoint of another recipe, ten non-finite steps in a row, or a trouble that the plan
    does not let pass, and `PlanError` for weights of terms that the objective does not have.
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
            loop.report.page()
            loop.report.close()


def step_seed(seed: int, step: int, rank: int) -> int:
    """The seed of all noise drawn by a process in a step, numbered by the steps taken: 63 bits, unlike any other's."""
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
        self.guard = Guard(plan, self.state.counters)
        self.interruptions = Interruptions()
        self.began = self.saved = time.monotonic()
        self.seconds_before = self.state.counters.seconds
        self.saved_step = self.state.counters.step if run.checkpoints() else -1
        if plan.on_trouble != "warn" and not roll_backs.good_checkpoints(run):
            self.keep_good()

    def begin_or_resume(self, resume: bool) -> None:
        """Read the newest checkpoint, or make a new folder."""
        self.run.refuse_used(resume)
        checkpoint = self.run.read_checkpoint()
        if checkpoint is not None:
            from_checkpoint(self.state, checkpoint, self.recipe)
        if resume and self.world.is_first:
            say_how_it_goes_on(self.run, checkpoint, self.recipe)
        self.world.wait()
        if self.world.is_first:
            self.run.begin(self.recipe)
            self.run.cut_log(self.state.counters.images_seen)

    def batches(self, examples: Examples) -> Iterator[list[dict[str, Tensor]]]:
        """The data of the steps to come; after a roll-back they go on, since the steps given up have had theirs."""
        counters, plan, world = self.state.counters, self.plan, self.world
        whole = replace(plan, images=(plan.steps + counters.given_up_steps) * plan.batch)
        return steps_of_batches(examples, whole, counters.steps_taken, world.rank, world.size)

    def go(self) -> dict[str, Any]:
        """Train to the end, to the time given, or to a signal."""
        counters, plan, world = self.state.counters, self.plan, self.world
        examples = self.objective.examples(plan.seed)
        self.report.data(self.objective.data_report)
        stopped_by = ""
        with self.interruptions.listening(alone=world.size == 1):
            while counters.step < plan.steps and not stopped_by:
                for micro_batches in self.batches(examples):
                    rolled_back = self.answer(self.step(micro_batches))
                    stopped_by = self.reason_to_stop()
                    is_last = counters.step == plan.steps or stopped_by == "time"
                    if rolled_back or self.validate_if_due(is_last) or stopped_by:
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

    def step(self, micro_batches: Sequence[Batch]) -> list[Verdict]:
        """One step: noise seeded, players moved, averages updated, numbers counted and judged."""
        counters, plan = self.state.counters, self.plan
        torch.manual_seed(step_seed(plan.seed, counters.steps_taken, self.world.rank))
        ready = [to_device(one, self.arithmetic.device, self.arithmetic.channels_last) for one in micro_batches]
        self.objective.begin_step(counters.step, counters.images_seen)
        due = [one for one in self.state.players if one.turn.is_due(counters.step, counters.images_seen)]
        rate = learning_rate(plan, counters.images_seen) * plan.roll_back_rate**counters.roll_backs
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
            verdicts = self.guard.after_step(values)
        else:
            verdicts = self.skip(values)
        if counters.step % plan.log_every_steps == 0 or counters.step == plan.steps:
            self.report.line()
        return verdicts

    def skip(self, values: Mapping[str, float]) -> list[Verdict]:
        """Report a step that was not finite; too many in a row are a trouble."""
        counters = self.state.counters
        counters.skipped_steps += 1
        counters.skipped_in_a_row += 1
        culprits = ", ".join(name for name, value in values.items() if not math.isfinite(value))
        self.report.say(f"Step {counters.step} skipped: {culprits} not finite.")
        if counters.skipped_in_a_row < SKIPPED_IN_A_ROW_ALLOWED:
            return []
        return [self.guard.after_skips(SKIPPED_IN_A_ROW_ALLOWED, culprits)]

    def answer(self, verdicts: Sequence[Verdict], elsewhere: bool = False) -> bool:
        """Tell what began and ended, and do about troubles as the plan says; returns True after a roll-back.

        All processes must come to the same answer: `elsewhere` is True where another one has a trouble to tell.
        """
        plan, counters = self.plan, self.state.counters
        for one in verdicts:
            self.report.event("over" if one.is_over else "trouble", kind=one.kind, words=one.words)
        troubles = [one for one in verdicts if not one.is_over]
        if not (troubles or elsewhere):
            return False
        if plan.on_trouble == "warn" and not any(one.fatal for one in troubles):
            return False
        if plan.on_trouble != "roll-back" or counters.roll_backs >= plan.most_roll_backs:
            raise stopped(troubles, plan, counters.roll_backs)
        self.roll_back(troubles)
        return True

    def roll_back(self, troubles: Sequence[Verdict]) -> None:
        """Go back to the last good checkpoint, with a lower rate; the steps since are given up."""
        counters = self.state.counters
        before = counters.images_seen
        roll_backs.restore(self.state, self.run, self.recipe)
        self.world.wait()
        if self.world.is_first:
            self.save(anew=True)
            given_up = roll_backs.forget_after(self.run, counters.images_seen)
            self.report.rolled_back(troubles, before, given_up)

    def keep_good(self) -> None:
        """Save, and keep the checkpoint apart to roll back to."""
        self.save()
        if self.world.is_first:
            roll_backs.keep(self.run)

    def validate_if_due(self, is_last: bool) -> bool:
        """Judge the networks when a multiple of `validate_every_images` has been passed, and at the end.

        Returns True where what was found made the run roll back.
        """
        counters, plan = self.state.counters, self.plan
        every = plan.validate_every_images
        passed = every and counters.images_seen // every > (counters.images_seen - plan.batch) // every
        if not (passed or is_last):
            return False
        verdicts: list[Verdict] = []
        if self.world.is_first:
            networks = self.state.judged()
            with in_evaluation_mode(networks), torch.no_grad():
                found = self.objective.validate(networks)
            self.report.validation(found)
            self.publish("last", found.metrics)
            if self.is_best(found.metrics):
                self.publish("best", found.metrics)
            verdicts = self.guard.after_validation(found.metrics)
        troubled = self.world.any(any(not one.is_over for one in verdicts), self.arithmetic.device)
        rolled_back = self.answer(verdicts, troubled)
        self.save()
        if passed and plan.on_trouble != "warn" and not (rolled_back or troubled) and self.guard.is_calm:
            self.keep_good()
        self.report.page()
        self.world.wait()
        return rolled_back

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

    def save(self, anew: bool = False) -> None:
        """Write a checkpoint (in the first process), unless this step has one, or `anew`."""
        self.saved = time.monotonic()
        if self.world.is_first and (anew or self.saved_step != self.state.counters.step):
            self.run.write_checkpoint(self.state.counters.images_seen, to_checkpoint(self.state, self.recipe))
            self.saved_step = self.state.counters.step

    def reason_to_stop(self) -> str:
        """A signal's name, "time", or nothing; the same in every process."""
        device, minutes = self.arithmetic.device, (time.monotonic() - self.began) / 60.0
        if self.world.any(bool(self.interruptions.signal_name), device):
            return self.interruptions.signal_name or "signal"
        if self.plan.stop_after_minutes and self.world.any(minutes >= self.plan.stop_after_minutes, device):
            return "time"
        return ""
