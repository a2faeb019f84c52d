"""One copy as a file: decoded, written with its lineage inside, and known again by it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from PIL import UnidentifiedImageError
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError, VasariError
from vasari.foundation.ledgers import Entry
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import SOURCE_TYPES, ModelFacts, SourceFacts, Stage, Treatment, now
from vasari.foundation.treatment_xmp import merged
from vasari.foundation.version import VERSION
from vasari.tasks.augment.draws import Draw
from vasari.tasks.augment.manifest import parameters_text
from vasari.tasks.augment.plan import AugmentPlan
from vasari.tasks.data.decoding import decode

UNREDUCED_PX = 1 << 30
# As JSON stands in XML, where quotation marks in a text may or may not be escaped.
JOB = re.compile(rb'(?:"|&quot;)job(?:"|&quot;): (?:"|&quot;)([0-9a-f]{64})')


def decoded(data: bytes, name: str, short_side_px: int) -> Tensor:
    """A picture as sets hold it: float32 [3, rows, columns] in 0..1 sRGB, upright; raises `PictureError`."""
    try:
        pixels = decode(data, short_side_px or UNREDUCED_PX, "rgb", "none").pixels
    except Exception as error:  # decoders raise nearly anything for damaged files
        known = "its format is not known" if isinstance(error, UnidentifiedImageError) else str(error)
        raise PictureError(
            f"{name} cannot be decoded: {known or type(error).__name__}.",
            remedy="replace the picture, or take it out of the set",
        ) from error
    return as_pixels(pixels)


def as_pixels(array: np.ndarray) -> Tensor:
    """uint8 [rows, columns, 3] to float32 [3, rows, columns] in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1))).float().div_(255.0)


def write_original(path: Path, data: bytes) -> None:
    """The source's own bytes; raises `WriteError`."""
    write_whole(path, data)


def write_copy(
    path: Path, pixels: Tensor, made: Draw, entry: Entry, plan: AugmentPlan, model: ModelFacts | None
) -> None:
    """Write a copy as 8-bit sRGB, with its lineage as XMP; raises `WriteError`."""
    packet = merged(None, _treatment(made, entry, plan, model))
    picture = Picture(pixels.clamp(0, 1).contiguous(), depth=8, metadata=Metadata(xmp=packet))
    image_files.write(picture, path, plan.format, plan.quality)


def job_of(path: Path) -> str:
    """The job that a file says it comes from; "" where it says nothing."""
    try:
        packet = image_files.inspect(path).metadata.xmp or b""
    except VasariError:
        return ""
    found = JOB.search(packet)
    return found.group(1).decode() if found else ""


def _treatment(made: Draw, entry: Entry, plan: AugmentPlan, model: ModelFacts | None) -> Treatment:
    """What a copy tells of itself; the plan's `job` is that by which it is known again."""
    stamp = entry.source_stamp
    return Treatment(
        operation="augment",
        version=VERSION,
        created=now(),
        job=str(entry.job),
        source=SourceFacts(entry.source, stamp.sha256 if stamp else "", stamp.bytes if stamp else 0),
        models=(model,) if model else (),
        plan={**to_dict(plan), "copy": entry.page, "job": entry.job},
        seed=made.seed,
        stages=(Stage(made.operation, parameters_text(made.parameters)),),
        digital_source_type=SOURCE_TYPES["composite" if made.style == "translate" else "enhanced"],
    )
