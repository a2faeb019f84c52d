"""What `vasari restore` says of its work, in plans and in records. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from vasari.foundation import batches
from vasari.foundation.treatment import ModelFacts, Stage
from vasari.tasks.batch.work import as_then
from vasari.tasks.restore import weights
from vasari.tasks.restore.likeness_words import NUMBERS, stage_of
from vasari.tasks.restore.plan import RestorePlan

if TYPE_CHECKING:
    from vasari.tasks.restore.apply import RestoreWorker
    from vasari.tasks.restore.conservator import Conservator


@dataclass(frozen=True)
class RestoreWork:
    """The `tasks.batch.work.Work` of one plan."""

    operation: ClassVar[str] = "restore"
    participle: ClassVar[str] = "restored"
    plan_kind: ClassVar[type] = RestorePlan

    plan: RestorePlan
    models: tuple[ModelFacts, ...]

    @classmethod
    def of(cls, plan: RestorePlan) -> RestoreWork:
        """The work of a plan; raises `WeightsError` where a model is missing."""
        return cls(plan, weights.facts(plan))

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""
        return self.plan.format

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of the maps beside each result."""
        return (batches.DAMAGE_ENDING, batches.CHANGE_ENDING) if self.plan.evidence else ()

    @property
    def source_type(self) -> str:
        """A key of `treatment.SOURCE_TYPES`."""
        return "composite" if self.plan.repairs or self.plan.factor > 1 else "enhanced"

    @property
    def seed(self) -> int:
        """Restoring draws no random numbers; the seed stands in every record all the same."""
        return 0

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What each stage does, in words; the last stage of restoring carries what was measured."""
        last = "repair" if self.plan.repairs else "tone" if self.plan.restores else "enlarge"
        own = None if numbers is None else {name: one for name, one in numbers.items() if name not in NUMBERS}
        done = tuple(
            dataclasses.replace(one, numbers=own) if own is not None and one.name == last else one
            for one in self._words
        )
        return (*done, stage_of(numbers)) if self.plan.likeness else done

    @cached_property
    def _words(self) -> tuple[Stage, ...]:
        return (*self._restoring_words, *self._enlarging_words)

    @property
    def _enlarging_words(self) -> tuple[Stage, ...]:
        if self.plan.factor == 1:
            return ()
        times = f"{self.plan.factor} times as many pixels each way"
        return (Stage("enlarge", f"{times}: the detail between those of the source was inferred by the model"),)

    @property
    def _restoring_words(self) -> tuple[Stage, ...]:
        plan = self.plan
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

    def ready(self, machine: Mapping[str, str]) -> RestoreWorker:
        """Load the weights, with the precision and on the device of `machine` where it names them."""
        from vasari.tasks.restore.apply import RestoreWorker

        return RestoreWorker.of(as_then(self.plan, machine))

    def conservator(self, machine: Mapping[str, str]) -> Conservator:
        """What restores, for works of several treatments; loaded as by `ready`."""
        from vasari.tasks.restore.conservator import Conservator

        return Conservator.of(as_then(self.plan, machine))
