"""One treatment after another in one pass over a picture: restored first, then stylized."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from vasari.foundation import image_files, tiles
from vasari.foundation.image_files import Limits
from vasari.foundation.picture import Metadata
from vasari.tasks.batch import streams
from vasari.tasks.batch.streams import Manner, Treated, Treater
from vasari.tasks.batch.work import Outputs
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.surveyed import OVERVIEW_PX
from vasari.tasks.stylize.painter import Painter


@dataclass(frozen=True, eq=False)
class Succession:
    """Two treaters as one: the second sees what the first made, of the thumbnail and of each tile.

    `first_px` and `second_px` are the long sides of the thumbnails that they survey; the first goes over that of the
    second in tiles of `tile_px`.
    """

    first: Conservator
    second: Treater
    first_px: int
    second_px: int
    tile_px: int

    @property
    def halo(self) -> int:
        """Pixels of surroundings after which a tile equals the whole."""
        return self.first.halo + self.second.halo

    @property
    def multiple_of(self) -> int:
        """What the sides of a padded tile are multiples of."""
        return math.lcm(self.first.multiple_of, self.second.multiple_of)

    def survey(self, thumbnail: Tensor) -> tuple[Any, Any]:
        """Both surveys; grey in three equal channels is taken for grey."""
        grey = bool((thumbnail == thumbnail[:1]).all())
        seen = self.first.survey(image_files.shrink(thumbnail, self.first_px))

        source = image_files.shrink(thumbnail[:1] if grey else thumbnail, self.second_px)
        # Its draft is that of its own size: restored from the draft of a larger one it would be repaired twice.
        seen_small = self.first.look_again(image_files.shrink(source, self.first_px), seen)

        def treat(pixels: Tensor, window: Tensor) -> Tensor:
            return self.first.treat(pixels, seen_small, window).result

        made = tiles.in_tiles(
            treat, source[None], tile=self.tile_px, halo=self.first.halo, multiple_of=self.first.multiple_of
        )
        return seen, self.second.survey(cast(Tensor, made)[0])

    def treat(self, pixels: Tensor, survey: tuple[Any, Any], window: Tensor) -> Treated:
        """Treat a tile by both; the damage is what the first found, the change that from the source."""
        between = self.first.treat(pixels, survey[0], window)
        after = self.second.treat(between.result, survey[1], window)
        change = (after.result - pixels).abs().amax(1, keepdim=True)
        return Treated(after.result, torch.maximum(between.damage, after.damage), change)


@dataclass(frozen=True)
class SuccessionWorker:
    """The `tasks.batch.work.Worker` of restoring and stylizing."""

    conservator: Conservator
    painter: Painter

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.conservator.machine

    def treat(
        self,
        path: Path,
        page: int,
        outputs: Outputs,
        *,
        xmp: Callable[[Metadata, str], bytes | None],
        limits: Limits,
        advance: Callable[[float], None],
    ) -> Mapping[str, float]:
        """Restore and stylize a page; see `streams.treat_page`."""
        plan, painting = self.conservator.plan, self.painter.manner
        header = image_files.inspect(path, page, limits)
        self.painter.fit(header.height, header.width)
        both = Succession(self.conservator, self.painter, OVERVIEW_PX, painting.thumbnail_px, plan.tile_px)
        manner = Manner(
            max(OVERVIEW_PX, painting.thumbnail_px), plan.tile_px, plan.format, plan.quality,
            colors_grey=painting.colors_grey,
        )  # fmt: skip
        found = streams.treat_page(path, page, both, manner, outputs, xmp=xmp, limits=limits, advance=advance)
        grey = float(header.channels == 1)
        return {**found.to_numbers(), "working_px": float(self.painter.working_px), "grey_source": grey}
