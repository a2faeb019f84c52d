"""What `vasari restore --style` says of its work: restoring, then stylizing, in one pass. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vasari.foundation.errors import PlanError
from vasari.foundation.execute import Executor
from vasari.foundation.treatment import ModelFacts, Stage
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.replay import Replayed, replay_file
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.work import RestoreWork
from vasari.tasks.stylize.stylize_plan import FAST, StylizePlan
from vasari.tasks.stylize.work import StylizeWork

if TYPE_CHECKING:
    from vasari.tasks.stylize.succession import SuccessionWorker


@dataclass(frozen=True)
class RestoreStylizePlan:
    """Both plans, in the order in which they are carried out; format, evidence and tiles are those of the first."""

    restore: RestorePlan = field(default_factory=RestorePlan)
    stylize: StylizePlan = field(default_factory=StylizePlan)

    def __post_init__(self) -> None:
        if self.restore.only_damage:
            raise PlanError(
                "only_damage keeps all sound pixels as they are, and a style changes them.",
                remedy="leave out --only-damage, or --style",
            )
        if self.restore.likeness:
            raise PlanError(
                "likeness compares a face with its restoration, and a style is meant to change both.",
                remedy="leave out --likeness, or --style",
            )
        if self.restore.factor > 1:
            raise PlanError(
                "Enlarging is the last thing done to a picture, and a style would come after it.",
                remedy="leave out the stage enlarge, or --style; then enlarge the results: --stages enlarge",
            )
        if self.stylize.method != FAST or self.stylize.photographic:
            raise PlanError(
                f"Restoring and stylizing in one pass is done by the method {FAST}.",
                remedy="restore first, then run vasari stylize over the results",
            )


def restore_and_stylize_files(
    inputs: Sequence[str | Path],
    options: BatchOptions,
    plan: RestoreStylizePlan,
    watch: Watch | None = None,
    executor: Executor | None = None,
) -> Summary:
    """Restore and stylize files, folders and globs into `options.output`, each page once, in one pass.

    Raises as `restore_files` and `stylize_files` do.
    """
    return treat_files(inputs, options, RestoreStylizeWork.of(plan), watch, executor)


def replay(
    sidecar: Path,
    output: Path | None = None,
    *,
    source: Path | None = None,
    trust: bool = False,
    overwrite: bool = False,
) -> Replayed:
    """Make the result of a record again in `output` (default: where the record lies); see `replay_file`."""
    return replay_file(RestoreStylizeWork, sidecar, output, source=source, trust=trust, overwrite=overwrite)


@dataclass(frozen=True)
class RestoreStylizeWork:
    """The `tasks.batch.work.Work` of both plans."""

    operation: ClassVar[str] = "restore-stylize"
    participle: ClassVar[str] = "restored and stylized"
    plan_kind: ClassVar[type] = RestoreStylizePlan

    plan: RestoreStylizePlan
    restoring: RestoreWork
    stylizing: StylizeWork

    @classmethod
    def of(cls, plan: RestoreStylizePlan) -> RestoreStylizeWork:
        """The work of both plans; raises as that of each does."""
        stylizing = StylizeWork.of(plan.stylize)
        return cls(dataclasses.replace(plan, stylize=stylizing.plan), RestoreWork.of(plan.restore), stylizing)

    @property
    def models(self) -> tuple[ModelFacts, ...]:
        """The models with the digests of their files, in the order of their use."""
        return self.restoring.models + self.stylizing.models

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""
        return self.restoring.format

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of the maps beside each result."""
        return self.restoring.maps

    @property
    def source_type(self) -> str:
        """A key of `treatment.SOURCE_TYPES`."""
        types = (self.restoring.source_type, self.stylizing.source_type)
        return "composite" if "composite" in types else "enhanced"

    @property
    def seed(self) -> int:
        """The seed of all random numbers."""
        return self.stylizing.seed

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """The stages of restoring, then those of stylizing, which carry what was measured."""
        return self.restoring.stages() + self.stylizing.stages(numbers)

    def ready(self, machine: Mapping[str, str]) -> SuccessionWorker:
        """Load the weights, with the precision and on the device of `machine` where it names them."""
        from vasari.tasks.stylize.succession import SuccessionWorker

        return SuccessionWorker(self.restoring.conservator(machine), self.stylizing.ready(machine).painter)
