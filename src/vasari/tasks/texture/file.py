"""A texture as a file with its record: staged, hashed, then made visible, the record first."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path

import numpy as np
import torch

from vasari.foundation import image_files
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.devices import choose_device, machine_of
from vasari.foundation.errors import VasariError, WriteError
from vasari.foundation.image_files import FORMATS, Header, RowWriter
from vasari.foundation.ledgers import Stamp, job_key, publish, withdraw
from vasari.foundation.picture import Picture
from vasari.foundation.plans import digest, to_dict
from vasari.foundation.treatment import SOURCE_TYPES, FileFacts, SourceFacts, Stage, Treatment, now, read_treatment
from vasari.foundation.treatment_xmp import merged
from vasari.foundation.version import VERSION
from vasari.foundation.work_folders import work_folder
from vasari.models import model_files
from vasari.tasks.texture.apply import Source, kept_metadata, written_depth
from vasari.tasks.texture.plan import GAN, TexturePlan

OPERATION = "texture"
ROWS_AT_A_TIME = 64


@dataclass(frozen=True)
class Made:
    """What came of it: the file, its record, and whether it had to be made."""

    result: Path
    record: Path
    was_there: bool


def texture_file(
    sample: Path,
    output: Path,
    plan: TexturePlan,
    *,
    run: Path | None = None,
    overwrite: bool = False,
    advance: Callable[[float], None] = lambda share: None,
) -> Made:
    """Make a texture of the file `sample` into the file `output`, whole or not at all, in bounded memory.

    `run` is the folder of the training, which is kept and gone on with; `advance` is told the share 0..1 done of what
    is not training. A file that Vasari made by the same work is left as it is. Raises `PlanError`, `PictureError`,
    `TrainingError`, `WeightsError`, and `WriteError` where a file that Vasari did not write so stands in the way.
    """
    output = output.expanduser().absolute()
    record_path = output.with_name(output.stem + RECORD_ENDING)
    format = image_files.format_of(output)
    _refuse_sample(output, sample)
    picture = image_files.read(sample)
    job = _job(sample, plan)
    made = Made(output, record_path, was_there=True)
    if _as_recorded(made, job):
        return made
    if not overwrite:
        _refuse_foreign(made)
    with work_folder(output.parent) as work, Source.of(picture, plan, run, advance) as source:
        record = _begun(sample, job, source)
        staged = work / output.name
        _write(staged, picture, source, format, merged(None, record))
        stamp = Stamp.of(staged)
        finished = Treatment(**{**vars(record), "result": FileFacts(output.name, stamp.sha256, stamp.bytes)})
        written = write_whole(work / record_path.name, finished.to_json())
        withdraw(output)
        publish(written, record_path)
        publish(staged, output)
    return Made(output, record_path, was_there=False)


def _write(path: Path, sample: Picture, source: Source, format: str, xmp: bytes | None) -> None:
    width, height = source.plan.pixels
    depth = written_depth(sample)
    depth = depth if depth in FORMATS[format].depths else max(FORMATS[format].depths)
    channels = 1 if source.grey else 3
    metadata = kept_metadata(sample)
    header = Header(format, width, height, channels, depth, metadata=metadata, compression="deflate")
    with RowWriter(path, header, format, quality=source.plan.quality, xmp=xmp) as writer:
        for strip in source.rows():
            for rows in strip.split(ROWS_AT_A_TIME, 1):
                blank = np.zeros((rows.shape[1], width, channels), header.dtype)
                writer.append(image_files.encode(rows, blank, header))


def _begun(sample: Path, job: str, source: Source) -> Treatment:
    """The record as it stands inside the result: everything but its hash."""
    plan = source.plan
    if plan.chosen == GAN:
        kind, did = "trained", "windows of the endless texture of a generator that was trained on the sample"
    else:
        kind, did = "algorithmic", "patches brought from noise to the distribution of the sample's, at all scales"
        if plan.passes:
            did += ", then replaced by the nearest of the sample"
    stamp = Stamp.of(sample)
    return Treatment(
        operation=OPERATION,
        version=VERSION,
        created=now(),
        job=job,
        source=SourceFacts(str(sample.absolute()), stamp.sha256, stamp.bytes),
        models=source.models,
        plan=to_dict(plan),
        seed=plan.seed,
        stages=(Stage(plan.chosen, did),),
        digital_source_type=SOURCE_TYPES[kind],
        machine={
            **machine_of(choose_device(plan.device if plan.chosen == GAN else "cpu"), torch.float32),
            "libvips": packages.version("pyvips-binary"),
        },
    )


def _job(sample: Path, plan: TexturePlan) -> str:
    model = model_files.digest(model_files.find(plan.model)) if plan.model else ""
    return job_key(Stamp.of(sample).sha256, OPERATION, digest(plan), hashlib.sha256(model.encode()).hexdigest())


def _refuse_foreign(made: Made) -> None:
    """Raise where a file that Vasari did not write so, or the record of another file, stands in the way."""
    if made.result.exists() and not _as_recorded(made):
        raise WriteError(
            f"{made.result} stands where the texture would go, and is not as Vasari wrote it.",
            remedy="name another file with -o, or use --overwrite to replace it",
        )
    if made.record.exists() and _told(made) is None:
        raise WriteError(
            f"{made.record} is the record of another file than {made.result.name}, which would take its place.",
            remedy="name another file with -o, or use --overwrite to replace the record",
        )


def _as_recorded(made: Made, job: str | None = None) -> bool:
    """True where the file is the one that its record tells of (and, with `job`, was made by that very work)."""
    record = _told(made)
    if record is None or record.result is None or job not in (None, record.job):
        return False
    try:
        return Stamp.of(made.result).sha256 == record.result.sha256
    except OSError:
        return False


def _told(made: Made) -> Treatment | None:
    """The record, where there is one of this file, be it there or not."""
    try:
        record = read_treatment(made.record)
    except (VasariError, OSError):
        return None
    of_it = record.operation == OPERATION and record.result is not None and record.result.name == made.result.name
    return record if of_it else None


def _refuse_sample(output: Path, sample: Path) -> None:
    with contextlib.suppress(OSError):
        if output.samefile(sample):
            raise WriteError(f"{output} is the sample itself; it is never written.", remedy="name another file with -o")
