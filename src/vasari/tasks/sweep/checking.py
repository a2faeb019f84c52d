"""A sweep looked over before anything runs: its metric, every key of its axes, the data, every trial's recipe."""

from __future__ import annotations

import dataclasses
import importlib
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict
from vasari.tasks.recipe import Recipe, build_objective
from vasari.tasks.sweep.plan import Sweep
from vasari.tasks.sweep.trials import base_values, near, recipe_of, trials
from vasari.tasks.train_plan import TrainPlan

# kind of a recipe -> numbers of its validation that trials may be judged by, and which way is better; the first is
# the default. Other numbers of a validation say nothing of the model, or nothing without the rest.
METRICS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "restore": {"psnr": "max", "ssim": "max", "psnr_clean": "max"},
        "enlarge": {"psnr_2": "max", "ssim_2": "max", "psnr_4": "max", "ssim_4": "max"},
        "colorize": {"error_palette": "min", "error_alone": "min", "error_hints": "min"},
        "detect": {"average_precision": "max"},
        "inpaint": {"psnr": "max"},
        "generate": {
            "kernel_distance": "min",
            "precision": "max",
            "recall": "max",
            "density": "max",
            "coverage": "max",
            "diversity": "max",
        },
        "translate": {"psnr": "max", "ssim": "max", "l1": "min", "identity": "min", "margin": "min"},
        "texture": {"patch_distance": "min"},
        "encode": {"explained": "max"},
        "stylize": {"total": "min", "content": "min", "style": "min", "own": "min"},
        "recognize": {"balanced_accuracy": "max", "accuracy": "max", "negative_log_likelihood": "min"},
    }
)

# kind of a recipe -> (module that trains it, the class of its table [objective] there)
OBJECTIVE_PLANS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "restore": ("vasari.tasks.restore.objective", "RestoreObjectivePlan"),
        "enlarge": ("vasari.tasks.enlarge.objective", "EnlargeObjectivePlan"),
        "colorize": ("vasari.tasks.colorize.objective", "ColorizeObjectivePlan"),
        "detect": ("vasari.tasks.detect.objective", "DetectObjectivePlan"),
        "inpaint": ("vasari.tasks.inpaint.objective", "InpaintObjectivePlan"),
        "generate": ("vasari.tasks.generate.objective", "GeneratePlan"),
        "translate": ("vasari.tasks.translate.objective", "TranslateObjectivePlan"),
        "texture": ("vasari.tasks.texture.objective", "TextureObjectivePlan"),
        "encode": ("vasari.tasks.encode.objective", "EncodeObjectivePlan"),
        "stylize": ("vasari.tasks.stylize.objective", "StylizeObjectivePlan"),
        "recognize": ("vasari.tasks.recognize.objective", "RecognizeObjectivePlan"),
    }
)


@dataclass(frozen=True)
class Judged:
    """The number of the validation by which trials are judged, and whether "max" or "min" of it is best."""

    metric: str
    direction: str

    @property
    def sign(self) -> float:
        """What makes more better: 1 or -1."""
        return 1.0 if self.direction == "max" else -1.0


def judged(sweep: Sweep) -> Judged:
    """The metric of a sweep and its direction; raises `PlanError` where the recipe's validation has no such number."""
    kind = str(base_values(sweep).get("kind", ""))
    if kind not in METRICS:
        what = f"is of the kind {kind!r}, which is not known" if kind else "has no kind"
        raise PlanError(f"The recipe {sweep.plan.recipe} {what}.", remedy=f"write kind = one of: {', '.join(METRICS)}")
    known = METRICS[kind]
    metric = sweep.plan.metric or next(iter(known))
    if metric not in known:
        raise near(metric, tuple(known), f"For recipes of kind {kind} the metric")
    return Judged(metric, sweep.plan.direction or known[metric])


def check_keys(sweep: Sweep, terms: Sequence[str]) -> None:
    """Raise `PlanError`, with near names, for a setting of the plan that no recipe of this kind has.

    `terms` are the names of the objective's losses.
    """
    kind = str(base_values(sweep)["kind"])
    known = known_keys(kind, terms)
    given = {**dict.fromkeys(sweep.settings, "The setting")}
    for axis in sweep.axes:
        for value in axis.values:
            given |= dict.fromkeys((*value.settings, *value.factors), f"In the axis {axis.name!r} the setting")
    for key, what in given.items():
        if key == "train.seed":
            raise PlanError("train.seed is what every trial is repeated with.", remedy="write seeds = 3 instead")
        if key not in known and not key.startswith("network.options."):
            raise near(key, known, what)


def known_keys(kind: str, terms: Sequence[str]) -> list[str]:
    """The dotted settings of recipes of a kind; `network.options.…` are the network's own."""
    module, name = OBJECTIVE_PLANS[kind]
    plan = importlib.import_module(module).__dict__[name]
    train = [f"train.{one.name}" for one in dataclasses.fields(TrainPlan) if one.name != "losses"]
    return [*train, "network.name", *_fields(plan, "objective."), *(f"losses.{term}" for term in terms)]


def check_sweep(sweep: Sweep, data: tuple[str, ...]) -> Judged:
    """Look the whole plan over; the first trial's objective is built, which reads the data.

    Raises `PlanError`, and what building an objective raises (`TrainingError` for no data).
    """
    found = judged(sweep)
    base = base_values(sweep)
    tried = trials(sweep)
    check_keys(sweep, _terms_named(sweep))
    recipes = [recipe_of(sweep, base, trial, sweep.plan.first_seed) for trial in tried]
    for trial, recipe in zip(tried, recipes):
        _check_objective(recipe, trial.name)
    if not data:
        raise PlanError("No data were named.", remedy="name pictures with --data, or in the plan: data = [...]")
    known = build_objective(recipes[0], data).weights
    check_keys(sweep, tuple(known))
    return found


def _terms_named(sweep: Sweep) -> tuple[str, ...]:
    """Names of losses as the plan gives them: whether there are such is known once an objective is built."""
    keys = [
        *sweep.settings,
        *(key for axis in sweep.axes for one in axis.values for key in (*one.settings, *one.factors)),
    ]
    return tuple(key.removeprefix("losses.") for key in keys if key.startswith("losses."))


def _check_objective(recipe: Recipe, where: str) -> None:
    module, name = OBJECTIVE_PLANS[recipe.kind]
    kind: type = importlib.import_module(module).__dict__[name]
    try:
        from_dict(kind, dict(recipe.objective), where="objective")
    except PlanError as error:
        raise PlanError(f"Trial {where}: {error.message}", remedy=error.remedy) from None


def _fields(plan: Any, prefix: str) -> list[str]:
    hints = typing.get_type_hints(plan)
    found = []
    for one in dataclasses.fields(plan):
        inner = dataclasses.is_dataclass(hints[one.name])
        found += _fields(hints[one.name], f"{prefix}{one.name}.") if inner else [f"{prefix}{one.name}"]
    return found
