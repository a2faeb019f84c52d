"""Color one picture: in memory, or a page of a file of any size, strip by strip from disk to disk.

The networks see a copy of 512 px. What they say of it is kept as linear models of chroma in lightness on a small grid
(`spreading`), which color every tile at its own lightness; lightness itself is never touched, and colors that sRGB does
not have at it are made duller (`gamut`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import batches, image_files
from vasari.foundation.errors import PlanError
from vasari.foundation.image_color import srgb_encode
from vasari.foundation.image_files import Limits
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.foundation.plans import from_dict
from vasari.tasks.batch import streams
from vasari.tasks.batch.work import Outputs
from vasari.tasks.colorize.colorist import OVERVIEW_PX, Coat, Colorist
from vasari.tasks.colorize.colorize_plan import ColorizePlan, parse_hint
from vasari.tasks.colorize.hints import StrokesSource
from vasari.tasks.stylize.coding import Source

# A place with its color: x and y in pixels of the picture, "#rrggbb".
Place = tuple[float, float, str]


def colorize(
    picture: Picture | np.ndarray | str | Path,
    palette_of: Source | None = None,
    hints: StrokesSource | Sequence[Place] | None = None,
    **options: Any,
) -> Picture:
    """Give a picture plausible colors at the lightness it has; metadata and depth are those it came with.

    `picture` is a `Picture`, a path, or an array as `Picture.from_array` takes it; grey comes out in RGB. `palette_of`
    is a picture (in the same three ways), a named style, a `StyleCode` or the path of a saved one, whose colors the
    whole is to have; `hints` what is known: a list of (x, y, "#rrggbb") in pixels, or strokes on a clear ground (a
    path, a `Picture` with alpha, or an array [rows, columns, 4]). `options` are the other fields of `ColorizePlan`
    (`saturation=0.8` ...). The source is not changed. Raises `PlanError`, `PictureError`, `WeightsError`. For scans
    larger than memory use `vasari colorize` or `colorize_files`.
    """
    if options.get("samples", 1) != 1:
        raise PlanError("One picture is given back, and several samples were asked for.", remedy="use vasari.colorings")
    return colorings(picture, palette_of, hints, **options)[0]


def colorings(
    picture: Picture | np.ndarray | str | Path,
    palette_of: Source | None = None,
    hints: StrokesSource | Sequence[Place] | None = None,
    **options: Any,
) -> tuple[Picture, ...]:
    """As many colorings of a picture as `samples` says, the likeliest first; all else as `colorize`."""
    plan = from_dict(ColorizePlan, options, where="colorize")
    if isinstance(hints, (str, Path, Picture, np.ndarray)):
        colorist = Colorist.of(plan, palette_of, hints)
    else:
        places = tuple(parse_hint(f"{x},{y}={color}") for x, y, color in hints or ())
        colorist = Colorist.of(plan, palette_of, places=places)
    return colorize_picture(streams.as_picture(picture), colorist)


def colorize_picture(picture: Picture, colorist: Colorist) -> tuple[Picture, ...]:
    """All colorings of a picture in memory; equal to what the batch makes of its file."""
    pixels = srgb_encode(picture.pixels) if picture.space is Space.LINEAR else picture.pixels
    overview = image_files.shrink(pixels, OVERVIEW_PX).expand(3, -1, -1)
    found = colorist.look(overview, picture.height, picture.width)
    coats = (Coat(*one) for one in zip(found.models, found.errors, strict=True))
    return tuple(streams.treat_picture(picture, coat, colorist.manner) for coat in coats)


@dataclass(frozen=True)
class ColorizeWorker:
    """The `tasks.batch.work.Worker` of one plan."""

    colorist: Colorist

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.colorist.machine

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
        """Color a page, once for each sample; see `streams.treat_page`."""
        colorist = self.colorist
        header = image_files.inspect(path, page, limits)
        if header.pages > 1 and (colorist.strokes is not None or colorist.places):
            raise PlanError(
                f"Hints are for one picture, and {path.name} has {header.pages} pages.",
                remedy="save the page as a file of its own, or leave the hints out",
            )
        overview = image_files.thumbnail(path, OVERVIEW_PX, page=page, limits=limits)
        found = colorist.look(overview, header.height, header.width)
        results = [one for ending, one in outputs.beside.items() if ending != batches.CONFIDENCE_ENDING]
        targets = [Outputs(outputs.result, damage=outputs.beside.get(batches.CONFIDENCE_ENDING))]
        targets += [Outputs(one) for one in results]
        for index, (model, error, target) in enumerate(zip(found.models, found.errors, targets, strict=True)):
            done = streams.treat_page(
                path, page, Coat(model, error), colorist.manner, target, xmp=xmp, limits=limits,
                advance=lambda share, before=index: advance((before + share) / len(targets)),  # type: ignore[misc]
            )  # fmt: skip
        return {
            "megapixels": done.to_numbers()["megapixels"],
            "grey_source": float(header.channels == 1),
            "mean_expected_error": round(found.mean_error, 2),
        }
