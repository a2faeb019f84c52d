"""Troubles of a training: judged from numbers, provoked in earnest, named, and answered."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.runs import RunFolder
from vasari.tasks import roll_backs
from vasari.tasks.stability import COLLAPSE, CRITIC_WINS, DIVERGENCE, Guard, collapsed, critic_wins, explodes
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training import train
from vasari.tasks.training_state import Counters

TIMED = ("images_per_second", "seconds")
PROGRAM = Path(__file__).parent / "troubled_objectives.py"


@pytest.fixture(scope="module")
def troubled() -> ModuleType:
    spec = importlib.util.spec_from_file_location("troubled_objectives", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["troubled_objectives"] = module
    spec.loader.exec_module(module)
    return module


def options(**changes: Any) -> dict[str, Any]:
    values = {
        "images": 3200,
        "batch": 16,
        "log_every_steps": 10,
        "learning_rate": 2e-3,
        "schedule": "constant",
        "betas": (0.5, 0.99),
        "precision": "float32",
        "ema_half_life_images": 200,
        "validate_every_images": 800,
        "trouble_patience_steps": 10,
        "adversary_judged_after_images": 1000,
    }
    return values | changes


def plan(**changes: Any) -> TrainPlan:
    return TrainPlan(**options(**changes))


def too_fast(**changes: Any) -> TrainPlan:
    """A rate that rises to four times what the regression bears (2 over its largest curvature, which is 1)."""
    rising = {"learning_rate": 8.0, "warmup_images": 1600, "optimizer": "sgd", "clip_gradient_norm": 0.0}
    often = {"images": 1920, "validate_every_images": 160, "trouble_patience_steps": 5}
    return plan(**{**rising, **often, **changes})


def only(kind: str) -> dict[str, float]:
    """Options that leave one kind of trouble to be named."""
    rules = {DIVERGENCE: ("divergence_times", 1e9), CRITIC_WINS: ("critic_wins_balance", 1.0)}
    rules |= {COLLAPSE: ("collapse_share", 0.0)}
    return dict(rule for name, rule in rules.items() if name != kind)


def events(run: RunFolder) -> list[dict[str, Any]]:
    return [line for line in run.read_log() if "event" in line]


def curve(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log without its times, and so what was given up."""
    kept = [{key: one for key, one in line.items() if key not in TIMED} for line in lines]
    return [{**line, "given_up": curve(line["given_up"])} if "given_up" in line else line for line in kept]


def state_of(run: RunFolder) -> dict[str, torch.Tensor]:
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None
    return checkpoint.tensors


def test_what_explodes_is_far_above_its_running_median_and_its_beginning() -> None:
    usual = [1.0, 0.2, 0.1, 0.1, 0.1]
    assert explodes([5.0, 4.0, 6.0], usual, times=20.0)
    assert explodes([-5.0, -4.0, -6.0], usual, times=20.0)
    assert explodes([math.inf, math.inf, 1.0], usual, times=20.0)
    assert not explodes([1.9, 1.8, 1.9], usual, times=20.0)  # 19 times
    assert not explodes([0.9, 0.9, 0.9], [1.0, 1e-3, 1e-3], times=20.0)  # it began there
    assert not explodes([0.1, 500.0, 0.1], usual, times=20.0)  # a single one
    assert not explodes([5.0], [], 20.0) and not explodes([], usual, 20.0)


def test_a_critic_that_wins_and_a_collapse_are_told_by_a_bound() -> None:
    assert critic_wins([1.0, 1.0, 0.97], 0.98) and not critic_wins([1.0, 0.9, 0.97], 0.98) and not critic_wins([], 0.5)
    assert collapsed(0.2, 1.0, 0.3) and not collapsed(0.4, 1.0, 0.3) and not collapsed(0.2, math.nan, 0.3)


def test_a_trouble_is_named_once_and_over_only_when_clearly_so() -> None:
    counters = Counters()
    guard = Guard(TrainPlan(trouble_patience_steps=2, adversary_judged_after_images=10), counters)
    shares = {"early": [1.0, 1.0], "wins": [1.0, 0.99], "still": [0.97, 0.98], "ebbs": [0.8, 0.9], "again": [1.0, 1.0]}
    found: dict[str, list[tuple[str, bool]]] = {}
    for name, values in shares.items():
        counters.images_seen = 0 if name == "early" else 10
        told = [one for value in values for one in guard.after_step({"critic.balance": value, "critic.rate": 1.0})]
        found[name] = [(one.kind, one.is_over) for one in told]
    won, over = [(CRITIC_WINS, False)], [(CRITIC_WINS, True)]
    assert found == {"early": [], "wins": won, "still": [], "ebbs": over, "again": won}
    assert counters.troubles == ["critic wins: critic.balance"] and not guard.is_calm


def test_a_bound_on_the_generators_loss_is_kept_where_it_is_given() -> None:
    for bound, expected in ((0.0, []), (5.0, [CRITIC_WINS])):
        guard = Guard(TrainPlan(trouble_patience_steps=3, critic_wins_loss=bound), Counters(images_seen=10**6))
        told = [one for _ in range(3) for one in guard.after_step({"generator.adversarial": 6.0})]
        assert [one.kind for one in told] == expected


def test_gradients_that_are_not_clipped_do_not_explode_and_no_trouble_is_calm() -> None:
    for clip, kinds in ((1.0, []), (0.0, [DIVERGENCE])):
        guard = Guard(TrainPlan(trouble_patience_steps=20, clip_gradient_norm=clip), Counters())
        values = [0.01] * 60 + [0.9] * 20
        told = [one for value in values for one in guard.after_step({"critic.gradient_norm": value})]
        assert [one.kind for one in told] == kinds
    guard = Guard(TrainPlan(trouble_patience_steps=20), Counters())
    for value in [1.0] * 50:
        assert not guard.after_step({"critic.total": value})
    assert guard.is_calm
    for value in [100.0] * 6:
        assert not guard.after_step({"critic.total": value})
    assert not guard.is_calm  # it shows already, before the block is full


def test_features_that_are_not_finite_are_a_divergence() -> None:
    guard = Guard(TrainPlan(), Counters())
    (told,) = guard.after_validation({"diversity": math.nan, "data_diversity": 1.0})
    assert told.kind == DIVERGENCE and not told.is_over
    assert guard.after_validation({"diversity": math.nan, "data_diversity": 1.0}) == []
    (told,) = guard.after_validation({"diversity": 1.0, "data_diversity": 1.0})
    assert told.is_over
    assert guard.after_validation({"error": 1.0}) == []


def test_unknown_answers_are_refused() -> None:
    with pytest.raises(PlanError, match="on_trouble=pray"):
        TrainPlan(on_trouble="pray")


def test_a_healthy_pair_is_left_alone(troubled: ModuleType, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert train(troubled.Adversaries(), plan(images=2400, on_trouble="stop"), run)["finished"]
    assert events(run) == []
    found = [line["validation"]["diversity"] for line in run.read_log() if "validation" in line]
    assert found[-1] > 0.5


def test_a_critic_that_wins_is_named(troubled: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunFolder(tmp_path / "run")
    strong = troubled.Adversaries(critic_rate=20.0, generator_rate=0.05, r1=0.0)
    assert train(strong, plan(images=1600, **only(CRITIC_WINS)), run)["finished"]
    first = events(run)[0]
    assert (first["event"], first["kind"]) == ("trouble", CRITIC_WINS) and "critic.balance" in first["words"]
    assert "trouble: critic wins: critic.balance is" in capsys.readouterr().err
    assert roll_backs.good_checkpoints(run) == []


def test_a_mode_collapse_is_named_and_can_stop_the_run(troubled: ModuleType, tmp_path: Path) -> None:
    run, other = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "other")
    warned = plan(**only(COLLAPSE), collapse_share=0.3, images=2400)
    assert train(troubled.Collapsing(1600), warned, run)["finished"]
    told = events(run)
    assert [one["kind"] for one in told] == [COLLAPSE] and 1600 < told[0]["images_seen"]
    assert "made pictures differ by" in told[0]["words"]
    stopping = plan(**only(COLLAPSE), collapse_share=0.3, images=2400, on_trouble="stop")
    with pytest.raises(TrainingError, match="Training stopped for mode collapse: made pictures differ by") as caught:
        train(troubled.Collapsing(1600), stopping, other)
    assert "gradient penalty" in caught.value.remedy
    assert "made pictures differ by" in (other.path / "report.html").read_text()
    # What is done about trouble may be changed; the run goes on from before it came.
    assert train(troubled.Collapsing(1600), warned, other, resume=True)["finished"]
    assert [one["kind"] for one in events(other)] == [COLLAPSE]


def test_a_divergence_is_rolled_back_to_a_rate_that_bears(troubled: ModuleType, tmp_path: Path) -> None:
    warned, rolled = RunFolder(tmp_path / "warned"), RunFolder(tmp_path / "rolled")
    with pytest.raises(TrainingError, match="10 steps in a row were not finite"):
        train(troubled.Regression(), too_fast(images=16_000), warned)
    assert "its running median" in events(warned)[0]["words"]
    assert {one["kind"] for one in events(warned)} == {DIVERGENCE}
    shown: list[int] = []
    objective = troubled.Regression()
    objective.on_item = shown.append
    summary = train(objective, too_fast(on_trouble="roll-back", roll_back_rate=0.2), rolled)
    assert summary["finished"] and summary["images_seen"] == 1920
    losses = [line["network.total"] for line in rolled.read_log() if "network.total" in line]
    assert losses[-1] < 0.01 and max(losses) < 2.0
    told = events(rolled)
    assert {one["event"] for one in told} == {"roll-back"} and told[0]["kind"] == DIVERGENCE
    assert told[0]["given_up"][-1]["event"] == "trouble"
    # No item is shown twice: the second try is another one.
    assert shown == list(range(len(shown))) and len(shown) > 1920
    seen = [line["images_seen"] for line in rolled.read_log()]
    assert seen == sorted(seen)
    rates = {line["images_seen"]: line["network.rate"] for line in rolled.read_log() if "network.rate" in line}
    assert rates[1920] == pytest.approx(0.2 * 8.0) and len(told) == 1


@pytest.mark.parametrize(("moment", "workers"), [("before", 0), ("after", 1)])
def test_a_run_resumes_exactly_around_a_roll_back(
    moment: str, workers: int, troubled: ModuleType, tmp_path: Path
) -> None:
    answered = too_fast(on_trouble="roll-back", roll_back_rate=0.2)
    whole, parted = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parted")
    train(troubled.Regression(), answered, whole)
    rolled = events(whole)[0]
    # Items go on after a roll-back: one that is shown shortly before it, or shortly after.
    at = rolled["from_images"] + (-50 if moment == "before" else 100)
    interrupted = troubled.Regression()
    interrupted.on_item = lambda index: os.kill(os.getpid(), signal.SIGTERM) if index == at else None
    stopped = train(interrupted, answered, parted)
    assert stopped["stopped_by"] == "SIGTERM" and len(events(parted)) == (moment == "after")
    resumed = too_fast(on_trouble="roll-back", roll_back_rate=0.2, workers=workers)
    assert train(troubled.Regression(), resumed, parted, resume=True)["finished"]
    assert curve(parted.read_log()) == curve(whole.read_log())
    one, other = state_of(whole), state_of(parted)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_steps_that_are_not_finite_are_rolled_back_past(troubled: ModuleType, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    poisoned = troubled.Regression(range(600, 800))  # 13 steps: ten of them one after the other, and three
    summary = train(poisoned, plan(images=1200, validate_every_images=400, on_trouble="roll-back"), run)
    assert summary["finished"] and summary["skipped_steps"] == 13
    (told,) = events(run)
    assert told["event"] == "roll-back" and "10 steps in a row were not finite" in told["words"]
    assert all(bool(torch.isfinite(one).all()) for one in poisoned.network.parameters())
    with pytest.raises(TrainingError, match="10 steps in a row were not finite"):
        train(troubled.Regression(range(600, 800)), plan(images=1200), RunFolder(tmp_path / "warned"))


def test_a_trouble_that_comes_again_is_taken_farther_back_and_then_stops(troubled: ModuleType, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    answered = plan(**only(COLLAPSE), collapse_share=0.3, on_trouble="roll-back", most_roll_backs=2)
    with pytest.raises(TrainingError, match=r"came again after 2 roll-backs .* 0\.25 of the learning rate"):
        train(troubled.Collapsing(1600), answered, run)
    last = [one for one in events(run) if one["event"] == "roll-back"][-1]
    nested = [one for one in last["given_up"] if one.get("event") == "roll-back"]
    assert [one["images_seen"] for one in (*nested, last)] == [1600, 800]
    assert [path.name for path in roll_backs.good_checkpoints(run)][-1].startswith("good-")
    assert len(roll_backs.good_checkpoints(run)) <= 2


def test_a_run_without_a_good_checkpoint_cannot_go_back(troubled: ModuleType, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")

    def lose(index: int) -> None:
        if index == 100:
            for path in roll_backs.good_checkpoints(run):
                path.unlink()

    poisoned = troubled.Regression(range(160, 1000))
    poisoned.on_item = lose
    with pytest.raises(TrainingError, match="no good checkpoint"):
        train(poisoned, plan(on_trouble="roll-back"), run)


def test_tensorboard_shows_the_curve_that_counts_after_a_roll_back(troubled: ModuleType, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = RunFolder(tmp_path / "run")
    train(troubled.Regression(), too_fast(on_trouble="roll-back", roll_back_rate=0.2), run)
    shown = EventAccumulator(str(run.path / "tensorboard")).Reload()
    drawn = {one.step: one.value for one in shown.Scalars("network.total")}
    logged = {line["images_seen"]: line["network.total"] for line in run.read_log() if "network.total" in line}
    assert drawn == pytest.approx(logged, rel=1e-6)
    begun = [int(one.name.split(".")[3]) for one in (run.path / "tensorboard").iterdir()]
    assert len(begun) == len(set(begun)) == 2, "TensorBoard reads files by name: none begins in the second of another"


@pytest.mark.slow
def test_two_processes_roll_back_together(troubled: ModuleType, tmp_path: Path) -> None:
    values = options(**only(COLLAPSE), collapse_share=0.3, on_trouble="roll-back", most_roll_backs=1, images=2400)
    run = RunFolder(tmp_path / "run")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port))
    command = [sys.executable, *launcher, str(PROGRAM), "collapsing", str(run.path), json.dumps(values)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode != 0 and "came again after 1 roll-backs" in done.stderr
    told = events(run)
    assert [one["event"] for one in told] == ["roll-back", "trouble"] and told[0]["images_seen"] == 1600
