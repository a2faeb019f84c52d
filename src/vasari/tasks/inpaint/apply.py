"""Fill a hole in one picture: in memory, or in a page of a file of any size, strip by strip from disk to disk."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation import image_files, tiles
from vasari.foundation.errors import PlanError
from vasari.foundation.image_color import srgb_decode, srgb_encode
from vasari.foundation.image_files import Header, Limits, RowWriter
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.foundation.plans import from_dict
from vasari.tasks.inpaint.filler import Filler
from vasari.tasks.inpaint.ground import Ground, lay_ground
from vasari.tasks.inpaint.hole import Hole
from vasari.tasks.inpaint.plan import InpaintPlan

PIXELS_AT_A_TIME = 1 << 20
# Of the progress told, so much is the ground.
GROUND_SHARE = 0.5


def inpaint(
    picture: Picture | np.ndarray | str | Path,
    mask: Hole | np.ndarray | Tensor | str | Path | Sequence[int],
    plan: InpaintPlan | None = None,
    **options: Any,
) -> Picture:
    """Fill what is missing and give the picture back with the metadata, depth, profile and alpha it came with.

    `picture` is a `Picture`, a path, or an array [rows, columns] or [rows, columns, channels]; `mask` an array
    or tensor [rows, columns] (bool, or half its full scale and more = missing), the path of a mask file, or a
    box (x, y, width, height). `options` are fields of `InpaintPlan` (`method="exemplar"` ...), for use
    without a `plan`. Pixels outside the mask are those of the source. Raises `PlanError`, `PictureError`,
    `WeightsError`. For scans larger than memory use `vasari inpaint` or `inpaint_file`.
    """
    if plan is not None and options:
        raise PlanError(
            f"Got a plan and the options {', '.join(sorted(options))}.", remedy="give either a plan or options"
        )
    plan = plan or from_dict(InpaintPlan, options, where="inpaint")
    if isinstance(picture, np.ndarray):
        picture = Picture.from_array(picture)
    elif not isinstance(picture, Picture):
        picture = image_files.read(Path(picture))
    hole = hole_of(mask, picture.height, picture.width).grown(plan.grow_px).check(picture.height, picture.width)
    return fill_picture(picture, hole, plan, filler_of(plan)) if hole.pixels else picture


def hole_of(mask: Hole | np.ndarray | Tensor | str | Path | Sequence[int], height: int, width: int) -> Hole:
    """The hole that a mask, in any of the forms that `inpaint` takes, means in a picture of a size."""
    if isinstance(mask, Hole):
        return mask
    if isinstance(mask, Tensor):
        mask = mask.reshape(mask.shape[-2:]).cpu().numpy() if mask.ndim > 2 else mask.cpu().numpy()
    if isinstance(mask, np.ndarray):
        return Hole.of_array(mask)
    if isinstance(mask, (str, Path)):
        return Hole.of_file(Path(mask))
    return Hole.of_box(tuple(mask), height, width)


def filler_of(plan: InpaintPlan) -> Filler | None:
    """The network of a plan, or None where it asks for none; that of the last plan is kept."""
    return _ready(plan) if plan.method == "network" else None


@functools.lru_cache(maxsize=1)
def _ready(plan: InpaintPlan) -> Filler:
    return Filler.of(plan)


def fill_picture(picture: Picture, hole: Hole, plan: InpaintPlan, filler: Filler | None) -> Picture:
    """A picture in memory filled, in tiles; equal to what `fill_file` makes of its file."""
    linear = picture.space is Space.LINEAR
    source = srgb_encode(picture.pixels) if linear else picture.pixels
    ground = lay_ground(lambda top, bottom: source[:, top:bottom], hole, plan, filler)
    halo, multiple_of = _reach(filler, ground)
    made = tiles.in_tiles(
        _last_pass(ground, hole, filler), source[None], tile=plan.tile_px, halo=halo, multiple_of=multiple_of
    )
    pixels = cast(Tensor, made)[0]
    missing = torch.from_numpy(hole.plane())
    return picture.with_pixels(torch.where(missing, srgb_decode(pixels) if linear else pixels, picture.pixels))


def fill_file(
    path: Path,
    page: int,
    hole: Hole,
    plan: InpaintPlan,
    filler: Filler | None,
    result: Path,
    format: str,
    *,
    xmp: Callable[[Metadata, str], bytes | None],
    limits: Limits,
    advance: Callable[[float], None] = lambda share: None,
) -> str:
    """Fill the hole in a page of a file into `result`, in bounded memory; whole or not there; its SHA-256.

    `xmp(metadata, format)` gives the packet of the result; `advance` is told the share 0..1 done, and may
    raise to stop. Raises `PictureError`, `WriteError`; nothing is left behind then.
    """
    with image_files.open_rows(path, page=page, limits=limits) as reader:
        header = reader.header

        def rows_of(top: int, bottom: int) -> Tensor:
            advance(GROUND_SHARE * top / header.height)
            return image_files.decode(reader.read(top, bottom), header)

        ground = lay_ground(rows_of, hole, plan, filler)
    halo, multiple_of = _reach(filler, ground)
    with image_files.open_rows(path, page=page, limits=limits) as reader:
        header = replace(reader.header, metadata=replace(reader.header.metadata, xmp=xmp(header.metadata, format)))
        with RowWriter(result, header, format, quality=plan.quality) as writer:
            last_pass = _last_pass(ground, hole, filler)
            tiles.stream(
                reader,
                lambda pixels, window: {"filled": last_pass(pixels, window)},
                {"filled": _Copyist(header, hole, writer).append},
                tile=plan.tile_px,
                halo=halo,
                multiple_of=multiple_of,
                progress=lambda share: advance(GROUND_SHARE + (1 - GROUND_SHARE) * share),
            )
    return writer.sha256


def _reach(filler: Filler | None, ground: Ground) -> tuple[int, int]:
    """The halo and grid of the last pass."""
    if filler is None:
        return 0, 1
    # Where the tile is first worked at smaller sizes, the surroundings shrink with it.
    return (2 if ground.factor > 2 else 1) * filler.halo, max(filler.multiple_of, ground.factor)


def _last_pass(ground: Ground, hole: Hole, filler: Filler | None) -> Callable[[Tensor, Tensor], Tensor]:
    """The function of a tile: pixels [1, 1 or 3, h, w] and its window [1, 4] -> the same with the hole filled."""

    def fill(pixels: Tensor, window: Tensor) -> Tensor:
        scale = window.new_tensor([ground.height, ground.width, ground.height, ground.width])
        top, left, bottom, right = (window[0] * scale).round().long().tolist()
        bottom, right = min(bottom, ground.height), min(right, ground.width)
        mask = hole.tensor(top, bottom, left, right)
        if not bool(mask.any()):
            return pixels
        inside = pixels[..., : bottom - top, : right - left]
        below = ground.under(top, bottom, left, right, max(1, ground.factor // 2))
        if filler is not None and ground.factor > 1:
            below = filler.finer(below, inside.clamp(0, 1).expand(-1, 3, -1, -1), mask, ground.factor // 2)
        if ground.neutral:
            below = below.mean(1, keepdim=True)
        made = torch.where(mask > 0, below, inside)
        # Where the picture's border was repeated to fill the tile, it is again: nothing of that is kept.
        beyond = (0, pixels.shape[3] - made.shape[3], 0, pixels.shape[2] - made.shape[2])
        return functional.pad(made, beyond, mode="replicate")

    return fill


@dataclass(eq=False)
class _Copyist:
    """Writes rows: where nothing is missing, the source's own samples, copied and not computed."""

    header: Header
    hole: Hole
    writer: RowWriter
    row: int = 0

    def append(self, raw: np.ndarray, rows: Tensor) -> None:
        """The next rows: raw source [rows, width, bands], filled [channels, rows, width]; in pieces, for memory."""
        step = max(1, PIXELS_AT_A_TIME // raw.shape[1])
        for top in range(0, len(raw), step):
            piece = raw[top : top + step]
            mask = self.hole.area(self.row, self.row + len(piece), 0, self.hole.width)
            if mask.any():
                encoded = image_files.encode(rows[:, top : top + step], piece, self.header)
                piece = np.where(mask[:, :, None], encoded, piece)
            self.writer.append(piece)
            self.row += len(piece)
