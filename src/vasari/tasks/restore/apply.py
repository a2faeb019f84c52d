"""Restore one picture: in memory, or a page of a file of any size, strip by strip from disk to disk."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files, tiles
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.image_color import srgb_decode, srgb_encode
from vasari.foundation.image_files import FORMATS, Limits, RowWriter
from vasari.foundation.picture import Metadata, Picture, Space
from vasari.foundation.plans import from_dict
from vasari.models.restorers import THUMBNAIL_PX
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.plan import LOSSY_FORMATS, RestorePlan

if TYPE_CHECKING:
    from vasari.foundation.image_files import Header

# A change map's grey value is twice the 8-bit levels that the most moved channel moved; 255 means 128 or more.
CHANGE_SCALE = 2.0
PIXELS_AT_A_TIME = 1 << 20


def restore(picture: Picture | np.ndarray | str | Path, plan: RestorePlan | None = None, **options: Any) -> Picture:
    """Restore a picture and give it back with the metadata, depth, profile and alpha it came with.

    `picture` is a `Picture`, a path, or an array [rows, columns] or [rows, columns, channels] of uint8,
    uint16 or float 0..1. `options` are fields of `RestorePlan` (`vividness=0.3`, `tone="keep"` ...), for
    use without a `plan`. The source is not changed. Raises `PlanError`, `PictureError`, `WeightsError`.
    For scans larger than memory use `vasari restore` or `restore_file`.
    """
    if plan is not None and options:
        raise PlanError(
            f"Got a plan and the options {', '.join(sorted(options))}.", remedy="give either a plan or options"
        )
    plan = plan or from_dict(RestorePlan, options, where="restore")
    if isinstance(picture, np.ndarray):
        picture = Picture.from_array(picture)
    elif not isinstance(picture, Picture):
        picture = image_files.read(Path(picture))
    return treat_picture(picture, _ready(plan))


@functools.lru_cache(maxsize=1)
def _ready(plan: RestorePlan) -> Conservator:
    """The conservator of the last plan is kept, so that a loop over pictures loads the weights once."""
    return Conservator.of(plan)


def treat_picture(picture: Picture, conservator: Conservator) -> Picture:
    """A picture in memory restored, in tiles; equal to what `treat_file` makes of its file."""
    linear = picture.space is Space.LINEAR
    source = srgb_encode(picture.pixels) if linear else picture.pixels
    survey = conservator.survey(image_files.shrink(source, THUMBNAIL_PX))

    def treat(pixels: Tensor, window: Tensor) -> Tensor:
        return conservator.treat(pixels, survey, window).result

    result = tiles.in_tiles(
        treat, source[None], tile=conservator.plan.tile_px, halo=conservator.halo, multiple_of=conservator.multiple_of
    )
    pixels = cast(Tensor, result)[0]
    return picture.with_pixels(srgb_decode(pixels) if linear else pixels)


@dataclass(frozen=True)
class Outputs:
    """Where `treat_file` writes: the result, and the two maps where they are wanted."""

    result: Path
    damage: Path | None = None
    change: Path | None = None


@dataclass(frozen=True)
class Findings:
    """What was found and done: shares 0..1 of all pixels, and the mean change in 8-bit levels."""

    megapixels: float
    damaged_share: float
    changed_share: float
    mean_change_levels: float


def treat_file(
    path: Path,
    page: int,
    conservator: Conservator,
    outputs: Outputs,
    *,
    xmp: Callable[[Metadata, str], bytes | None],
    limits: Limits,
    advance: Callable[[float], None] = lambda share: None,
) -> Findings:
    """Restore one page of a file into `outputs`, in bounded memory; each file is whole or not there.

    `xmp(metadata, format)` gives the packet of the result; `advance` is told the share 0..1 done, and may
    raise to stop. Raises `PictureError`, `WriteError`; nothing is left behind then.
    """
    plan = conservator.plan
    thumbnail = image_files.thumbnail(path, THUMBNAIL_PX, page=page, limits=limits)
    survey = conservator.survey(thumbnail)
    with image_files.open_rows(path, page=page, limits=limits) as reader:
        header = reader.header
        written_as = plan.format or FORMATS[header.format].written_as
        if plan.only_damage and written_as in LOSSY_FORMATS:
            raise PictureError(
                f"{path.name} is a {written_as} file, and only_damage promises bit-identical pixels.",
                remedy="add --format tiff or --format png",
            )
        with _Writers(header, outputs, plan, written_as, xmp(header.metadata, written_as)) as writers:
            tiles.stream(
                reader,
                lambda pixels, window: {"all": _joined(conservator, pixels, survey, window)},
                {"all": writers.append},
                tile=plan.tile_px,
                halo=conservator.halo,
                multiple_of=conservator.multiple_of,
                progress=advance,
            )
    return writers.findings


def _joined(conservator: Conservator, pixels: Tensor, survey: Any, window: Tensor) -> Tensor:
    """All that the writers need of a tile, as channels of one tensor: result, damage, change."""
    treated = conservator.treat(pixels, survey, window)
    return torch.cat([treated.result, treated.damage, treated.change], 1)


class _Writers:
    """The result and the maps in the making; all become whole together, or none does."""

    def __init__(self, header: Header, outputs: Outputs, plan: RestorePlan, format: str, xmp: bytes | None) -> None:
        self.header, self.outputs, self.plan, self.format = header, outputs, plan, format
        self.metadata = replace(header.metadata, xmp=xmp)
        self.stack = contextlib.ExitStack()
        self.damaged = self.changed = self.pixels = 0
        self.moved = 0.0

    def __enter__(self) -> _Writers:
        with contextlib.ExitStack() as stack:
            header = replace(self.header, metadata=self.metadata)
            self.result = stack.enter_context(
                RowWriter(self.outputs.result, header, self.format, quality=self.plan.quality)
            )
            map_header = replace(self.header, channels=1, depth=8, has_alpha=False, metadata=Metadata())
            self.maps = [
                stack.enter_context(RowWriter(path, map_header, "png")) if path else None
                for path in (self.outputs.damage, self.outputs.change)
            ]
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.stack.__exit__(*error)

    def append(self, raw: np.ndarray, rows: Tensor) -> None:
        """Write the next rows: raw source [rows, width, bands], treated [channels + 2, rows, width].

        In pieces, since a strip of a wide scan is large and encoding makes several copies.
        """
        step = max(1, PIXELS_AT_A_TIME // raw.shape[1])
        for top in range(0, len(raw), step):
            self._append(raw[top : top + step], rows[:, top : top + step])

    def _append(self, raw: np.ndarray, rows: Tensor) -> None:
        result, (damage, change) = rows[:-2], rows[-2:]
        encoded = image_files.encode(result, raw, self.header)
        if self.plan.only_damage:
            # Not by the arithmetic but by copying: what did not change has the source's own samples.
            encoded = np.where(change.numpy()[:, :, None] > 0, encoded, raw)
        self.result.append(encoded)
        # The change is rounded up: 0 stands for "not at all" and nothing else.
        levels = ((damage * 255.0).round(), (change * (CHANGE_SCALE * 255.0)).ceil())
        for writer, plane in zip(self.maps, levels, strict=True):
            if writer:
                writer.append(plane.clamp(0, 255).to(torch.uint8).numpy()[:, :, None])
        self.pixels += damage.numel()
        self.damaged += int((damage >= 0.5).sum())
        self.changed += int((change > 0).sum())
        self.moved += float(change.sum())

    @property
    def findings(self) -> Findings:
        """What was found and done."""
        count = max(1, self.pixels)
        return Findings(count / 1e6, self.damaged / count, self.changed / count, 255.0 * self.moved / count)
