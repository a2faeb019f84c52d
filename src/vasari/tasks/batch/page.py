"""One page treated: staged, hashed, recorded, then made visible in a fixed order.

Order: maps, record, result. A result that is visible therefore has its record, by which a later run
knows it even if the ledger's line was never written.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata as packages
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Stamp, publish
from vasari.foundation.plans import to_dict
from vasari.foundation.treatment import SOURCE_TYPES, FileFacts, SourceFacts, Treatment, now
from vasari.foundation.treatment_xmp import LARGEST_JPEG_PACKET_BYTES, merged
from vasari.foundation.version import VERSION
from vasari.tasks.batch.work import Outputs, Work, Worker

if TYPE_CHECKING:
    from vasari.foundation.picture import Metadata

NOT_MERGED = "The source's XMP packet could not be continued (malformed or too large); it was left as it is."


@dataclass(frozen=True)
class Page:
    """What is to be treated, and where it goes: `stem` and `suffix` are those of the result's name; `page` from 0.

    Names are relative to where the results lie (`places.Place`), with slashes.
    """

    source: Path
    stamp: Stamp
    page: int
    pages: int
    stem: str
    suffix: str
    job: str

    @property
    def result(self) -> PurePosixPath:
        """The result's name."""
        return PurePosixPath(f"{self.stem}{self.suffix}")

    def beside(self, ending: str) -> PurePosixPath:
        """The name of a record or map of this result, or of what `Work.maps` names without a suffix."""
        return PurePosixPath(f"{self.stem}{self.whole(ending)}")

    def whole(self, ending: str) -> str:
        """An ending with its suffix: that of the result where it has none."""
        return ending if PurePath(ending).suffix else ending + self.suffix


@dataclass(frozen=True)
class Staged:
    """A page treated but not yet visible: where it is staged -> its name, the result last; its record and its bytes."""

    moves: tuple[tuple[PurePath, PurePosixPath], ...]
    record: Treatment
    result_stamp: Stamp


def stage(
    page: Page,
    work: Work,
    worker: Worker,
    folder: Path,
    *,
    limits: Limits,
    created: str | None = None,
    version: str = VERSION,
    read_from: Path | None = None,
    advance: Callable[[float], None] = lambda share: None,
) -> Staged:
    """Treat `page` into `folder`, where nobody looks; `created` and `version` are those that the record tells.

    A replay gives those of the old record, and gets its bytes; `read_from` is where the source lies now.
    Raises `PictureError`, `WriteError`.
    """
    record = begin_record(page, work, worker, created or now(), version)
    notes: list[str] = []

    def xmp(metadata: Metadata, format: str) -> bytes | None:
        packet = merged(metadata.xmp, record, LARGEST_JPEG_PACKET_BYTES if format == "jpeg" else None)
        if packet is None:
            notes.append(NOT_MERGED)
        return packet or metadata.xmp

    outputs = _outputs(page, work, folder)
    numbers = worker.treat(read_from or page.source, page.page, outputs, xmp=xmp, limits=limits, advance=advance)
    stamp = Stamp.of(outputs.result)
    maps = _maps(page, outputs)
    record = dataclasses.replace(
        record,
        stages=work.stages(numbers),
        result=FileFacts(page.result.name, stamp.sha256, stamp.bytes),
        evidence=tuple(_facts(staged, target) for staged, target in maps),
        notes=tuple(notes),
    )
    written = write_whole(outputs.result.with_suffix(batches.RECORD_ENDING), record.to_json())
    moves = (*maps, (written, page.beside(batches.RECORD_ENDING)), (outputs.result, page.result))
    return Staged(moves, record, stamp)


def _outputs(page: Page, work: Work, folder: Path) -> Outputs:
    """Where a page is staged: two sources of the same bytes share a job, but not a place."""
    place = hashlib.sha256(page.stem.encode("utf-8", "surrogateescape")).hexdigest()
    base = folder / f"{page.job[:16]}-{place[:16]}"
    maps = {ending: base.with_suffix(page.whole(ending)) for ending in work.maps}
    damage, change = (maps.pop(ending, None) for ending in (batches.DAMAGE_ENDING, batches.CHANGE_ENDING))
    return Outputs(base.with_suffix(page.suffix), damage, change, maps)


def _maps(page: Page, outputs: Outputs) -> list[tuple[Path, PurePosixPath]]:
    """Where evidence maps and what else lies beside a result are staged, and their names."""
    known = ((batches.DAMAGE_ENDING, outputs.damage), (batches.CHANGE_ENDING, outputs.change))
    return [(staged, page.beside(ending)) for ending, staged in (*known, *outputs.beside.items()) if staged]


def make_visible(staged: Staged, folder: Path) -> None:
    """Move all files of a page to their places in `folder`, the result last; raises `WriteError`."""
    for path, target in staged.moves:
        publish(Path(path), folder / target)


def begin_record(page: Page, work: Work, worker: Worker, created: str, version: str) -> Treatment:
    """The record as it stands inside the result: everything that is known before the work."""
    return Treatment(
        operation=work.operation,
        version=version,
        created=created,
        job=page.job,
        source=SourceFacts(str(page.source), page.stamp.sha256, page.stamp.bytes, page.page, page.pages),
        models=work.models,
        plan=to_dict(work.plan),
        seed=work.seed,
        stages=work.stages(),
        digital_source_type=SOURCE_TYPES[work.source_type],
        machine={**worker.machine, "libvips": packages.version("pyvips-binary")},
    )


def _facts(staged: Path, target: PurePosixPath) -> FileFacts:
    stamp = Stamp.of(staged)
    return FileFacts(target.name, stamp.sha256, stamp.bytes)
