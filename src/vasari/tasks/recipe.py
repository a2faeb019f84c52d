"""Recipes: TOML files that say what is trained and how; those that ship, and those of a path.

kind = "restore"            # a line of tasks.objectives.OBJECTIVES
[train]                     # tasks.train_plan.TrainPlan
images = 1_000_000
[network]                   # a line of models.cards.NETWORKS and its options
name = "restorer"
[network.options]
[objective]                 # the objective's own plan
[losses]                    # weights of its terms
content = 1.0
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict, read_toml, to_dict, with_settings
from vasari.tasks.train_plan import TrainPlan

if TYPE_CHECKING:
    from vasari.tasks.objectives import Objective

RECIPES_FOLDER = Path(__file__).parent / "recipes"
TABLES = ("kind", "train", "network", "objective", "losses", "data")


@dataclass(frozen=True)
class Recipe:
    """A recipe read and checked: `network` and `objective` are left to the objective to check."""

    name: str
    kind: str
    train: TrainPlan
    network: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, as it is written to RUN/recipe.toml."""
        return {
            "kind": self.kind,
            "train": to_dict(self.train),
            "network": dict(self.network),
            "objective": dict(self.objective),
        }


def shipped() -> tuple[str, ...]:
    """The names of the recipes that came with the package."""
    return tuple(sorted(path.stem for path in RECIPES_FOLDER.glob("*.toml")))


def describe(name_or_path: str | Path) -> str:
    """The comment that a recipe begins with, as one line; "" where there is none."""
    lines: list[str] = []
    for line in _file_of(name_or_path).read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines)


def _file_of(name_or_path: str | Path) -> Path:
    """The file of a shipped name or a path; raises `PlanError` where there is none."""
    text = str(name_or_path)
    path = RECIPES_FOLDER / f"{text}.toml" if text in shipped() else Path(text)
    if not path.is_file():
        names = ", ".join(shipped()) or "none"
        raise PlanError(f"There is no recipe {text!r}.", remedy=f"name a TOML file, or one that ships: {names}")
    return path


def read_recipe(name_or_path: str | Path, settings: tuple[str, ...] = ()) -> Recipe:
    """The recipe of a shipped name or a TOML file, with `settings` ("train.batch=32") laid over it.

    Raises `PlanError` where it is missing, has an unknown key, or a value of another type.
    """
    path = _file_of(name_or_path)
    return recipe_from(with_settings(read_toml(path), settings), path.stem)


def recipe_from(values: Mapping[str, Any], name: str) -> Recipe:
    """A recipe from plain values; raises `PlanError` for an unknown key, and for no `kind`."""
    unknown = sorted(set(values) - set(TABLES))
    if unknown:
        raise PlanError(f"{name}: unknown key {unknown[0]!r}.", remedy=f"use one of: {', '.join(TABLES)}")
    if not isinstance(values.get("kind"), str):
        raise PlanError(f"{name} has no kind.", remedy='begin the recipe with kind = "restore"')
    wrong = [table for table in TABLES[1:5] if not isinstance(values.get(table, {}), Mapping)]
    if wrong:
        raise PlanError(f"{name}: {wrong[0]} is no table.", remedy=f"write [{wrong[0]}] and its keys below it")
    data = values.get("data", [])
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise PlanError(f"{name}.data={data!r} is no list of names.", remedy="name the pictures with --data")
    train = dict(values.get("train", {}))
    of_train = train.pop("losses", {})
    if not isinstance(of_train, Mapping):
        raise PlanError(f"{name}.train.losses is no table.", remedy="write [losses] and the weights of terms below it")
    losses = {**of_train, **values.get("losses", {})}
    plan = from_dict(TrainPlan, {**train, "losses": losses}, where=f"{name}.train")
    return Recipe(name, values["kind"], plan, values.get("network", {}), values.get("objective", {}))


def build_objective(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    """The recipe's objective; its weights are drawn from the recipe's seed."""
    import torch

    from vasari.tasks.objectives import OBJECTIVES

    if recipe.kind not in OBJECTIVES:
        raise PlanError(f"kind={recipe.kind} is not known.", remedy=f"choose from: {', '.join(OBJECTIVES)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        return OBJECTIVES[recipe.kind](recipe, data)


def check_data(
    name_or_path: str | Path, data: tuple[str | Path, ...], settings: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Read the data as training would, and nothing more; returns what was read, a line a fact.

    Raises `TrainingError` and `PlanError` as training would.
    """
    recipe = read_recipe(name_or_path, settings)
    objective = build_objective(recipe, data)
    objective.examples(recipe.train.seed)
    return tuple(objective.data_report) or (f"The data can be read; a recipe of kind {recipe.kind} tells no more.",)


def train_recipe(
    name_or_path: str | Path,
    data: tuple[str | Path, ...],
    run: Path,
    settings: tuple[str, ...] = (),
    resume: bool = False,
) -> dict[str, Any]:
    """Train a recipe on its data into the folder `run`; returns the summary of `training.train`.

    `data` are sources of pictures (see `docs/data.md`); what was read is told on stderr before training begins.
    """
    from vasari.foundation.runs import RunFolder
    from vasari.tasks.training import train

    recipe = read_recipe(name_or_path, settings)
    keep_apart(Path(run), data)
    folder = RunFolder(Path(run), {**recipe.to_dict(), "data": [str(one) for one in data]})
    objective = build_objective(recipe, data)
    if os.environ.get("RANK", "0") == "0":  # of several processes that `torchrun` started, the first speaks
        for line in objective.data_report:
            print(line, file=sys.stderr)
    return train(objective, recipe.train, folder, resume)


def whole_paths(data: Sequence[str | Path]) -> tuple[str, ...]:
    """The sources as processes name them that stand in another folder."""
    return tuple(str(one) if "://" in str(one) else str(Path(one).expanduser().absolute()) for one in data)


def keep_apart(run: Path, data: tuple[str | Path, ...]) -> None:
    """Raise `PlanError` for a run folder among the pictures: its grids would be trained on the next time."""
    folders = [Path(one).expanduser().resolve() for one in data if not str(one).startswith("hf://")]
    here = run.expanduser().resolve()
    for folder in folders:
        if folder.is_dir() and here.is_relative_to(folder):
            raise PlanError(
                f"The run's folder {run} lies among the pictures of {folder}.",
                remedy="name a folder outside of them with -o",
            )
    if here.exists() and not here.is_dir():
        raise PlanError(f"{run} is a file, and a run needs a folder.", remedy="name a folder with -o")
