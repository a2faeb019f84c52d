"""Make a result again from its record, byte for byte, or say why that cannot be."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError, PlanError, WeightsError, WriteError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Stamp, sole_worker
from vasari.foundation.plans import from_dict
from vasari.foundation.treatment import Treatment, read_treatment
from vasari.foundation.version import VERSION
from vasari.tasks.restore import weights
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.page import Page, Staged, make_visible, stage
from vasari.tasks.restore.plan import RestorePlan


@dataclass(frozen=True)
class Replayed:
    """A replay that gave the recorded bytes: the result's path, its SHA-256, and remarks worth reading."""

    result: Path
    sha256: str
    remarks: tuple[str, ...]


def replay(
    sidecar: Path,
    output: Path | None = None,
    *,
    source: Path | None = None,
    trust: bool = False,
    overwrite: bool = False,
) -> Replayed:
    """Make the result of a record again in `output` (default: where the record lies).

    The source is looked for at its recorded path, then beside the record, unless `source` names it. Raises
    `PictureError` (another or no source), `WeightsError` (another model), `WriteError` (the bytes differ,
    which leaves nothing behind, or another file stands in the result's place), `PlanError` (no record).
    """
    record = read_treatment(sidecar)
    if record.result is None or record.operation != "restore":
        raise PlanError(f"{sidecar} tells of no restored file.", remedy="name a record of vasari restore")
    plan = from_dict(RestorePlan, dict(record.plan), where=str(sidecar))
    path, stamp = _source(record, sidecar, source)
    _check_models(record, plan)
    conservator = _conservator(record, plan)
    folder = (output or sidecar.parent).expanduser().resolve()
    name = Path(record.result.name)
    page = Page(
        source=Path(record.source.path),
        stamp=stamp,
        page=record.source.page,
        pages=record.source.pages,
        folder=folder,
        stem=name.name.removesuffix(name.suffix),
        suffix=name.suffix,
        job=record.job,
    )
    _refuse_other(page, path, record, overwrite)
    remarks = _remarks(record, conservator)
    with sole_worker(folder) as work:
        staged = stage(
            page,
            conservator,
            work,
            plan=plan,
            limits=Limits(trust=trust),
            created=record.created,
            version=record.version,
            read_from=path,
        )
        _check_bytes(staged, record, remarks)
        # The old record stays the record: it tells when and where the picture was treated.
        write_whole(staged.moves[-2][0], sidecar.read_bytes())
        make_visible(staged)
    return Replayed(page.result, record.result.sha256, remarks)


def _source(record: Treatment, sidecar: Path, named: Path | None) -> tuple[Path, Stamp]:
    """The source's path and stamp; raises `PictureError` where it is missing or another."""
    recorded = Path(record.source.path)
    places = [named] if named else [recorded]
    if not named and record.result and record.result.name != recorded.name:
        places.append(sidecar.parent / recorded.name)
    found = [one for one in places if one.is_file()]
    for path in found:
        stamp = Stamp.of(path)
        if stamp.sha256 == record.source.sha256:
            return path, stamp
    if found:
        raise PictureError(
            f"{found[0]} is not the picture that was treated: its SHA-256 differs from the record's.",
            remedy=f"name the source of {record.source.sha256[:16]}… before --replay",
        )
    raise PictureError(f"The source {recorded} is not there.", remedy="name it: vasari restore SOURCE --replay RECORD")


def _check_models(record: Treatment, plan: RestorePlan) -> None:
    """Hold the models at hand against the recorded ones; raises `WeightsError`."""
    for then, today in zip(record.models, weights.facts(plan), strict=False):
        if then.digest != today.digest:
            raise WeightsError(
                f"The model {today.name} is another than the recorded one: SHA-256 {today.digest[:16]}… "
                f"instead of {then.digest[:16]}….",
                remedy=f"install Vasari {record.version}, or put the recorded weights back",
            )


def _conservator(record: Treatment, plan: RestorePlan) -> Conservator:
    """With the precision and on the device of then; the record goes on telling the plan as it was."""
    machine = record.machine
    then = dataclasses.replace(
        plan,
        precision=machine.get("precision", plan.precision),
        device=machine.get("device", plan.device),
    )
    return Conservator.of(then)


def _remarks(record: Treatment, conservator: Conservator) -> tuple[str, ...]:
    """What differs between then and now."""
    remarks = [] if record.version == VERSION else [f"The record is of Vasari {record.version}; this is {VERSION}."]
    for key, value in conservator.machine.items():
        then = record.machine.get(key)
        if then is not None and then != value:
            remarks.append(f"{key} was {then} and is {value}.")
    return tuple(remarks)


def _refuse_other(page: Page, source: Path, record: Treatment, overwrite: bool) -> None:
    """Raise where the result would go onto its source, or onto a file of other bytes."""
    batches.refuse_masters([page.result], [batches.Source(source, PurePosixPath(source.name))])
    if overwrite or not page.result.exists() or record.result is None:
        return
    if Stamp.of(page.result).sha256 != record.result.sha256:
        raise WriteError(
            f"{page.result} exists and is not the recorded result.",
            remedy="choose another folder with -o, or use --overwrite",
        )


def _check_bytes(staged: Staged, record: Treatment, remarks: tuple[str, ...]) -> None:
    if record.result is None or staged.result_stamp.sha256 == record.result.sha256:
        return
    why = " ".join(remarks) or "The machine and the software look the same."
    raise WriteError(
        f"The replay gave other bytes than the record tells; nothing was written. {why}",
        remedy="replay on the kind of machine and with the versions in the record's `machine`, or restore anew",
    )
