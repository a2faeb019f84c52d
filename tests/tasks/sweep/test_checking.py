"""Plans that cannot be carried out are refused before anything runs, with what was meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.objectives import OBJECTIVES
from vasari.tasks.sweep.checking import METRICS, OBJECTIVE_PLANS, check_sweep, judged, known_keys
from vasari.tasks.sweep.plan import read_sweep
from vasari.tasks.sweep.trials import base_values, recipe_of, runs, trials

HEAD = 'recipe = "tiny.toml"\n'
AXIS = '[axes]\n"train.batch" = [4, 8]\n'
Written = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "told", "remedy"),
    [
        (HEAD + '[axes]\n"train.optimiser" = ["adam"]', "train.optimiser", "train.optimizer"),
        (HEAD + '[axes]\n"objective.adverserial" = ["bce"]', "objective.adverserial", "objective.adversarial"),
        (HEAD + '[axes]\n"losses.adverserial" = [1.0]', "losses.adverserial", "losses.adversarial"),
        (HEAD + '[axes]\n"optimizer" = ["adam"]', "optimizer", "train.optimizer"),
        (HEAD + '[set]\n"train.imagse" = 3\n' + AXIS, "train.imagse", "train.images"),
        (HEAD + '[axes]\n"train.seed" = [1, 2]', "train.seed", "seeds = 3"),
        (HEAD + '[axes]\n"train.optimizer" = ["adam", "addam"]', "addam", "adamw"),
        (HEAD + '[axes]\n"objective.adversarial" = ["bce", "wgan"]', "Trial wgan", "clip"),
        (HEAD + 'metric = "kernel_distanse"\n' + AXIS, "kernel_distanse", "kernel_distance"),
        (HEAD + 'metric = "psnr"\n' + AXIS, "psnr", "precision"),
        (HEAD + 'pruner = "hyperband"\n' + AXIS, "hyperband", "median"),
        (HEAD + 'method = "random"\n' + AXIS, "number of trials", "trials = 20"),
        (HEAD + "trials = 3\n" + AXIS, "no meaning", "random"),
        (HEAD + "sedes = 3\n" + AXIS, "sedes", "seeds"),
        (AXIS, "names no recipe", "recipe ="),
        ('recipe = "rpgam"\n' + AXIS, "rpgam", "rpgan"),
        (HEAD, "no axes", r"\[axes\]"),
        ("axes = 3\n" + HEAD, "axes is no table", r"\[axes\]"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_meant(
    text: str, told: str, remedy: str, written: Written, pictures: Path
) -> None:
    path = written(text)
    with pytest.raises(PlanError, match=told) as caught:
        check_sweep(read_sweep(path), (str(pictures),))
    assert re.search(remedy, caught.value.remedy)


@pytest.mark.parametrize(("head", "told"), [("", "has no kind"), ('kind = "paint"\n', "kind 'paint'")])
def test_a_recipe_of_no_known_kind_is_told(head: str, told: str, written: Written, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(head)
    with pytest.raises(PlanError, match=told):
        judged(read_sweep(written('recipe = "other.toml"\n' + AXIS)))


def test_data_that_are_missing_are_told(written: Written, tmp_path: Path) -> None:
    asked = read_sweep(written(HEAD + AXIS))
    with pytest.raises(PlanError, match="No data were named"):
        check_sweep(asked, ())
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="empty"):
        check_sweep(asked, (str(tmp_path / "empty"),))


def test_every_kind_of_recipe_can_be_judged() -> None:
    assert set(METRICS) == set(OBJECTIVE_PLANS) == set(OBJECTIVES)
    for kind, metrics in METRICS.items():
        assert metrics and set(metrics.values()) <= {"max", "min"}
        assert "train.optimizer" in known_keys(kind, ())
        assert any(key.startswith("objective.") for key in known_keys(kind, ()))


def test_a_trial_is_the_recipe_with_its_settings(written: Written) -> None:
    path = written(
        HEAD
        + 'seeds = 2\nfirst_seed = 7\nvalidations = 4\nimages_per_run = 64\n[set]\n"train.batch" = 8\n'
        + '[axes]\n"train.learning_rate" = {times = [0.5, 2.0]}\n'
        + '[axes.optimizer]\nsgd = {"train.optimizer" = "sgd", "train.learning_rate" = 0.1}\n'
        + 'adam = {"train.optimizer" = "adam"}\n'
    )
    asked = read_sweep(path)
    planned = runs(asked, ("photos",))
    assert [run.trial.name for run in planned[:4]] == ["×0.5 sgd", "×0.5 adam", "×2 sgd", "×2 adam"]
    assert [run.seed for run in planned] == [7] * 4 + [8] * 4
    recipe = recipe_of(asked, base_values(asked), trials(asked)[2], 8)
    assert recipe.train.optimizer == "sgd" and recipe.train.learning_rate == 0.2 and recipe.train.batch == 8
    assert recipe.train.seed == 8 and recipe.train.images == 64 and recipe.train.validate_every_images == 16
    assert len({run.key for run in planned}) == 8
    assert {run.key for run in runs(asked, ("photos",))} == {run.key for run in planned}
    assert not {run.key for run in runs(asked, ("others",))} & {run.key for run in planned}


def test_random_trials_are_drawn_by_their_seed(written: Written) -> None:
    text = 'method = "random"\ntrials = 5\n[axes]\n"train.learning_rate" = {low = 1e-4, high = 1e-2, scale = "log"}\n'
    first, again = (trials(read_sweep(written(HEAD + text, name))) for name in ("a", "b"))
    other = trials(read_sweep(written(HEAD + "draw_seed = 1\n" + text, "c")))
    assert [one.name for one in first] == [one.name for one in again] and len(first) == 5
    assert [one.name for one in other] != [one.name for one in first]
