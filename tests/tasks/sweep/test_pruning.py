"""Optuna's pruners, asked of curves alone."""

from __future__ import annotations

import sys

import pytest

from vasari.foundation.errors import MissingExtraError
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, PRUNED
from vasari.tasks.sweep.plan import SweepPlan
from vasari.tasks.sweep.pruning import Curve, hopeless

OTHERS = [Curve([(1, 10.0), (2, value)], FINISHED) for value in (20.0, 21.0, 22.0)]


def test_a_run_behind_the_median_is_hopeless() -> None:
    plan = SweepPlan(pruner="median", prune_after_runs=3)
    assert hopeless(Curve([(1, 9.0)]), OTHERS, plan, "max")
    assert not hopeless(Curve([(1, 11.0)]), OTHERS, plan, "max")
    assert not hopeless(Curve([(1, 9.0)]), OTHERS, plan, "min")
    assert hopeless(Curve([(1, 11.0)]), OTHERS, plan, "min")


def test_the_median_counts_finished_runs_alone_and_waits_for_enough() -> None:
    plan = SweepPlan(pruner="median", prune_after_runs=3)
    assert not hopeless(Curve([(1, 9.0)]), OTHERS[:2], plan, "max")
    unfinished = [Curve([(1, 10.0)], PRUNED), Curve([(1, 10.0)], FAILED), Curve([(1, 10.0)])]
    assert not hopeless(Curve([(1, 9.0)]), [*OTHERS[:2], *unfinished], plan, "max")
    patient = SweepPlan(pruner="median", prune_after_runs=3, prune_after_validations=2)
    assert not hopeless(Curve([(1, 9.0)]), OTHERS, patient, "max")
    assert hopeless(Curve([(1, 9.0), (2, 19.0)]), OTHERS, patient, "max")


def test_halving_keeps_the_best_third() -> None:
    plan = SweepPlan(pruner="halving")
    others = [Curve([(1, float(value))]) for value in range(8)]
    assert hopeless(Curve([(1, 3.5)]), others, plan, "max")
    assert not hopeless(Curve([(1, 9.0)]), others, plan, "max")


def test_none_never_stops() -> None:
    assert not hopeless(Curve([(1, -1e9)]), OTHERS, SweepPlan(), "max")


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError) as caught:
        hopeless(Curve([(1, 9.0)]), OTHERS, SweepPlan(pruner="median"), "max")
    assert "vasari[sweeps]" in caught.value.remedy
