"""What a sweep is asked for: a TOML file. Imports no torch.

recipe = "dcgan"            # one that ships, or a TOML file beside the plan
method = "grid"             # or "random", with trials = 20
seeds = 2
metric = "kernel_distance"  # of the recipe's validation
[set]                       # laid over the recipe in every trial
"train.images" = 8192
[axes]                      # see `axes`
"train.optimizer" = ["adam", "sgd"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, from_dict, option, read_toml
from vasari.tasks.sweep.axes import Axis, flat, read_axes

PRUNERS = ("none", "median", "halving")


@dataclass(frozen=True)
class SweepPlan:
    """The options of a sweep; [set] and [axes] are read apart (see `Sweep`)."""

    recipe: str = option("", "the recipe that is varied: one that ships, or a TOML file beside the plan")
    title: str = option("", "what the report is headed by")
    data: tuple[str, ...] = option((), "sources of pictures, where --data names none")
    method: str = option("grid", "'grid' tries every combination, 'random' draws trials", choices=("grid", "random"))
    trials: int = option(0, "how many trials method = 'random' draws", minimum=0)
    draw_seed: int = option(0, "seed of these draws", minimum=0)
    seeds: int = option(1, "runs of each trial, of seeds first_seed, first_seed + 1 ...", minimum=1)
    first_seed: int = option(0, "the first seed", minimum=0)
    metric: str = option("", "number of the validation that trials are judged by; empty for the recipe's own")
    direction: str = option(
        "", "whether more or less of it is better; empty where it is known", choices=("", "max", "min")
    )
    validations: int = option(4, "validations in each run, evenly spread; the last one judges", minimum=1)
    images_per_run: int = option(0, "length of each run, in pictures shown; 0 for the recipe's", minimum=0)
    minutes_per_run: float = option(
        0.0, "longest time of a run; what is not finished then has failed; 0 for any", minimum=0.0
    )
    images: int = option(0, "begin no run after so many pictures in all; 0 for any", minimum=0)
    minutes: float = option(0.0, "begin no run after so many minutes of all runs together; 0 for any", minimum=0.0)
    pruner: str = option(
        "none",
        "'median' stops a run that is behind the median of the finished ones, 'halving' all but the best third at "
        "each stage; both by Optuna",
        choices=PRUNERS,
    )
    prune_after_runs: int = option(5, "finished runs before the median is trusted", minimum=1)
    prune_after_validations: int = option(1, "validations of a run before it may be stopped", minimum=1)

    def __post_init__(self) -> None:
        check(self)
        if self.method == "random" and not self.trials:
            raise PlanError("method=random needs a number of trials.", remedy="write trials = 20")
        if self.method == "grid" and self.trials:
            raise PlanError(
                f"trials={self.trials} has no meaning for method=grid, which tries every combination.",
                remedy="leave it out, or write method = 'random'",
            )


@dataclass(frozen=True)
class Sweep:
    """A plan read whole: its options, the settings laid over the recipe in every trial, the axes."""

    plan: SweepPlan
    name: str
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()

    @property
    def recipe(self) -> str:
        """The recipe's name, or its path as seen from here: a path in a plan is one beside the plan."""
        beside = self.folder / self.plan.recipe
        return str(beside) if self.plan.recipe.endswith(".toml") else self.plan.recipe


def read_sweep(path: str | Path) -> Sweep:
    """The plan of a TOML file; raises `PlanError` where it is missing, has an unknown key or no axis."""
    path = Path(path)
    values = read_toml(path)
    settings, axes = values.pop("set", {}), values.pop("axes", {})
    for name, table in (("set", settings), ("axes", axes)):
        if not isinstance(table, Mapping):
            raise PlanError(f"{path.name}: {name} is no table.", remedy=f"write [{name}] and its keys below it")
    plan = from_dict(SweepPlan, values, where=path.stem)
    if not plan.recipe:
        raise PlanError(f"{path.name} names no recipe.", remedy='begin the plan with recipe = "rpgan", for one')
    return Sweep(plan, path.stem, path.parent, flat(settings), read_axes(axes))
