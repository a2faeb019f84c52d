"""Restore one picture: in memory, or a page of a file of any size, strip by strip from disk to disk."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError
from vasari.foundation.image_files import FORMATS, Limits
from vasari.foundation.picture import Metadata, Picture
from vasari.models.restorers import OVERVIEW_PX
from vasari.tasks.batch import streams
from vasari.tasks.batch.streams import CHANGE_SCALE, Findings, Manner
from vasari.tasks.batch.work import Outputs
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.enlarging import Enlarging, treater_of
from vasari.tasks.restore.plan import LOSSY_FORMATS, RestorePlan

__all__ = ["CHANGE_SCALE", "Findings", "Outputs", "RestoreWorker", "restore", "treat_file", "treat_picture"]


def restore(picture: Picture | np.ndarray | str | Path, plan: RestorePlan | None = None, **options: Any) -> Picture:
    """Restore a picture and give it back with the metadata, depth, profile and alpha it came with.

    With the stage enlarge it comes back `scale` times as large, and its resolution in pixels per inch with it.

    `picture` is a `Picture`, a path, or an array [rows, columns] or [rows, columns, channels] of uint8,
    uint16 or float 0..1. `options` are fields of `RestorePlan` (`vividness=0.3`, `tone="keep"` ...), for
    use without a `plan`. The source is not changed. Raises `PlanError`, `PictureError`, `WeightsError`.
    For scans larger than memory use `vasari restore` or `restore_files`.
    """
    plan = streams.plan_of(RestorePlan, plan, options, "restore")
    return treat_picture(streams.as_picture(picture), _ready(plan))


@functools.lru_cache(maxsize=1)
def _ready(plan: RestorePlan) -> Conservator | Enlarging:
    """The networks of the last plan are kept, so that a loop over pictures loads the weights once."""
    return treater_of(plan)


def treat_picture(picture: Picture, conservator: Conservator | Enlarging) -> Picture:
    """A picture in memory restored, in tiles; equal to what `treat_file` makes of its file."""
    return streams.treat_picture(picture, conservator, _manner(conservator.plan))


def treat_file(
    path: Path,
    page: int,
    conservator: Conservator | Enlarging,
    outputs: Outputs,
    *,
    xmp: Callable[[Metadata, str], bytes | None],
    limits: Limits,
    advance: Callable[[float], None] = lambda share: None,
) -> Findings:
    """Restore one page of a file into `outputs`, in bounded memory; each file is whole or not there.

    `xmp(metadata, format)` gives the packet of the result; `advance` is told the share 0..1 done, and may
    raise to stop. Raises `PictureError`, `WriteError`, and `PictureTooLargeError` before any work where the result
    would be beyond the limits or the format; nothing is left behind then.
    """
    plan = conservator.plan
    if plan.only_damage:
        written_as = plan.format or FORMATS[image_files.inspect(path, limits=limits).format].written_as
        if written_as in LOSSY_FORMATS:
            raise PictureError(
                f"{path.name} is a {written_as} file, and only_damage promises bit-identical pixels.",
                remedy="add --format tiff or --format png",
            )
    return streams.treat_page(path, page, conservator, _manner(plan), outputs, xmp=xmp, limits=limits, advance=advance)


def _manner(plan: RestorePlan) -> Manner:
    thumbnail_px = OVERVIEW_PX if plan.restores else 0
    tile_px = plan.tile_px * 2 // max(2, plan.factor)  # four times as large takes sixteen times the memory
    return Manner(thumbnail_px, tile_px, plan.format, plan.quality, exact=plan.only_damage, scale=plan.factor)


@dataclass(frozen=True)
class RestoreWorker:
    """The `tasks.batch.work.Worker` of one plan."""

    conservator: Conservator | Enlarging

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
        """Restore a page; see `treat_file`."""
        found = treat_file(path, page, self.conservator, outputs, xmp=xmp, limits=limits, advance=advance)
        return found.to_numbers()
