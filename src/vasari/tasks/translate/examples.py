"""Training examples for translation: pairs that are made or found, and pictures of two domains side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from vasari.foundation.damage import ERAS, age
from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import gather
from vasari.tasks.data.pairs import PairedCrops, PairSet, gather_pairs
from vasari.tasks.data.picture_set import PictureSet
from vasari.tasks.objectives import Examples
from vasari.tasks.translate.painterly import painted
from vasari.tasks.translate.plan import PAIRED, TranslateObjectivePlan


class MadePairs:
    """Example i: a picture as target, and as source what the simulators make of it, by the seed (seed, i).

    Items: source, target [3, px, px] float32 in 0..1. A picture that is aged in an era of grey photographs is grey as
    target too: what its colors were, nothing tells.
    """

    def __init__(self, pictures: PictureSet, plan: TranslateObjectivePlan, seed: int) -> None:
        self._crops = Crops(pictures, plan.pictures, seed)
        self._plan, self._seed = plan, seed

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        rng = np.random.default_rng([self._seed, index, 2])
        clean = self._crops[index]["pictures"]
        pairing = self._plan.pairing
        if pairing == "stylized" or (pairing == "mixed" and rng.random() < 0.5):
            return {"source": painted(clean, rng), "target": clean}
        era, severity = str(rng.choice(list(ERAS))), int(rng.choice(self._plan.severities))
        masks = Path(self._plan.masks) if self._plan.masks else None
        result = age(clean, era=era, severity=severity, seed=int(rng.integers(2**62)), masks=masks)
        return {"source": result.aged, "target": result.clean}


class TwoDomains:
    """Example i: a picture of each domain, which do not correspond; items source, target [3, px, px] in 0..1."""

    def __init__(self, source: PictureSet, target: PictureSet, plan: TranslateObjectivePlan, seed: int) -> None:
        self._source = Crops(source, plan.pictures, seed)
        self._target = Crops(target, plan.pictures, seed + 1)

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        return {"source": self._source[index]["pictures"], "target": self._target[index]["pictures"]}


class Domains:
    """The pictures of a plan, gathered once, from which examples are made for any seed.

    Raises `TrainingError` where there are none, or no pairs, and `PlanError` for pairs out of several sources.
    """

    def __init__(self, data: Sequence[Path | str], plan: TranslateObjectivePlan) -> None:
        self._plan = plan
        self._source: PictureSet | None = None
        self._target: PictureSet | None = None
        self._pairs: PairSet | None = None
        if plan.method == PAIRED and plan.pairing == "folders":
            if len(data) != 1:
                raise PlanError(
                    f"Got {len(data)} sources in --data; pairs are found by name between one source and the target.",
                    remedy="name one with --data",
                )
            self._pairs = gather_pairs(data[0], plan.target, plan.pictures)
            return
        self._source = gather(data, plan.pictures)
        if plan.method != PAIRED:
            self._target = gather([plan.target], plan.pictures)

    @property
    def pictures(self) -> int:
        """How many pictures, or pairs, there are."""
        return sum(len(one) for one in (self._source, self._target, self._pairs) if one is not None)

    def lines(self) -> list[str]:
        """What was read, in plain words: of the pairs, or of each domain."""
        if self._pairs is not None:
            return self._pairs.lines()
        return [line for one in (self._source, self._target) if one is not None for line in one.report.lines()]

    def examples(self, seed: int) -> Examples:
        """The endless source of the seed."""
        if self._pairs is not None:
            return PairedCrops(self._pairs, self._plan.pictures, seed)
        if self._source is None:
            raise TrainingError("There are no pictures.", remedy="name folders of pictures with --data")
        if self._target is not None:
            return TwoDomains(self._source, self._target, self._plan, seed)
        return MadePairs(self._source, self._plan, seed)
