"""Stylize one picture: in memory, or a page of a file of any size, strip by strip from disk to disk.

At a working size the network sees a reduced picture, and paints that. The result is enlarged onto all pixels, and a
share of what the reduction took from the picture is laid over it:

    result = enlarged(painted(reduced)) + detail × (picture - enlarged(reduced))

This is a Laplacian pyramid (Burt & Adelson 1983) whose coarse levels are painted and whose fine ones are the picture's:
at a print's size strokes keep their proportion to it, and tiles need no halo. With a working size of 0 every pixel
is painted as it is, with the statistics of a thumbnail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import image_files
from vasari.foundation.image_files import Limits
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import from_dict
from vasari.tasks.batch import streams
from vasari.tasks.batch.work import Outputs
from vasari.tasks.stylize.coding import Source
from vasari.tasks.stylize.optimizing import NOBODY, Onlooker, OptimizingHand, Sitting
from vasari.tasks.stylize.painter import Painter
from vasari.tasks.stylize.palette import Weighted
from vasari.tasks.stylize.regions import Mask, MaskSource, Regions
from vasari.tasks.stylize.stylize_plan import StylizePlan, parse

# How much of the work on a page is optimizing, for the progress; the rest is reading and writing.
OPTIMIZING_SHARE = 0.97
# A style, or one with its weight.
Style = Source | tuple[Source, float]


def stylize(
    picture: Picture | np.ndarray | str | Path,
    style: Style | Sequence[Style] = (),
    mask: MaskSource | Sequence[MaskSource] = (),
    **options: Any,
) -> Picture:
    """Give a picture the manner of others, and give it back with the metadata and depth it came with.

    `picture` is a `Picture`, a path, or an array as `Picture.from_array` takes it. `style` is one or several of: a
    picture (in the same three ways), a named style, a `StyleCode`, the path of a saved one; each may come with a
    weight, `("b.jpg", 0.3)`, which is 1 where none is given. `mask`: pictures or arrays, one for each style.
    `options` are the other fields of `StylizePlan` (`strength=0.8` ...). The source is not changed. Raises
    `PlanError`, `PictureError`, `WeightsError`. For scans larger than memory use `vasari stylize` or `stylize_files`.
    """
    plan = from_dict(StylizePlan, options, where="stylize")
    given = tuple(_weighted(one) for one in _several(style))
    painter = Painter.of(plan, given, Regions(tuple(Mask.of(one) for one in _several(mask))))
    return stylize_picture(streams.as_picture(picture), painter)


def stylize_picture(picture: Picture, painter: Painter) -> Picture:
    """A picture in memory stylized; equal to what the batch makes of its file."""
    painter.fit(picture.height, picture.width)
    return streams.treat_picture(picture, painter, painter.manner)


def _several(given: Any) -> tuple[Any, ...]:
    """One or several, as several: a list is several, a tuple of something and a number is one with its weight."""
    if isinstance(given, list):
        return tuple(given)
    if isinstance(given, tuple) and not (len(given) == 2 and isinstance(given[1], (int, float))):
        return given
    return (given,)


def _weighted(style: Style) -> Weighted:
    """A style with its weight; texts may carry theirs behind a colon, as on the command line."""
    if isinstance(style, tuple):
        return style
    return parse(style) if isinstance(style, str) else (style, None)


@dataclass(frozen=True)
class StylizeWorker:
    """The `tasks.batch.work.Worker` of one plan; the onlooker watches where a picture is optimized."""

    painter: Painter
    onlooker: Onlooker = NOBODY

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.painter.machine

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
        """Stylize a page; see `streams.treat_page`."""
        painter, hand, sitting = self.painter, self.painter.hand, None
        header = image_files.inspect(path, page, limits)
        painter.fit(header.height, header.width)
        if isinstance(hand, OptimizingHand):
            if self.onlooker.enough():
                raise KeyboardInterrupt
            sitting = Sitting(self.onlooker, path.stem, lambda share: advance(OPTIMIZING_SHARE * share))
            painter = replace(painter, hand=sitting.watched(hand))
        already = OPTIMIZING_SHARE if sitting else 0.0
        found = streams.treat_page(
            path, page, painter, painter.manner, outputs, xmp=xmp, limits=limits,
            advance=lambda share: advance(already + (1 - already) * share),
        )  # fmt: skip
        grey = float(header.channels == 1)
        numbers = {**found.to_numbers(), "working_px": float(painter.working_px), "grey_source": grey}
        del numbers["damaged_share"]
        return {**numbers, **(sitting.numbers if sitting else {})}
