"""Training examples for stylizing: a picture, and a style to give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import gather
from vasari.tasks.stylize.training_plan import StylizeObjectivePlan

# Every order of the channels but their own.
PERMUTATIONS = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


class ContentsAndStyles:
    """Example i: content [3, px, px] and style [3, px', px'] float32 in 0..1, drawn from (seed, i) alone."""

    def __init__(self, contents: Crops, styles: Crops, recolored: float, seed: int) -> None:
        self._contents, self._styles, self._recolored, self._seed = contents, styles, recolored, seed

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        rng = np.random.default_rng([self._seed, index, 3])
        style = self._styles[index]["pictures"]
        if rng.random() < self._recolored:
            style = style[list(PERMUTATIONS[int(rng.integers(len(PERMUTATIONS)))])]
        return {"content": self._contents[index]["pictures"], "style": style}


class Studio:
    """The pictures of a plan, gathered once, from which examples are made for any seed; raises `TrainingError`."""

    def __init__(self, data: Sequence[Path | str], plan: StylizeObjectivePlan) -> None:
        self._plan = plan
        self._contents = gather(data, plan.pictures)
        self._styles = gather([plan.styles], plan.style_pictures)

    @property
    def pictures(self) -> int:
        """How many contents and styles there are."""
        return len(self._contents) + len(self._styles)

    def lines(self) -> list[str]:
        """What was read, in plain words."""
        return [*self._contents.report.lines(), *self._styles.report.lines()]

    def examples(self, seed: int, recolored: float | None = None) -> ContentsAndStyles:
        """The endless source of the seed; `recolored` in the place of the plan's."""
        return ContentsAndStyles(
            Crops(self._contents, self._plan.pictures, seed),
            Crops(self._styles, self._plan.style_pictures, seed + 1),
            self._plan.recolored if recolored is None else recolored,
            seed,
        )
