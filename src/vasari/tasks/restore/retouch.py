"""A restoration taken back by hand where a mask says so: there the scan's own samples stand, elsewhere the restored."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.errors import PictureError, PlanError
from vasari.foundation.image_files import FORMATS, Header, Limits, RowWriter
from vasari.foundation.image_formats import DEFAULT_LIMITS
from vasari.foundation.ledgers import Stamp, job_key
from vasari.foundation.picture import Metadata
from vasari.foundation.plans import check, digest, option
from vasari.foundation.row_reader import inspect, open_rows
from vasari.foundation.treatment import ModelFacts, Stage, read_treatment
from vasari.foundation.work_folders import work_folder
from vasari.tasks.batch.page import Page, make_visible, stage
from vasari.tasks.batch.work import Outputs, models_digest

#: A mask is white from this level on.
WHITE = 128
_ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class RetouchPlan:
    """What is taken back of a restoration; the two files are named by what they contain."""

    restored: str = option("", "SHA-256 of the restored picture")
    keep: str = option("", "SHA-256 of the mask: white where the scan stands as it is")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class RetouchWork:
    """The `tasks.batch.work.Work` of taking back; `models` and `before` are those of the restored picture's record."""

    operation: ClassVar[str] = "retouch"
    participle: ClassVar[str] = "retouched"
    plan_kind: ClassVar[type] = RetouchPlan

    plan: RetouchPlan
    restored: Path
    keep: Path
    models: tuple[ModelFacts, ...] = ()
    before: tuple[Stage, ...] = ()
    maps: tuple[str, ...] = ()
    source_type: str = "composite"
    seed: int = 0

    @classmethod
    def of(cls, plan: RetouchPlan) -> RetouchWork:
        """Not to be made of a plan alone, which names files by their hashes; raises `PlanError`."""
        raise PlanError("A retouching is no work of a plan alone.", remedy="retouch the picture again by its mask")

    @classmethod
    def with_files(cls, restored: Path, keep: Path) -> RetouchWork:
        """The work on a restored picture and a mask; what its record tells goes on in the new one."""
        record = restored.with_name(f"{restored.stem}{RECORD_ENDING}")
        told = read_treatment(record) if record.is_file() else None
        plan = RetouchPlan(Stamp.of(restored).sha256, Stamp.of(keep).sha256)
        return cls(plan, restored, keep, told.models if told else (), told.stages if told else ())

    @property
    def format(self) -> str:
        """The format of the result: the restored picture's, PNG where that would change what is kept."""
        format = inspect(self.restored).format
        return format if FORMATS[format].lossless and FORMATS[format].written_as == format else "png"

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What was done before, and that some of it was taken back."""
        took = Stage("keep", "the scan's own pixels put back where a person painted a mask", numbers or {})
        return (*self.before, took)

    def ready(self, machine: Mapping[str, str]) -> RetouchWorker:
        """Nothing is loaded: no network takes part."""
        return RetouchWorker(self)


@dataclass(frozen=True)
class RetouchWorker:
    """The `tasks.batch.work.Worker` of one mask."""

    work: RetouchWork

    @property
    def machine(self) -> Mapping[str, str]:
        """Samples are copied: nothing depends on the machine."""
        return {}

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
        """Write the restored picture with the scan's own samples where the mask is white; raises `PictureError`."""
        work, kept = self.work, 0
        with ExitStack() as stack:
            scan, restored, mask = (
                stack.enter_context(open_rows(one, number, limits))
                for one, number in ((path, page), (work.restored, 0), (work.keep, 0))
            )
            header = _joined(scan.header, restored.header, mask.header)
            metadata = dataclasses.replace(header.metadata, xmp=xmp(header.metadata, work.format))
            header = dataclasses.replace(header, metadata=metadata)
            writer = stack.enter_context(RowWriter(outputs.result, header, work.format))
            for top in range(0, header.height, _ROWS_AT_ONCE):
                bottom = min(header.height, top + _ROWS_AT_ONCE)
                white = mask.read(top, bottom)[:, :, 0] >= WHITE
                writer.append(np.where(white[:, :, None], scan.read(top, bottom), restored.read(top, bottom)))
                kept += int(white.sum())
                advance(bottom / header.height)
        pixels = header.height * header.width
        return {"megapixels": round(pixels / 1e6, 3), "kept_pixels": float(kept), "kept_share": kept / pixels}


@dataclass(frozen=True)
class Retouched:
    """Where the result and its record lie."""

    result: Path
    record: Path


def retouch_file(
    source: Path,
    restored: Path,
    keep: Path,
    folder: Path,
    *,
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[float], None] = lambda share: None,
) -> Retouched:
    """Put the scan's own samples back into its restored picture where the mask `keep` is white.

    The result and its record go into `folder` under the scan's name. Raises `PictureError` where the three are not of
    one size and kind, `WriteError`.
    """
    header = inspect(source, 0, limits)
    work = RetouchWork.with_files(restored, keep)
    suffix = FORMATS[work.format].suffixes[0]
    stamp = Stamp.of(source)
    key = job_key(stamp.sha256, work.operation, digest(work.plan), models_digest(work.models), 0)
    page = Page(source.resolve(), stamp, 0, header.pages, source.stem, suffix, key)
    with work_folder(folder) as hidden:
        make_visible(stage(page, work, work.ready({}), hidden, limits=limits, advance=advance), folder)
    return Retouched(folder / page.result, folder / page.beside(RECORD_ENDING))


def _joined(scan: Header, restored: Header, mask: Header) -> Header:
    """The header of the result: the restored picture's; raises `PictureError` where the three do not fit."""
    sizes = {(one.width, one.height) for one in (scan, restored, mask)}
    if len(sizes) > 1 or (scan.bands, scan.dtype) != (restored.bands, restored.dtype):
        raise PictureError(
            f"The scan ({scan.width}×{scan.height}, {scan.bands} channels, {scan.dtype}), what was restored of it "
            f"({restored.width}×{restored.height}, {restored.bands}, {restored.dtype}) and the mask "
            f"({mask.width}×{mask.height}) do not fit together.",
            remedy="restore the scan again without another format, and paint the mask on that",
        )
    return restored
