"""One page restored into an output folder: staged, hashed, recorded, then made visible in a fixed order.

Order: maps, record, result. A result that is visible therefore has its record, by which a later run
knows it even if the ledger's line was never written.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Stamp, publish
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import SOURCE_TYPES, FileFacts, SourceFacts, Stage, Treatment, now
from vasari.foundation.treatment_xmp import LARGEST_JPEG_PACKET_BYTES, merged
from vasari.foundation.version import VERSION
from vasari.tasks.restore.apply import Findings, Outputs, treat_file
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.plan import RestorePlan

if TYPE_CHECKING:
    from vasari.foundation.picture import Metadata

OPERATION = "restore"
NOT_MERGED = "The source's XMP packet could not be continued (malformed or too large); it was left as it is."


@dataclass(frozen=True)
class Page:
    """What is to be restored, and where it goes: `stem` and `suffix` relative to `folder`; `page` from 0."""

    source: Path
    stamp: Stamp
    page: int
    pages: int
    folder: Path
    stem: str
    suffix: str
    job: str

    @property
    def result(self) -> Path:
        """The result's path."""
        return self.folder / f"{self.stem}{self.suffix}"

    def beside(self, ending: str) -> Path:
        """The path of a record or map of this result."""
        return self.folder / f"{self.stem}{ending}"


@dataclass(frozen=True)
class Staged:
    """A page restored but not yet visible: staged path -> target, the result last; its record and numbers."""

    moves: tuple[tuple[Path, Path], ...]
    record: Treatment
    findings: Findings
    result_stamp: Stamp


def stage(
    page: Page,
    conservator: Conservator,
    work: Path,
    *,
    plan: RestorePlan,
    limits: Limits,
    created: str | None = None,
    version: str = VERSION,
    read_from: Path | None = None,
    advance: Callable[[float], None] = lambda share: None,
) -> Staged:
    """Restore `page` into the folder `work`; `plan`, `created` and `version` are those that the record tells.

    A replay gives those of the old record, and gets its bytes; `read_from` is where the source lies now.
    Raises `PictureError`, `WriteError`.
    """
    record = begin_record(page, conservator, plan, created or now(), version)
    notes: list[str] = []

    def xmp(metadata: Metadata, format: str) -> bytes | None:
        packet = merged(metadata.xmp, record, LARGEST_JPEG_PACKET_BYTES if format == "jpeg" else None)
        if packet is None:
            notes.append(NOT_MERGED)
        return packet or metadata.xmp

    # Two sources of the same bytes share a job, but not a place.
    base = work / f"{page.job[:16]}-{hashlib.sha256(page.stem.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"
    outputs = Outputs(
        base.with_suffix(page.suffix),
        base.with_suffix(batches.DAMAGE_ENDING) if plan.evidence else None,
        base.with_suffix(batches.CHANGE_ENDING) if plan.evidence else None,
    )
    findings = treat_file(
        read_from or page.source, page.page, conservator, outputs, xmp=xmp, limits=limits, advance=advance
    )
    stamp = Stamp.of(outputs.result)
    maps = [
        (staged, page.beside(ending))
        for staged, ending in ((outputs.damage, batches.DAMAGE_ENDING), (outputs.change, batches.CHANGE_ENDING))
        if staged
    ]
    record = dataclasses.replace(
        record,
        stages=tuple(_told(one, findings, plan) for one in record.stages),
        result=FileFacts(page.result.name, stamp.sha256, stamp.bytes),
        evidence=tuple(_facts(staged, target) for staged, target in maps),
        notes=tuple(notes),
    )
    written = write_whole(base.with_suffix(batches.RECORD_ENDING), record.to_json())
    moves = (*maps, (written, page.beside(batches.RECORD_ENDING)), (outputs.result, page.result))
    return Staged(moves, record, findings, stamp)


def make_visible(staged: Staged) -> None:
    """Move all files of a page to their places, the result last; raises `WriteError`."""
    for path, target in staged.moves:
        publish(path, target)


def begin_record(page: Page, conservator: Conservator, plan: RestorePlan, created: str, version: str) -> Treatment:
    """The record as it stands inside the result: everything that is known before the work."""
    composite = plan.repairs
    return Treatment(
        operation=OPERATION,
        version=version,
        created=created,
        job=page.job,
        source=SourceFacts(str(page.source), page.stamp.sha256, page.stamp.bytes, page.page, page.pages),
        models=conservator.models,
        plan=to_dict(plan),
        # Restoring draws no random numbers; the seed stands in every record all the same.
        seed=0,
        stages=stages_of(plan),
        digital_source_type=SOURCE_TYPES["composite" if composite else "enhanced"],
        machine={**conservator.machine, "libvips": packages.version("pyvips-binary")},
    )


def stages_of(plan: RestorePlan) -> tuple[Stage, ...]:
    """What each stage of the plan does, in words."""
    if plan.strength == 0:
        return (Stage("none", "nothing: strength 0 gives the source back"),)
    done = []
    if "tone" in plan.stages:
        kept = "looked at and left as in the source" if plan.keeps_tone else "fading and color casts undone"
        done.append(Stage("tone", kept))
    if plan.repairs:
        where = " where damage was found, all else bit-identical" if plan.only_damage else ""
        done.append(Stage("repair", f"grain, blur, compression, scratches, dust and folds taken off{where}"))
    if plan.strength < 1:
        done.append(Stage("blend", f"{plan.strength:g} of the result, {1 - plan.strength:g} of the source"))
    return tuple(done)


def _told(stage: Stage, findings: Findings, plan: RestorePlan) -> Stage:
    """The last stage of the work carries what was measured."""
    if stage.name != ("repair" if plan.repairs else "tone"):
        return stage
    numbers = {
        "megapixels": round(findings.megapixels, 3),
        "damaged_share": round(findings.damaged_share, 6),
        "changed_share": round(findings.changed_share, 6),
        "mean_change_in_8_bit_levels": round(findings.mean_change_levels, 3),
    }
    return dataclasses.replace(stage, numbers=numbers)


def _facts(staged: Path, target: Path) -> FileFacts:
    stamp = Stamp.of(staged)
    return FileFacts(target.name, stamp.sha256, stamp.bytes)
