"""Axes as plans write them: lists, ranges, multiples, named values; and what is refused."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from vasari.foundation.errors import PlanError
from vasari.tasks.sweep.axes import read_axes


def axes_of(text: str) -> dict[str, list[str]]:
    return {axis.name: [value.label for value in axis.values] for axis in read_axes(tomllib.loads(text))}


def test_lists_ranges_multiples_and_named_values() -> None:
    found = axes_of(
        """
        "train.batch" = [8, 16]
        "train.clip_gradient_norm" = {low = 0.0, high = 1.0, steps = 3}
        "losses.adversarial" = {low = 1e-4, high = 1e-2, steps = 3, scale = "log"}
        "train.learning_rate" = {times = [0.5, 2.0]}
        [loss]
        clip = {"objective.adversarial" = "wgan", "objective.penalty" = "clip"}
        gp = {objective.adversarial = "wgan", objective.penalty = "wgan-gp"}
        """
    )
    assert found == {
        "train.batch": ["8", "16"],
        "train.clip_gradient_norm": ["0", "0.5", "1"],
        "losses.adversarial": ["0.0001", "0.001", "0.01"],
        "train.learning_rate": ["×0.5", "×2"],
        "loss": ["clip", "gp"],
    }
    (axis,) = read_axes(tomllib.loads('[loss]\ngp = {objective.adversarial = "wgan", objective.penalty = "wgan-gp"}'))
    assert axis.values[0].settings == {"objective.adversarial": "wgan", "objective.penalty": "wgan-gp"}


def test_draws_are_spread_over_a_logarithmic_range() -> None:
    (axis,) = read_axes({"train.learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"}})
    rng = np.random.default_rng(0)
    drawn = np.array([axis.drawn(rng).settings["train.learning_rate"] for _ in range(400)])
    assert drawn.min() >= 1e-4 and drawn.max() <= 1e-2
    assert 0.4 < (drawn < 1e-3).mean() < 0.6  # half of them below the geometric middle
    (whole,) = read_axes({"train.batch": {"low": 4, "high": 9}})
    batches = {whole.drawn(rng).settings["train.batch"] for _ in range(100)}
    assert batches == {4, 5, 6, 7, 8, 9} and all(isinstance(one, int) for one in batches)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no axes"),
        ('"train.batch" = []', "has no values"),
        ('"train.batch" = [8, 8]', "twice"),
        ('"train.batch" = 8', "is no axis"),
        ("train.batch = [8, 16]", "no table of settings"),
        ('"train.batch" = {low = 3, high = 2}', "goes from 3 to 2"),
        ('"train.batch" = {low = 0, high = 2, scale = "log"}', "goes from 0 to 2"),
        ('"train.batch" = {low = 0, high = 2, scale = "cubic"}', "cubic is not known"),
        ('"train.batch" = {low = 0, high = 2, stops = 4}', "unknown key 'stops'"),
        ('"train.batch" = {low = 0}', "no number"),
        ('"train.batch" = {low = 0.0, high = inf}', "not finite"),
        ('"train.batch" = [8]\n[size]\nbig = {"train.batch" = 32}', "both set train.batch"),
    ],
)
def test_what_is_no_axis_is_refused(text: str, told: str) -> None:
    with pytest.raises(PlanError, match=told):
        read_axes(tomllib.loads(text))
