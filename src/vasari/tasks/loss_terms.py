"""Named loss terms and their weights: only here are the two multiplied."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.objectives import Objective
from vasari.tasks.train_plan import TrainPlan


def term_weights(objective: Objective, plan: TrainPlan) -> dict[str, float]:
    """The weight of every loss term: the objective's defaults, overridden by the plan."""
    unknown = sorted(set(plan.losses) - set(objective.weights))
    if unknown:
        raise PlanError(
            f"losses.{unknown[0]} is no term of this objective.",
            remedy=f"use one of: {', '.join(sorted(objective.weights))}",
        )
    negative = sorted(name for name, weight in plan.losses.items() if not weight >= 0)
    if negative:
        raise PlanError(
            f"losses.{negative[0]}={plan.losses[negative[0]]} is below 0: what it weighs would be made worse.",
            remedy="use 0 to leave a term out",
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
