"""Generated pictures in a folder, each with its record: what is there already is not made again.

    NAME-seed7-0001.png      a picture; NAME is the model's, numbers count from 1
    NAME-seed7-grid.png      the contact sheet
    clip.mp4                 a walk
    X.treatment.json         the record of each (of a clip: clip.mp4.treatment.json)

Torch is imported only when there is something to do: a finished folder is known by its records.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.errors import PlanError, VasariError, WriteError
from vasari.foundation.ledgers import Stamp, job_key, sole_worker
from vasari.foundation.plans import digest, to_dict
from vasari.foundation.treatment import Treatment, read_treatment
from vasari.models import model_files
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan, check_number

if TYPE_CHECKING:
    from vasari.tasks.generate.making import Maker

OPERATION = "generate"
PICTURE, GRID, WALK = "picture", "grid", "walk"
MOST_IN_A_GRID = 400
SUFFIXES = {"png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp"}


@dataclass(frozen=True)
class FolderOptions:
    """How many pictures are made, and where.

    `only_grid`: the contact sheet alone; `walk`: name of a clip in `output`, None for none; `overwrite`: replace
    files that are not as Vasari wrote them.
    """

    output: Path
    number: int = 1
    only_grid: bool = False
    walk: Path | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class Target:
    """A file to be made: of which kind, its path, the key of what decides its bytes, and of a picture its index."""

    kind: str
    path: Path
    job: str
    index: int = 0

    @property
    def record(self) -> Path:
        """The path of its record."""
        return self.path.with_name((self.path.name if self.kind == WALK else self.path.stem) + RECORD_ENDING)


@dataclass(frozen=True)
class Made:
    """What a run came to: files written now, and those found as they should be."""

    made: tuple[Path, ...]
    already_made: tuple[Path, ...]


Advance = Callable[[Target, float], None]


def generate_files(
    model: str | Path,
    options: FolderOptions,
    plan: SamplingPlan | None = None,
    walk: WalkPlan | None = None,
    advance: Advance = lambda target, share: None,
) -> Made:
    """Make pictures, a contact sheet and a clip into `options.output`; see `docs/generate.md`.

    `advance` is told the share 0..1 done. Raises `PlanError`, `WeightsError`, and `WriteError` where a file that
    Vasari did not write so stands in the way; what was finished until then stays.
    """
    plan, walk = plan or SamplingPlan(), walk or WalkPlan()
    check_number(options.number)
    path = model_files.find(model)
    digests = [model_files.digest(path)]
    digests += [model_files.digest(model_files.find(plan.enlarge))] if plan.enlarge else []
    output = options.output.expanduser().resolve()
    targets = targets_of(path.stem, ";".join(digests), dataclasses.replace(options, output=output), plan, walk)
    done = [target for target in targets if _as_recorded(target, target.job)]
    known = set(done)
    todo = [target for target in targets if target not in known]
    if todo:
        from vasari.tasks.generate.making import Maker

        maker = Maker.of(path, plan, walk, todo, options.number)
        with sole_worker(output) as work:
            _refuse_foreign(todo, options.overwrite)
            _make(maker, todo, work, advance)
    return Made(tuple(one.path for one in todo), tuple(one.path for one in done))


def targets_of(name: str, models: str, options: FolderOptions, plan: SamplingPlan, walk: WalkPlan) -> list[Target]:
    """The files that a run is to leave; `models` is the digest of all that takes part."""
    stem, plan_digest = f"{name}-seed{plan.seed}", digest(plan)
    folder, number = options.output, options.number

    def job(kind: str, more: str, index: int = 0) -> str:
        return job_key(models, f"{OPERATION}-{kind}", plan_digest + more, models, index)

    targets = []
    if not options.only_grid:
        targets += [
            Target(PICTURE, folder / f"{stem}-{index + 1:04d}{SUFFIXES[plan.format]}", job(PICTURE, "", index), index)
            for index in range(number)
        ]
    if number > 1 or options.only_grid:
        targets.append(Target(GRID, folder / f"{stem}-grid.png", job(GRID, str(min(number, MOST_IN_A_GRID)))))
    if options.walk is not None:
        if options.walk.name != str(options.walk):
            raise PlanError(
                f"walk={options.walk} is no file name.", remedy="write --walk clip.mp4; the clip goes into the folder"
            )
        stops = json.dumps([to_dict(walk), walk.spots(plan.seed, number)])
        more = hashlib.sha256(stops.encode()).hexdigest()
        targets.append(Target(WALK, folder / options.walk, job(WALK, more)))
    clash = {one.path for one in targets if one.kind != WALK} & {one.path for one in targets if one.kind == WALK}
    if clash:
        raise PlanError(f"The clip {clash.pop().name} has the name of a picture.", remedy="give the clip another name")
    return targets


def _as_recorded(target: Target, job: str | None = None) -> bool:
    """True where the file is the one that its record tells of (and, with `job`, was made by that very work)."""
    try:
        record = read_treatment(target.record)
        if not _is_of(record, target) or (job is not None and record.job != job):
            return False
        return record.result is not None and Stamp.of(target.path).sha256 == record.result.sha256
    except (VasariError, OSError):
        return False


def _tells_of(target: Target) -> bool:
    """True where the record beside a file is of that file, be it there or not."""
    try:
        return _is_of(read_treatment(target.record), target)
    except (VasariError, OSError):
        return False


def _is_of(record: Treatment, target: Target) -> bool:
    return record.operation == OPERATION and record.result is not None and record.result.name == target.path.name


def _refuse_foreign(targets: list[Target], overwrite: bool) -> None:
    for target in targets:
        if not overwrite and target.path.exists() and not _as_recorded(target):
            raise WriteError(
                f"{target.path} stands where a result would go, and is not as Vasari wrote it.",
                remedy="move it elsewhere, choose another folder with -o, or use --overwrite to replace it",
            )
        if not overwrite and target.record.exists() and not _tells_of(target):
            raise WriteError(
                f"{target.record} is the record of another file than {target.path.name}, which would take its place.",
                remedy="choose another folder with -o, or use --overwrite to replace the record",
            )


def _make(maker: Maker, todo: list[Target], work: Path, advance: Advance) -> None:
    for position, target in enumerate(todo):
        before = position

        def told(share: float, target: Target = target, before: int = before) -> None:
            advance(target, (before + share) / len(todo))

        maker.make(target, work, told)
        told(1.0)
