"""The one loop: it learns, weighs, freezes, guards, stops; five kinds of objectives run unchanged."""

from __future__ import annotations

import math
import os
import signal
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.runs import RunFolder
from vasari.tasks.objectives import OBJECTIVES, Turn
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import step_seed, train, weighted_total

FIVE = ("restoration", "paired", "unpaired", "style", "generation")


def short(**options: object) -> TrainPlan:
    values = {"images": 24, "batch": 4, "log_every_steps": 1, "learning_rate": 1e-2, "precision": "float32"}
    return TrainPlan(**{**values, **options})  # type: ignore[arg-type]


def curve(run: RunFolder) -> list[dict[str, float]]:
    """The log without its times."""
    timed = ("images_per_second", "seconds")
    return [{key: one for key, one in line.items() if key not in timed} for line in run.read_log()]


def snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: one.detach().clone() for name, one in network.state_dict().items()}


def moved(before: dict[str, torch.Tensor], network: nn.Module) -> bool:
    return any(not torch.equal(before[name], one) for name, one in network.named_parameters())


def test_it_learns_logs_validates_and_publishes(tmp_path: Path, toys: ModuleType) -> None:
    run = RunFolder(tmp_path / "run")
    plan = short(
        images=1600, batch=8, micro_batches=2, log_every_steps=20, validate_every_images=800, ema_half_life_images=50
    )
    summary = train(toys.Restoration(), plan, run)
    assert summary["finished"] and summary["stopped_by"] == "end" and summary["images_seen"] == 1600
    assert summary["best_value"] < 0.1
    lines = run.read_log()
    losses = [line["restorer.content"] for line in lines if "restorer.content" in line]
    assert len(losses) == 10 and losses[-1] < losses[0] / 2
    assert [line["images_seen"] for line in lines if "validation" in line] == [800, 1600]
    assert {path.name for path in (run.path / "pictures").iterdir()} == {"000000800-pairs.png", "000001600-pairs.png"}
    assert (run.path / "best.safetensors").is_file() and (run.path / "last.safetensors").is_file()
    assert len(run.checkpoints()) == 2
    assert "images = 1600" in (run.path / "recipe.toml").read_text()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", FIVE)
def test_every_kind_of_objective_trains_and_resumes_exactly(
    kind: str, precision: str, tmp_path: Path, toys: ModuleType
) -> None:
    plan = short(precision=precision, log_every_steps=2)
    objective, whole = toys.TOYS[kind](), RunFolder(tmp_path / "whole")
    before = {name: snapshot(one) for name, one in objective.networks.items()}
    fixed = {name: snapshot(one) for name, one in objective.fixed.items()}
    assert train(objective, plan, whole)["finished"]
    assert all(moved(before[name], one) for name, one in objective.networks.items())
    assert not any(moved(fixed[name], one) for name, one in objective.fixed.items())

    # The same run, stopped by a signal in its third step and resumed by a fresh objective.
    interrupted, parted = toys.TOYS[kind](), RunFolder(tmp_path / "parted")
    interrupted.on_item = lambda index: os.kill(os.getpid(), signal.SIGTERM) if index == 9 else None
    assert train(interrupted, plan, parted)["stopped_by"] == "SIGTERM"
    assert train(toys.TOYS[kind](), plan, parted, resume=True)["finished"]
    assert curve(parted) == curve(whole)
    one, other = whole.read_checkpoint(), parted.read_checkpoint()
    assert one is not None and other is not None
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_a_loss_is_the_weighted_sum_of_its_terms() -> None:
    terms = {"content": torch.tensor(2.0), "style": torch.tensor(3.0), "off": torch.tensor(math.nan)}
    assert weighted_total(terms, {"content": 0.5, "style": 10.0, "off": 0.0}) == 31.0
    with pytest.raises(TrainingError, match="'style' has no weight"):
        weighted_total(terms, {"content": 1.0, "off": 1.0})


@pytest.mark.parametrize("kind", FIVE)
def test_every_weight_of_every_objective_is_applied(kind: str, tmp_path: Path, toys: ModuleType) -> None:
    defaults = toys.TOYS[kind]().weights
    plan = short(losses={name: 2.0 + position for position, name in enumerate(defaults)})
    run = RunFolder(tmp_path / "run")
    train(toys.TOYS[kind](), plan, run)
    counted = set()
    for line in run.read_log():
        for turn in {name.split(".")[0] for name in line if name.endswith(".total")}:
            terms = {name: line[f"{turn}.{name}"] for name in plan.losses if f"{turn}.{name}" in line}
            expected = sum(plan.losses[name] * value for name, value in terms.items())
            assert line[f"{turn}.total"] == pytest.approx(expected, rel=1e-5)
            counted |= set(terms)
    assert counted == set(defaults)


def test_a_weight_without_a_term_is_refused(tmp_path: Path, toys: ModuleType) -> None:
    with pytest.raises(PlanError, match=r"losses\.contents"):
        train(toys.Restoration(), short(losses={"contents": 1.0}), RunFolder(tmp_path / "run"))


def test_only_the_learners_of_a_turn_move(tmp_path: Path, toys: ModuleType) -> None:
    objective = toys.Paired()
    critic_then: list[dict[str, torch.Tensor]] = []
    generator_then: list[dict[str, torch.Tensor]] = []
    generator_losses, critic_losses = objective.generator_losses, objective.critic_losses

    def watched_critic(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        if critic_then:
            assert not moved(critic_then[-1], objective.critic)
        generator_then.append(snapshot(objective.generator))
        assert all(one.requires_grad for one in objective.critic.parameters())
        assert not any(one.requires_grad for one in objective.generator.parameters())
        return critic_losses(batch)

    def watched_generator(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        assert not moved(generator_then[-1], objective.generator)
        critic_then.append(snapshot(objective.critic))
        assert all(one.requires_grad for one in objective.generator.parameters())
        assert not any(one.requires_grad for one in objective.critic.parameters())
        return generator_losses(batch)

    objective.critic_losses, objective.generator_losses = watched_critic, watched_generator
    train(objective, short(), RunFolder(tmp_path / "run"))
    assert len(critic_then) == 5  # the generator starts after the first batch
    assert len(generator_then) == 6


def test_weights_frozen_before_training_stay_frozen(tmp_path: Path, toys: ModuleType) -> None:
    objective = toys.Restoration()
    objective.network[0].requires_grad_(False)
    before = snapshot(objective.network)
    train(objective, short(), RunFolder(tmp_path / "run"))
    assert torch.equal(before["0.weight"], objective.network[0].weight)
    assert not torch.equal(before["3.weight"], objective.network[3].weight)


def test_turns_come_when_they_are_due() -> None:
    turn = Turn("generator", [], lambda batch: {}, every=3, starts_at_images=20)
    assert [step for step in range(12) if turn.is_due(step, step * 4)] == [5, 8, 11]


def test_a_step_that_is_not_finite_is_skipped_and_reported(
    tmp_path: Path, toys: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    objective = toys.PlainRestoration()
    losses, calls, states = objective.losses, [], []

    def sometimes_infinite(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        calls.append(1)
        states.append(snapshot(objective.network))
        terms = losses(batch)
        return terms | {"content": terms["content"] * (math.inf if len(calls) == 3 else 1.0)}

    objective.losses = sometimes_infinite
    summary = train(objective, short(), RunFolder(tmp_path / "run"))
    assert summary["skipped_steps"] == 1 and summary["finished"]
    assert all(torch.equal(states[2][name], states[3][name]) for name in states[2])
    assert all(bool(torch.isfinite(one).all()) for one in objective.network.parameters())
    assert "Step 3 skipped" in capsys.readouterr().err


def test_a_gradient_that_is_not_finite_is_skipped_too(tmp_path: Path, toys: ModuleType) -> None:
    objective = toys.PlainRestoration()
    losses = objective.losses

    def infinite_slope(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        zero = objective.network[0].weight.sum() * 0.0
        return losses(batch) | {"smoothness": zero.sqrt()}  # 0, with an infinite slope

    objective.losses = infinite_slope
    with pytest.raises(TrainingError, match="10 steps in a row"):
        train(objective, short(images=80, losses={"smoothness": 1.0}), RunFolder(tmp_path / "run"))


def test_gradients_are_clipped_and_their_norm_reported(tmp_path: Path, toys: ModuleType) -> None:
    free, clipped = RunFolder(tmp_path / "free"), RunFolder(tmp_path / "clipped")
    objectives = [toys.PlainRestoration(), toys.PlainRestoration()]
    before = snapshot(objectives[0].network)
    for objective, run, highest in zip(objectives, (free, clipped), (0.0, 1e-3), strict=True):
        train(objective, short(images=4, optimizer="sgd", learning_rate=1.0, clip_gradient_norm=highest), run)
    norms = [run.read_log()[0]["restorer.gradient_norm"] for run in (free, clipped)]
    assert norms[0] == norms[1] > 1e-3
    steps = [
        math.sqrt(sum(float((one - before[name]).square().sum()) for name, one in objective.network.named_parameters()))
        for objective in objectives
    ]
    assert steps == pytest.approx([norms[0], 1e-3], rel=1e-3)


def test_accumulated_gradients_equal_those_of_the_whole_batch(tmp_path: Path, toys: ModuleType) -> None:
    objectives = [toys.PlainRestoration(), toys.PlainRestoration()]
    for objective, parts in zip(objectives, (1, 4), strict=True):
        train(objective, short(batch=8, micro_batches=parts, optimizer="sgd"), RunFolder(tmp_path / str(parts)))
    pairs = zip(objectives[0].network.parameters(), objectives[1].network.parameters(), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_the_time_given_ends_a_run_that_can_be_resumed(
    tmp_path: Path, toys: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunFolder(tmp_path / "run")
    summary = train(toys.Restoration(), short(images=100_000, stop_after_minutes=1e-4), run)
    assert summary["stopped_by"] == "time" and not summary["finished"] and summary["steps"] >= 1
    assert "--resume" in capsys.readouterr().err
    assert "validation" in run.read_log()[-1]
    further = train(toys.Restoration(), short(images=100_000, stop_after_minutes=1e-4), run, resume=True)
    assert further["steps"] > summary["steps"]


def test_a_finished_run_is_done_when_resumed(tmp_path: Path, toys: ModuleType) -> None:
    run = RunFolder(tmp_path / "run")
    first = train(toys.Restoration(), short(), run)
    log = run.read_log()
    assert train(toys.Restoration(), short(), run, resume=True) == first
    assert run.read_log() == log


def test_a_used_folder_and_another_recipe_are_refused(tmp_path: Path, toys: ModuleType) -> None:
    run = RunFolder(tmp_path / "run")
    train(toys.Restoration(), short(), run)
    with pytest.raises(TrainingError, match="already holds a run"):
        train(toys.Restoration(), short(), run)
    with pytest.raises(TrainingError, match=r"another recipe: train\.batch was 4, is 8"):
        train(toys.Restoration(), short(batch=8), run, resume=True)
    with pytest.raises(TrainingError, match="does not fit"):
        train(toys.Style(), short(), run, resume=True)
    assert train(toys.Restoration(), short(workers=1, log_every_steps=7), run, resume=True)["finished"]


def test_losses_that_reach_no_learner_are_refused(tmp_path: Path, toys: ModuleType) -> None:
    objective = toys.Restoration()
    objective.losses = lambda batch: {"content": batch["clean"].mean()}
    with pytest.raises(TrainingError, match="do not depend on its learners"):
        train(objective, short(), RunFolder(tmp_path / "run"))
    for parameter in objective.network.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(TrainingError, match="no trainable weights"):
        train(objective, short(), RunFolder(tmp_path / "other"))


def test_the_callers_random_numbers_and_signal_handlers_are_left_alone(tmp_path: Path, toys: ModuleType) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(toys.Restoration(), short(), RunFolder(tmp_path / "run"))
    assert torch.equal(torch.rand(3), expected)
    assert signal.getsignal(signal.SIGTERM) is handler


def test_the_noise_of_every_step_and_process_is_its_own() -> None:
    seeds = {step_seed(seed, step, rank) for seed in (0, 1) for step in range(50) for rank in (0, 1)}
    assert len(seeds) == 200 and all(0 <= one < 2**63 for one in seeds)


def test_the_table_of_objectives_holds_builders() -> None:
    assert "restore" in OBJECTIVES and all(callable(build) for build in OBJECTIVES.values())


def test_a_weight_below_0_is_refused(tmp_path: Path, toys: ModuleType) -> None:
    with pytest.raises(PlanError, match=r"losses\.content=-1"):
        train(toys.Restoration(), short(losses={"content": -1.0}), RunFolder(tmp_path / "run"))


def test_resuming_says_what_it_found(tmp_path: Path, toys: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run"
    train(toys.Restoration(), short(), RunFolder(path, {"data": ["one"]}), resume=True)
    assert "this is its beginning" in capsys.readouterr().err
    train(toys.Restoration(), short(), RunFolder(path, {"data": ["other"]}), resume=True)
    assert "The data were ['one'] and are ['other']" in capsys.readouterr().err
