"""`vasari inpaint` for one file: what is asked is checked, the hole found, the result and its record written.

The result and the record are staged in a hidden folder beside them and then made visible, the result last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vasari.foundation import batches, image_files, plans
from vasari.foundation.errors import PlanError, WriteError
from vasari.foundation.image_files import FORMATS, Header, Limits
from vasari.foundation.image_formats import DEFAULT_LIMITS
from vasari.foundation.ledgers import Stamp, job_key, withdraw
from vasari.foundation.treatment import read_treatment
from vasari.foundation.work_folders import work_folder
from vasari.tasks.batch.page import Page, make_visible, stage
from vasari.tasks.batch.work import models_digest
from vasari.tasks.inpaint.hole import Hole
from vasari.tasks.inpaint.plan import InpaintPlan
from vasari.tasks.inpaint.work import InpaintWork, MaskFacts, is_mere_copy

LOSSY = tuple(name for name, format in FORMATS.items() if not format.lossless)


@dataclass(frozen=True)
class Request:
    """What is to be filled: `page` from 0 of `picture`, and exactly one of a mask file, a box, found damage."""

    picture: Path
    output: Path
    mask: Path | None = None
    box: tuple[int, ...] = ()
    damage: bool = False
    page: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        given = sum((self.mask is not None, bool(self.box), self.damage))
        if given != 1:
            raise PlanError(
                "Nothing says what is to be filled." if not given else "More than one thing says what is to be filled.",
                remedy="give one of: --mask FILE, --box X,Y,WIDTH,HEIGHT, --damage",
            )


@dataclass(frozen=True)
class Inpainted:
    """What was written: the result and its record, the share 0..1 that was filled, the result's SHA-256."""

    result: Path
    record: Path
    filled_pixels: int
    filled_share: float
    sha256: str


def inpaint_file(
    request: Request,
    plan: InpaintPlan,
    *,
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[float], None] = lambda share: None,
) -> Inpainted:
    """Fill the hole in one page of a file, in bounded memory; the source is never written.

    Beside the result lies its record, NAME.treatment.json. With nothing missing the result is a copy of the
    source. `advance` is told the share 0..1 done, and may raise to stop. Raises `PlanError`, `PictureError`,
    `WeightsError`, `WriteError`; nothing half-written is left.
    """
    if request.output.is_dir():
        raise PlanError(f"{request.output} is a folder.", remedy="name the file to write with -o")
    header = image_files.inspect(request.picture, request.page, limits)
    record = request.output.with_name(f"{request.output.stem}{batches.RECORD_ENDING}")
    _refuse_sources(request, record)
    _refuse_foreign(request, record)
    stamp = Stamp.of(request.picture)
    hole, facts = find_hole(request, plan, header, limits)
    format = _format(request, plan, header, hole)
    work = InpaintWork.of_hole(plan, facts, hole, format)
    key = job_key(stamp.sha256, work.operation, plans.digest(work.plan), models_digest(work.models), request.page)
    page = Page(
        request.picture.resolve(),
        stamp,
        request.page,
        header.pages,
        request.output.stem,
        request.output.suffix,
        key,
    )
    with work_folder(request.output.parent) as folder:
        staged = stage(page, work, work.ready({}), folder, limits=limits, advance=advance)
        withdraw(request.output)
        make_visible(staged, request.output.parent)
    return Inpainted(request.output, record, hole.pixels, hole.share, staged.result_stamp.sha256)


def find_hole(request: Request, plan: InpaintPlan, header: Header, limits: Limits) -> tuple[Hole, MaskFacts]:
    """The hole that a request means, grown as the plan says, and where it came from; raises as `inpaint_file`."""
    file_sha256 = ""
    if request.mask is not None:
        hole, told, origin = Hole.of_file(request.mask, limits), request.mask.name, "file"
        with request.mask.open("rb") as file:
            file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    elif request.box:
        hole, told = Hole.of_box(request.box, header.height, header.width), ",".join(map(str, request.box))
        origin = "box"
    else:
        from vasari.tasks.inpaint.damage import damaged_hole

        hole, told = damaged_hole(request.picture, request.page, plan, limits)
        origin = "damage"
    hole = hole.check(header.height, header.width).grown(plan.grow_px).check(header.height, header.width)
    return hole, MaskFacts(origin, told, file_sha256, hole.sha256, hole.pixels)


def _format(request: Request, plan: InpaintPlan, header: Header, hole: Hole) -> str:
    """The format of the result, by the plan or the ending of its name."""
    format = plan.format or image_files.format_of(request.output)
    if request.output.suffix.lower() not in FORMATS[format].suffixes:
        raise PlanError(
            f"{request.output.name} would hold a {format} file, which its ending does not say.",
            remedy=f"name it {request.output.stem}{FORMATS[format].suffixes[0]}, or leave --format out",
        )
    if format in LOSSY and not plan.lossy and not is_mere_copy(header, hole, format):
        raise PlanError(
            f"{request.output.name} would be a {format} file, in which pixels outside the mask change too.",
            remedy="name a .png or .tif file with -o, or accept it with --lossy",
        )
    return format


def _refuse_sources(request: Request, record: Path) -> None:
    """Raise where the result would be written over the picture or its mask, or the mask is the picture."""
    named = {"picture": request.picture} | ({"mask": request.mask} if request.mask is not None else {})
    for target in (request.output, record):
        for name, source in named.items():
            if _same(target, source):
                raise WriteError(f"{target} is the {name} itself; sources are never written.", remedy="name another")
    if request.mask is not None and _same(request.mask, request.picture):
        raise PlanError(
            "The mask is the picture itself.", remedy="name a picture of the same size, white where it is to be filled"
        )


def _refuse_foreign(request: Request, record: Path) -> None:
    """Raise where a file lies in the way that is not as an inpainting wrote it, unless it may be replaced."""
    if request.overwrite:
        return
    for target in (request.output, record):
        if target.exists() and not _is_own(request.output, record):
            raise WriteError(
                f"{target} is there already, and not as Vasari wrote it.",
                remedy="name another file with -o, or replace it with --overwrite",
            )


def _is_own(result: Path, record: Path) -> bool:
    """True where the record is of an inpainting, and the result, if there is one, the file it tells of."""
    if not record.is_file():
        return False
    try:
        told = read_treatment(record)
    except PlanError:
        return False
    if told.operation != InpaintWork.operation or told.result is None or told.result.name != result.name:
        return False
    return not result.exists() or (result.is_file() and Stamp.of(result).sha256 == told.result.sha256)


def _same(one: Path, other: Path | None) -> bool:
    """True for one file by two names, through links too."""
    try:
        return other is not None and one.samefile(other)
    except OSError:
        return False


def box_of(text: str) -> tuple[int, ...]:
    """The numbers of "X,Y,WIDTH,HEIGHT"; raises `PlanError`."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise PlanError(f"The box {text!r} is not four whole numbers.", remedy="write --box X,Y,WIDTH,HEIGHT in pixels")
    return numbers
