"""Restore one picture: in memory, or a page of a file of any size, strip by strip from disk to disk."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vasari.foundation import image_files
from vasari.foundation.errors import PictureError
from vasari.foundation.image_files import FORMATS, Limits
from vasari.foundation.picture import Metadata, Picture
from vasari.tasks.batch import streams
from vasari.tasks.batch.streams import CHANGE_SCALE, Findings, Manner
from vasari.tasks.batch.work import Outputs
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.enlarging import Enlarging, treater_of
from vasari.tasks.restore.guard import Guard
from vasari.tasks.restore.likeness_words import warning_of
from vasari.tasks.restore.plan import LOSSY_FORMATS, RestorePlan
from vasari.tasks.restore.surveyed import OVERVIEW_PX

__all__ = ["CHANGE_SCALE", "Findings", "Outputs", "RestoreWorker", "restore", "treat_file", "treat_picture"]


def restore(picture: Picture | np.ndarray | str | Path, plan: RestorePlan | None = None, **options: Any) -> Picture:
    """Restore a picture and give it back with the metadata, depth, profile and alpha it came with.

    With the stage enlarge it comes back `scale` times as large, and its resolution in pixels per inch with it.

    `picture` is a `Picture`, a path, or an array [rows, columns] or [rows, columns, channels] of uint8,
    uint16 or float 0..1. `options` are fields of `RestorePlan` (`vividness=0.3`, `tone="keep"` ...), for
    use without a `plan`. The source is not changed. With `likeness`, a face that moved too far is told of by
    `warnings.warn`. Raises `PlanError`, `PictureError`, `WeightsError`, `MissingExtraError`.
    For scans larger than memory use `vasari restore` or `restore_files`.
    """
    plan = streams.plan_of(RestorePlan, plan, options, "restore")
    worker = _ready(plan)
    if worker.guard is None:
        return treat_picture(streams.as_picture(picture), worker.conservator)
    made, found = worker.guard.treat_picture(streams.as_picture(picture), _manner(plan))
    warning = warning_of(found.to_numbers())
    if warning:
        warnings.warn(f"{warning}.", stacklevel=2)
    return made


@functools.lru_cache(maxsize=1)
def _ready(plan: RestorePlan) -> RestoreWorker:
    """The networks of the last plan are kept, so that a loop over pictures loads the weights once."""
    return RestoreWorker.of(plan)


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
    _check_format(path, plan, limits)
    return streams.treat_page(path, page, conservator, _manner(plan), outputs, xmp=xmp, limits=limits, advance=advance)


def _check_format(path: Path, plan: RestorePlan, limits: Limits) -> None:
    """Raise `PictureError` where the result's format cannot keep what the plan promises."""
    if plan.only_damage:
        written_as = plan.format or FORMATS[image_files.inspect(path, limits=limits).format].written_as
        if written_as in LOSSY_FORMATS:
            raise PictureError(
                f"{path.name} is a {written_as} file, and only_damage promises bit-identical pixels.",
                remedy="add --format tiff or --format png",
            )


def _manner(plan: RestorePlan) -> Manner:
    thumbnail_px = OVERVIEW_PX if plan.restores else 0
    tile_px = plan.tile_px * 2 // max(2, plan.factor)  # four times as large takes sixteen times the memory
    return Manner(thumbnail_px, tile_px, plan.format, plan.quality, exact=plan.only_damage, scale=plan.factor)


@dataclass(frozen=True)
class RestoreWorker:
    """The `tasks.batch.work.Worker` of one plan; `guard` is there where the plan watches faces."""

    conservator: Conservator | Enlarging
    guard: Guard | None = None

    @classmethod
    def of(cls, plan: RestorePlan) -> RestoreWorker:
        """Load the weights; raises `WeightsError`, `PlanError` (no such device), `MissingExtraError`."""
        treater = treater_of(plan)
        return cls(treater, Guard.of(treater) if plan.likeness else None)

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return self.guard.machine if self.guard else self.conservator.machine

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
        if self.guard:
            plan = self.conservator.plan
            _check_format(path, plan, limits)
            done, faces = self.guard.treat_page(
                path, page, _manner(plan), outputs, xmp=xmp, limits=limits, advance=advance
            )
            return {**done.to_numbers(), **faces.to_numbers()}
        found = treat_file(path, page, self.conservator, outputs, xmp=xmp, limits=limits, advance=advance)
        return found.to_numbers()
