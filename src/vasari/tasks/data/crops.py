"""Random squares of a set of pictures, each made from the run's seed and its number alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from vasari.tasks.data.picture_set import PictureSet, square
from vasari.tasks.data.plan import PicturesPlan


@dataclass(frozen=True)
class Window:
    """A square of a picture: its place and side in pixels as kept, and whether it is shown mirrored."""

    top: int
    left: int
    side: int
    mirrored: bool


class Order:
    """Which picture is shown at which place: every epoch shows each once, in an order of its own."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed = count, seed
        self._shuffled: dict[int, np.ndarray] = {}

    def __getitem__(self, index: int) -> int:
        epoch, place = divmod(index, self._count)
        if epoch not in self._shuffled:
            if len(self._shuffled) >= 2:  # a batch may lie across two epochs
                self._shuffled.pop(min(self._shuffled))
            self._shuffled[epoch] = np.random.default_rng([self._seed, epoch, 1]).permutation(self._count)
        return int(self._shuffled[epoch][place])

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_shuffled": {}}


def draw_window(rows: int, columns: int, plan: PicturesPlan, rng: np.random.Generator) -> Window:
    """A random square of a picture of `rows` × `columns`, as the plan says.

    Its side lies between the whole short side and, at closest=1, `px` pixels as kept, evenly in its logarithm.
    """
    short = min(rows, columns)
    side = short
    if plan.closest > 0 and short > plan.px:
        smallest = short - plan.closest * (short - plan.px)
        side = min(short, round(float(np.exp(rng.uniform(np.log(smallest), np.log(short))))))
    top, left = (rows - side) // 2, (columns - side) // 2
    if plan.place == "random":
        top, left = int(rng.integers(rows - side + 1)), int(rng.integers(columns - side + 1))
    return Window(top, left, side, plan.flip and rng.random() < 0.5)


class Crops:
    """Example i: a square of a picture, {"pictures": float32 [3, px, px] in 0..1}, made from (seed, i) alone."""

    def __init__(self, pictures: PictureSet, plan: PicturesPlan, seed: int) -> None:
        self.pictures, self.plan, self.seed = pictures, plan, seed
        self._order = Order(len(pictures), seed)

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        return {"pictures": self.crop_of(self.which(index), np.random.default_rng([self.seed, index]))}

    def which(self, index: int) -> int:
        """The number of the picture that example `index` shows."""
        return self._order[index]

    def crop(self, rng: np.random.Generator) -> Tensor:
        """A square of any of the pictures, drawn by `rng`: float32 [3, px, px] in 0..1."""
        return self.crop_of(int(rng.integers(len(self.pictures))), rng)

    def crop_of(self, which: int, rng: np.random.Generator) -> Tensor:
        """A square of picture `which`, drawn by `rng`: float32 [3, px, px] in 0..1."""
        picture = self.pictures[which]
        rows, columns, _ = picture.shape
        window = draw_window(rows, columns, self.plan, rng)
        return square(picture, window.top, window.left, window.side, self.plan.px, window.mirrored)
