"""A new kind of training is one file and one row of the table; the loop, the losses and the recipes stay closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from torch import Tensor, nn

from vasari.tasks import objectives
from vasari.tasks.objectives import Batch, Objective, Turn
from vasari.tasks.recipe import Recipe, train_recipe

# The whole of a new recipe, as a user would write it.
RECIPE = """
kind = "posterize"
[train]
images = 64
batch = 4
optimizer = "lion"
learning_rate = 0.01
log_every_steps = 4
[losses]
posters = 2.0
"""


# And the whole of the new file: what a picture with four levels of grey would be, learned by one convolution.
class Posterize(Objective):
    """Learn to reduce pictures to four levels."""

    def __init__(self) -> None:
        self.network = nn.Conv2d(3, 3, 3, padding=1)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"poster": self.network}

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("poster", (self.network,), self.losses),)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"posters": 1.0}

    def examples(self, seed: int) -> Mapping[int, Batch]:
        class Noise(dict[int, Batch]):
            def __missing__(self, index: int) -> Batch:
                return {"pictures": torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(seed + index))}

        return Noise()

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        posters = (batch["pictures"] * 3).round() / 3
        return {"posters": (self.network(batch["pictures"]).float() - posters).square().mean()}


def test_a_row_is_all_that_a_new_objective_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(recipe: Recipe, data: tuple[Path | str, ...]) -> Objective:
        return Posterize()

    with_one_more = MappingProxyType({**objectives.OBJECTIVES, "posterize": build})
    monkeypatch.setattr(objectives, "OBJECTIVES", with_one_more)
    recipe = tmp_path / "posterize.toml"
    recipe.write_text(RECIPE)
    summary = train_recipe(recipe, (), tmp_path / "run", ("train.precision=float32",))
    assert summary["finished"] and summary["steps"] == 16
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    first, last = (float(line.split('"poster.posters": ')[1].split(",")[0]) for line in (log[0], log[3]))
    assert last < first
