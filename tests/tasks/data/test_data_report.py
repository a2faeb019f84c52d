"""What was read is told before training begins, and can be read alone."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vasari.foundation.errors import PlanError
from vasari.tasks import objectives
from vasari.tasks.recipe import check_data, describe, train_recipe

RECIPE = """# A toy. It says what it
# has read.
kind = "toy"
[train]
images = 4
batch = 2
workers = 0
warmup_images = 0
"""


@pytest.fixture
def recipe(tmp_path: Path, toys: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of a kind `toy`, whose objective tells of its data."""

    class Telling(toys.Restoration):  # type: ignore[name-defined, misc]
        """Tells what it was given."""

        def __init__(self, data: tuple[Any, ...]) -> None:
            super().__init__()
            self.data = data

        @property
        def data_report(self) -> list[str]:
            return [f"Read {one}." for one in self.data]

    monkeypatch.setattr(objectives, "OBJECTIVES", {"toy": lambda recipe, data: Telling(data)})
    path = tmp_path / "toy.toml"
    path.write_text(RECIPE)
    return path


def test_training_tells_what_was_read_before_it_begins(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "pictures"
    done = train_recipe(recipe, ("hf://owner/name", pictures), tmp_path / "run")
    assert done["finished"]
    assert capsys.readouterr().err.startswith(f"Read hf://owner/name.\nRead {pictures}.\n")
    assert "hf://owner/name" in (tmp_path / "run" / "recipe.toml").read_text()


def test_of_several_processes_the_first_alone_tells(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    train_recipe(recipe, ("here",), tmp_path / "run")
    assert "Read here" not in capsys.readouterr().err


def test_data_can_be_checked_without_training(recipe: Path) -> None:
    assert check_data(recipe, ("here", "there")) == ("Read here.", "Read there.")
    assert check_data(recipe, ()) == ("The data can be read; a recipe of kind toy tells no more.",)


def test_a_recipe_is_described_by_its_first_comment(recipe: Path, tmp_path: Path) -> None:
    assert describe(recipe) == "A toy. It says what it has read."
    (tmp_path / "plain.toml").write_text('kind = "toy"\n# later\n')
    assert describe(tmp_path / "plain.toml") == ""
    assert "fidelity" in describe("restore")
    with pytest.raises(PlanError, match="There is no recipe"):
        describe("perfection")
