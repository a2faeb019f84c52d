"""The trials of a sweep, and the recipe of each: the base, the settings of the plan, those of the trial, its seed."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import read_toml, to_dict
from vasari.tasks.recipe import RECIPES_FOLDER, Recipe, recipe_from, shipped
from vasari.tasks.sweep.axes import Value
from vasari.tasks.sweep.plan import Sweep

TABLES = ("train", "network", "objective", "losses")
LONGEST_NAME = 60


@dataclass(frozen=True)
class Trial:
    """One combination of values, an axis each, in the plan's order."""

    values: tuple[tuple[str, Value], ...]

    @property
    def labels(self) -> dict[str, str]:
        """Axis -> label of its value."""
        return {axis: value.label for axis, value in self.values}

    @property
    def name(self) -> str:
        """The labels, as one reads them in a table."""
        return " ".join(value.label for _, value in self.values)


@dataclass(frozen=True)
class Run:
    """A trial with one seed: a training. `recipe` is what `vasari train` would read, `key` its folder."""

    trial: Trial
    seed: int
    recipe: Mapping[str, Any]
    key: str


def trials(sweep: Sweep) -> list[Trial]:
    """Every trial of the plan in a fixed order, each once."""
    if sweep.plan.method == "grid":
        combinations = itertools.product(*(axis.values for axis in sweep.axes))
        return [Trial(tuple((axis.name, one) for axis, one in zip(sweep.axes, each))) for each in combinations]
    rng = np.random.default_rng(sweep.plan.draw_seed)
    drawn = [Trial(tuple((axis.name, axis.drawn(rng)) for axis in sweep.axes)) for _ in range(sweep.plan.trials)]
    return list({json.dumps(one.labels): one for one in drawn}.values())


def runs(sweep: Sweep, data: Sequence[str]) -> list[Run]:
    """Every run: all trials with the first seed, then all with the second, so that a sweep cut short is balanced."""
    base = base_values(sweep)
    seeds = range(sweep.plan.first_seed, sweep.plan.first_seed + sweep.plan.seeds)
    found = trials(sweep)
    return [_run(sweep, base, trial, seed, data) for seed in seeds for trial in found]


def base_values(sweep: Sweep) -> dict[str, Any]:
    """The plain values of the recipe that is varied; raises `PlanError` where there is none."""
    name = sweep.recipe
    return read_toml(RECIPES_FOLDER / f"{name}.toml" if name in shipped() else _existing(sweep, name))


def recipe_of(sweep: Sweep, base: Mapping[str, Any], trial: Trial, seed: int) -> Recipe:
    """The recipe of a run, checked; raises `PlanError`."""
    settings = dict(sweep.settings)
    factors: dict[str, float] = {}
    for _, value in trial.values:
        settings |= value.settings
        factors |= value.factors
    values: dict[str, Any] = json.loads(json.dumps(base))
    for key, value in settings.items():
        lay(values, key, value)
    plan = sweep.plan
    if plan.images_per_run:
        lay(values, "train.images", plan.images_per_run)
    if "train.validate_every_images" not in settings:
        images = recipe_from(values, sweep.name).train.images
        lay(values, "train.validate_every_images", max(1, -(-images // plan.validations)))
    for key, factor in factors.items():
        lay(values, key, _number(values, sweep, key) * factor)
    lay(values, "train.seed", seed)
    return recipe_from(values, sweep.name)


def lay(values: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key of nested tables; raises `PlanError` where a part of it is no table."""
    *parents, last = key.split(".")
    table = values
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise PlanError(f"{key}: {parent} is no table.", remedy="check the spelling of the key")
    table[last] = value


def near(name: str, known: Sequence[str], what: str) -> PlanError:
    """The error for a name that is not known, with those that are near it."""
    alike = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    tail = name.rsplit(".", 1)[-1]
    alike = alike or [one for one in known if one.endswith(f".{tail}")]
    listed = f"did you mean {' or '.join(alike)}?" if alike else f"use one of: {', '.join(sorted(known)[:30])}"
    return PlanError(f"{what} {name!r} is not known.", remedy=listed)


def _run(sweep: Sweep, base: Mapping[str, Any], trial: Trial, seed: int, data: Sequence[str]) -> Run:
    recipe = recipe_of(sweep, base, trial, seed)
    values = {"kind": recipe.kind, **recipe.to_dict()}
    # What the run is, and not where: the same trial of a changed plan is found again.
    text = json.dumps({"recipe": values, "data": list(data)}, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", trial.name).strip("-")[:LONGEST_NAME]
    return Run(trial, seed, values, f"{slug or 'trial'}-seed{seed}-{digest}")


def _number(values: Mapping[str, Any], sweep: Sweep, key: str) -> float:
    """The number that a factor multiplies: what the trial sets, else the default of [train]."""
    found: Any = values
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if found is None and key.startswith("train."):
        found = to_dict(recipe_from(dict(values), sweep.name).train).get(key.removeprefix("train."))
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise PlanError(
            f"{key}={found!r} is no number to multiply.", remedy=f'set it, in [set]: "{key}" = 1.0, for one'
        )
    return float(found)


def _existing(sweep: Sweep, name: str) -> Any:
    from pathlib import Path

    path = Path(name)
    if not path.is_file():
        raise near(sweep.plan.recipe, shipped(), "The recipe")
    return path
