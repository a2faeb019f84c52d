"""Training examples for stylizing: a picture, perhaps aged, and a style to give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor
from torch.nn import functional

from vasari.foundation.damage import ERAS, age
from vasari.tasks.data.crops import Crops
from vasari.tasks.data.gather import gather
from vasari.tasks.stylize.media import MEDIA, drawn
from vasari.tasks.stylize.training_plan import StylizeObjectivePlan

# Every order of the channels but their own.
PERMUTATIONS = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


class ContentsAndStyles:
    """Example i, drawn from (seed, i) alone: content and shown [3, px, px], style [3, px', px'], float32 in 0..1.

    What is `shown` to the network is the content, or for a share of them the content aged by the simulator; one that
    is aged in an era of grey photographs is grey as content too.
    """

    def __init__(self, contents: Crops, styles: Crops, plan: StylizeObjectivePlan, seed: int) -> None:
        self._contents, self._styles, self._plan, self._seed = contents, styles, plan, seed

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        rng, plan = np.random.default_rng([self._seed, index, 3]), self._plan
        style = self._style(index, rng)
        if rng.random() < plan.recolored:
            style = style[list(PERMUTATIONS[int(rng.integers(len(PERMUTATIONS)))])]
        content = self._contents[index]["pictures"]
        if rng.random() >= plan.aged:
            return {"content": content, "shown": content, "style": style}
        era, severity = str(rng.choice(list(ERAS))), int(rng.choice(plan.severities))
        masks = Path(plan.masks) if plan.masks else None
        made = age(content, era=era, severity=severity, seed=int(rng.integers(2**62)), masks=masks)
        return {"content": made.clean, "shown": made.aged, "style": style}

    def _style(self, index: int, rng: np.random.Generator) -> Tensor:
        """A square of a style picture, or of a photograph in a medium drawn by chance."""
        if rng.random() >= self._plan.media:
            return self._styles[index]["pictures"]
        px = self._plan.style_pictures.px
        photograph = self._contents.crop(rng)
        if photograph.shape[1] != px:
            photograph = functional.interpolate(photograph[None], (px, px), mode="bilinear", antialias=True)[0]
        return drawn(photograph, str(rng.choice(list(MEDIA))), rng)


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
        plan = self._plan if recolored is None else replace(self._plan, recolored=recolored)
        return ContentsAndStyles(
            Crops(self._contents, self._plan.pictures, seed),
            Crops(self._styles, self._plan.style_pictures, seed + 1),
            plan,
            seed,
        )
