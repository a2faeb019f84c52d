"""Whether a run is hopeless, by Optuna's pruners: asked of the curves of all runs, without a database.

Optuna keeps its studies in a storage; here the curves in the run folders are the storage, and a study is made of them
anew at every validation. So any process that sees the folders can decide, and nothing is lost when one is killed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vasari.foundation.errors import MissingExtraError
from vasari.tasks.sweep.outcomes import FAILED, FINISHED, PRUNED
from vasari.tasks.sweep.plan import SweepPlan

REDUCTION = 3  # of successive halving: the best third goes on (Li et al. 2018, arXiv:1810.05934, algorithm 2)


@dataclass(frozen=True)
class Curve:
    """The validations of a run, (number from 1, value), and how it ended; "" for one that is not over."""

    points: Sequence[tuple[int, float]]
    state: str = ""


def optuna_module() -> Any:
    """The module optuna; raises `MissingExtraError` without the extra `sweeps`."""
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("Stopping hopeless runs of a sweep", "sweeps") from None
    return optuna


def hopeless(own: Curve, others: Sequence[Curve], plan: SweepPlan, direction: str) -> bool:
    """True where Optuna's pruner would stop the run at its last validation.

    `others` are the runs that began before it, in that order. Median: Golovin et al. 2017 (Google Vizier), section
    3.2.2; halving: Li et al. 2018 (arXiv:1810.05934), asynchronous.
    """
    if plan.pruner == "none" or len(own.points) < plan.prune_after_validations:
        return False
    optuna = optuna_module()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction="maximize" if direction == "max" else "minimize", pruner=_pruner(plan, optuna)
    )
    states = {
        FINISHED: optuna.trial.TrialState.COMPLETE,
        PRUNED: optuna.trial.TrialState.PRUNED,
        FAILED: optuna.trial.TrialState.FAIL,
    }
    for other in others:
        trial = study.ask()
        _replay(trial, other)
        if other.state:
            value = other.points[-1][1] if other.state == FINISHED and other.points else None
            state = states[other.state] if value is not None or other.state != FINISHED else states[FAILED]
            study.tell(trial, value, state=state)
    return _replay(study.ask(), own)


def _replay(trial: Any, curve: Curve) -> bool:
    """Report a curve; whether its last point is to be the last. Halving counts who came to a stage as it is asked."""
    stop = False
    for number, value in curve.points:
        trial.report(value, number)
        stop = trial.should_prune()
    return bool(stop)


def _pruner(plan: SweepPlan, optuna: Any) -> Any:
    makers: Mapping[str, Any] = {
        "median": lambda: optuna.pruners.MedianPruner(
            n_startup_trials=plan.prune_after_runs, n_warmup_steps=plan.prune_after_validations - 1
        ),
        "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(
            min_resource=plan.prune_after_validations, reduction_factor=REDUCTION
        ),
    }
    return makers[plan.pruner]()
