"""A labeled set varied on the fly, for training a classifier: a torch `Dataset`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vasari.tasks.augment.draws import draw
from vasari.tasks.augment.plan import AugmentPlan
from vasari.tasks.augment.styles import Styles
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import gather
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.data.plan import PicturesPlan


class AugmentedPictures(Dataset[tuple[Tensor, int]]):
    """Item i: a square of picture i, varied, float32 [3, px, px] in 0..1, and the number of its label in `classes`.

    It is decided by (plan.seed, i, epoch) alone: whichever worker of a `DataLoader` makes it, and in whatever order.
    Call `set_epoch` before each epoch, and every picture comes in another style; workers that live on are told too.
    With `keep_original` a picture comes as it is once in `copies` + 1 epochs. Squares are cut as `shown` says, and
    styles are applied to the square. Models are loaded once a process, when first needed; raises `WeightsError` then.
    """

    def __init__(self, pictures: PictureSet, plan: AugmentPlan, shown: PicturesPlan) -> None:
        self.pictures, self.plan = pictures, plan
        self.classes = tuple(sorted(set(pictures.labels)))
        self._numbers = {label: number for number, label in enumerate(self.classes)}
        self._crops = Crops(pictures, shown, plan.seed)
        # In shared memory, so that workers that were started in an earlier epoch see it change.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()
        self._styles: Styles | None = None

    @classmethod
    def of(cls, sources: Sequence[str | Path], plan: AugmentPlan, shown: PicturesPlan) -> AugmentedPictures:
        """From folders, tables, lists, archives; raises as `tasks.data.gather.gather` does."""
        return cls(gather(sources, shown), plan, shown)

    def set_epoch(self, epoch: int) -> None:
        """Begin epoch `epoch`, counted from 0."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        epoch = int(self._epoch)
        pixels = self._crops.crop_of(index, np.random.default_rng([self.plan.seed, index, epoch]))
        if not (self.plan.keep_original and (epoch + index) % (self.plan.copies + 1) == 0):
            pixels = self._ready().copy(pixels, draw(self.plan, str(index), epoch + 1))
        return pixels, self._numbers[self.pictures.labels[index]]

    def _ready(self) -> Styles:
        if self._styles is None:
            self._styles = Styles.of(self.plan)
        return self._styles

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_styles": None}
