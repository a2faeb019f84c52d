"""Make a result again from its record, byte for byte, or say why that cannot be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from vasari.foundation import batches
from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import PictureError, PlanError, WeightsError, WriteError
from vasari.foundation.image_formats import Limits
from vasari.foundation.ledgers import Stamp, sole_worker
from vasari.foundation.plans import from_dict
from vasari.foundation.treatment import ModelFacts, Treatment, read_treatment
from vasari.foundation.version import VERSION
from vasari.tasks.batch.page import Page, make_visible, stage
from vasari.tasks.batch.work import Work

#: What a record's `machine` tells, in words; other keys name themselves.
_CALLED = {
    "precision": "the precision",
    "device": "the device",
    "cpu": "the processor's capability",
    "threads": "the number of threads",
}


@dataclass(frozen=True)
class Replayed:
    """A replay that gave the recorded bytes: the result's path, its SHA-256, and remarks worth reading."""

    result: Path
    sha256: str
    remarks: tuple[str, ...]


def replay_file(
    kind: type[Work],
    sidecar: Path,
    output: Path | None = None,
    *,
    source: Path | None = None,
    trust: bool = False,
    overwrite: bool = False,
) -> Replayed:
    """Make the result of a record of the work `kind` again in `output` (default: where the record lies).

    The source is looked for at its recorded path, then beside the record, unless `source` names it. Raises
    `PictureError` (another or no source), `WeightsError` (another model), `WriteError` (the bytes differ,
    which leaves nothing behind, or another file stands in the result's place), `PlanError` (no record).
    """
    record = read_treatment(sidecar)
    if record.result is None or record.operation != kind.operation:
        raise PlanError(
            f"{sidecar} tells of no {kind.participle} file.", remedy=f"name a record of vasari {kind.operation}"
        )
    path, stamp = _source(record, sidecar, source)
    work = _work(kind, record, sidecar)
    folder = (output or sidecar.parent).expanduser().resolve()
    page = _page(record, record.result.name, stamp)
    result = folder / page.result
    batches.refuse_masters([result], [batches.Source(path, PurePosixPath(path.name))])
    refuse_other(result, record, overwrite)
    # Here, and not above: it loads torch, and whoever is refused before need not wait for it.
    from vasari.foundation.devices import threads_of

    # With the precision, the threads and on the device of then; the record goes on telling the plan as it was.
    with threads_of(record.machine):
        worker = work.ready(record.machine)
        with sole_worker(folder) as staging:
            staged = stage(
                page, work, worker, staging,
                limits=Limits(trust=trust), created=record.created, version=record.version, read_from=path,
            )  # fmt: skip
            check_bytes(record, staged.result_stamp, staged.record.machine)
            # The old record stays the record: it tells when and where the picture was treated.
            write_whole(Path(staged.moves[-2][0]), sidecar.read_bytes())
            make_visible(staged, folder)
    return Replayed(result, record.result.sha256, remarks(record, staged.record.machine))


def _work(kind: type[Work], record: Treatment, sidecar: Path) -> Work:
    """The work of then; raises `WeightsError` where its models are others."""
    plan: Any = from_dict(kind.plan_kind, dict(record.plan), where=str(sidecar))
    work = kind.of(plan)
    check_models(record, work.models)
    return work


def _page(record: Treatment, result: str, stamp: Stamp) -> Page:
    """The page of then, whose result is to stand under its old name."""
    name = Path(result)
    return Page(
        source=Path(record.source.path),
        stamp=stamp,
        page=record.source.page,
        pages=record.source.pages,
        stem=name.name.removesuffix(name.suffix),
        suffix=name.suffix,
        job=record.job,
    )


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
    raise PictureError(
        f"The source {recorded} is not there.", remedy=f"name it: vasari {record.operation} SOURCE --replay RECORD"
    )


def check_models(record: Treatment, models: Sequence[ModelFacts]) -> None:
    """Hold models, styles and hints at hand against the recorded ones; raises `WeightsError` for another.

    As many are needed as were recorded: where there are more or fewer, the work of then is not known.
    """
    if len(record.models) != len(models):
        then_named, named = (", ".join(one.name for one in some) or "none" for some in (record.models, models))
        raise WeightsError(
            f"The record names {len(record.models)} models ({then_named}); its plan needs {len(models)} ({named}) "
            f"in Vasari {VERSION}.",
            remedy=f"use the record as it was written, with Vasari {record.version}, or do the work anew",
        )
    for then, today in zip(record.models, models, strict=True):
        if then.digest != today.digest:
            raise WeightsError(
                f"The file of {today.name} is another than the recorded one: SHA-256 {today.digest[:16]}… "
                f"instead of {then.digest[:16]}….",
                remedy=f"put the recorded file back; what is bundled comes with Vasari {record.version}",
            )


def remarks(record: Treatment, machine: Mapping[str, str]) -> tuple[str, ...]:
    """What differs between then and now, where `machine` is that of now; one sentence each."""
    told = [] if record.version == VERSION else [f"The record is of Vasari {record.version}; this is {VERSION}."]
    for key, then, today in _differences(record, machine):
        name = _CALLED.get(key, key)
        told.append(f"{name[0].upper()}{name[1:]} was {then} and is {today}.")
    return tuple(told)


def check_bytes(record: Treatment, made: Stamp, machine: Mapping[str, str]) -> None:
    """Raise `WriteError` where the bytes that were made on `machine` are not the recorded ones; it says why."""
    if record.result is None or made.sha256 == record.result.sha256:
        return
    differing = remarks(record, machine)
    wanted = [] if record.version == VERSION else [f"Vasari {record.version}"]
    wanted += [f"{_CALLED.get(key, key)} {then}" for key, then, _ in _differences(record, machine)]
    if "threads" in machine and "threads" not in record.machine:
        differing += (f"The record does not tell with how many threads it was made; these were {machine['threads']}.",)
        wanted.append("as many threads as then (try OMP_NUM_THREADS=1 first)")
    why = " ".join(differing) or "What the record tells of them is the same here; the processor may be of another kind."
    raise WriteError(
        "The replay gave other bytes than the record tells; nothing was written. The same bytes need the same "
        f"versions, number of threads and kind of processor. {why}",
        remedy=f"replay {'with ' + ' and '.join(wanted) if wanted else 'on the machine of then'}, or do the work anew",
    )


def _differences(record: Treatment, machine: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(key, then, now) of what the record tells and this machine has otherwise."""
    both = ((key, record.machine.get(key), today) for key, today in machine.items())
    return [(key, then, today) for key, then, today in both if then is not None and then != today]


def refuse_other(result: Path, record: Treatment, overwrite: bool) -> None:
    """Raise `WriteError` where the result would go onto a file of other bytes, which may not be overwritten."""
    if overwrite or not result.exists() or record.result is None:
        return
    if Stamp.of(result).sha256 != record.result.sha256:
        raise WriteError(
            f"{result} exists and is not the recorded result.",
            remedy="choose another folder with -o, or use --overwrite",
        )
