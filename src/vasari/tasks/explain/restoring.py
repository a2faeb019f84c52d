"""Why a restoration looks as it does: what was found damaged, how far each pixel moved, how sure the network is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files, tiles
from vasari.foundation.picture import Picture
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.drafts import is_large
from vasari.tasks.restore.self_ensemble import FLIPS
from vasari.tasks.restore.surveyed import OVERVIEW_PX

# Down and right in pixels. The network works in blocks of 8: these put a pixel at other places of its block.
SHIFTS = ((3, 5), (5, 2), (1, 4), (6, 7), (2, 1), (7, 3), (4, 6), (1, 1))
LEVELS = 255.0


@dataclass(frozen=True, eq=False)
class RestorationMaps:
    """result [C, h, w] in 0..1, and maps [h, w]: `damage` 0..1; `change` and `uncertainty` in 8-bit levels.

    `damage`: the probability that a pixel was covered and invented. `change`: the largest move of a channel.
    `disagreement`: how far a second restorer's result is, where one was named.
    `uncertainty`: the largest deviation of a channel over `views` flips and shifts of the scan, each turned back. A
    network that had understood the picture would answer all alike; where it does not, it is guessing. It tells
    nothing of errors that all views share.
    """

    result: Tensor
    damage: Tensor
    change: Tensor
    uncertainty: Tensor
    views: int
    disagreement: Tensor | None = None


def restoration_maps(
    picture: Picture, plan: ExplainPlan, advance: Callable[[int, int], None] = lambda done, all: None
) -> RestorationMaps:
    """Restore a picture once as it is and once in every view, and compare; raises `WeightsError`, `PlanError`."""
    conservator = _settled(Conservator.of(plan.restoration()), picture)
    other = _settled(Conservator.of(plan.other_restoration()), picture) if plan.other else None
    source = picture.pixels[None]
    views = list(_views(plan.shifts))
    first = _treated(conservator, source)
    mean, squares = torch.zeros_like(first["result"]), torch.zeros_like(first["result"])
    for number, (flip, shift) in enumerate(views):
        result = first["result"] if number == 0 else seen_again(
            source, flip, shift, lambda pixels: _treated(conservator, pixels)["result"]
        )  # fmt: skip
        apart = result - mean
        mean += apart / (number + 1)
        squares += apart * (result - mean)
        advance(number + 1, len(views))
    deviation = (squares / len(views)).clamp(min=0).sqrt().amax(1)
    disagreement = None
    if other is not None:
        disagreement = (_treated(other, source)["result"] - first["result"]).abs().amax(1)[0] * LEVELS
    return RestorationMaps(
        first["result"][0], first["damage"][0, 0], first["change"][0, 0] * LEVELS, deviation[0] * LEVELS, len(views),
        disagreement,
    )  # fmt: skip


def seen_again(
    source: Tensor, flip: tuple[int, ...], shift: tuple[int, int], function: Callable[[Tensor], Tensor]
) -> Tensor:
    """`function` of pixels [1, C, h, w] shifted and flipped, turned back; rows and columns that come in repeat."""
    down, right = shift
    moved = functional.pad(source, (right, 0, down, 0), mode="replicate")
    answer = function(moved.flip(flip) if flip else moved)
    back = answer.flip(flip) if flip else answer
    return back[..., down:, right:]


def _views(shifts: int) -> Iterator[tuple[tuple[int, ...], tuple[int, int]]]:
    """The picture as it is first."""
    for shift in ((0, 0), *SHIFTS[:shifts]):
        for flip in FLIPS:
            yield flip, shift


def _settled(conservator: Conservator, picture: Picture) -> Conservator:
    """With no draft in any view where the picture has none: a view is some pixels larger, and may be large by them."""
    overview = image_files.shrink(picture.pixels, OVERVIEW_PX)
    if not conservator.working_px or is_large(overview, conservator.working_px):
        return conservator
    return replace(conservator, plan=replace(conservator.plan, working_px=0))


def _treated(conservator: Conservator, source: Tensor) -> dict[str, Tensor]:
    """Result, damage and change of [1, C, h, w], in tiles."""
    survey = conservator.survey(image_files.shrink(source[0], OVERVIEW_PX))

    def treat(pixels: Tensor, window: Tensor) -> dict[str, Tensor]:
        treated = conservator.treat(pixels, survey, window)
        return {"result": treated.result, "damage": treated.damage, "change": treated.change}

    found = tiles.in_tiles(
        treat, source, tile=conservator.plan.tile_px, halo=conservator.halo, multiple_of=conservator.multiple_of
    )
    return cast(dict[str, Tensor], found)
