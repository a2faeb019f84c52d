"""Recipes: those that ship are sound; wrong ones are told what is wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError
from vasari.foundation.toml_text import to_toml
from vasari.tasks.objectives import OBJECTIVES
from vasari.tasks.recipe import build_objective, read_recipe, recipe_from, shipped, train_recipe


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_recipe_can_be_read_and_written(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.kind in OBJECTIVES
    assert recipe_from(tomllib.loads(to_toml(recipe.to_dict())), name) == recipe


def test_settings_lie_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('kind = "restore"\n[train]\nbatch = 4\n[losses]\ncontent = 2.0\n')
    recipe = read_recipe(path, ("train.batch=32", "losses.adversarial=0.1", "objective.patch_px=96"))
    assert recipe.name == "mine" and recipe.train.batch == 32
    assert recipe.train.losses == {"content": 2.0, "adversarial": 0.1}
    assert recipe.objective == {"patch_px": 96}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "restore"\nspeed = 3\n', "unknown key 'speed'"),
        ("[train]\nbatch = 4\n", "has no kind"),
        ('kind = "restore"\n[train]\nbatches = 4\n', "unknown key 'batches'"),
        ('kind = "restore"\n[train]\nbatch = "many"\n', "int was expected"),
        ('kind = "restore"\n[train]\nbatch = 0\n', "below 1"),
        ('kind = "restore"\n[train]\noptimizer = "magic"\n', "not known"),
        ('kind = "restore"\n[train]\nbatch = 6\nmicro_batches = 4\n', "not a multiple"),
        ('kind = "restore"\nnetwork = "restorer"\n', "network is no table"),
        ('kind = "restore"\n[train]\nlosses = 3\n', "losses is no table"),
        ("kind = \n", "is not TOML"),
    ],
)
def test_a_wrong_recipe_is_told_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(PlanError, match=message):
        read_recipe(path)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(PlanError, match="There is no recipe 'perfection'"):
        read_recipe("perfection")
    with pytest.raises(PlanError, match="kind=sculpt is not known"):
        build_objective(recipe_from({"kind": "sculpt"}, "mine"), ())


def test_a_run_among_its_own_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for run in (tmp_path / "pictures", tmp_path / "pictures" / "run"):
        with pytest.raises(PlanError, match="among the pictures"):
            train_recipe("rpgan", (tmp_path / "pictures",), run)
    (tmp_path / "file").write_text("")
    with pytest.raises(PlanError, match="is a file"):
        train_recipe("rpgan", (tmp_path / "pictures",), tmp_path / "file")


def test_data_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(PlanError, match="data=3 is no list"):
        read_recipe("rpgan", ("data=3",))
