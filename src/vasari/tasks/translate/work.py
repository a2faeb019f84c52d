"""What `vasari translate` says of its work, in plans and in records, and its batch. Imports no torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from vasari.foundation import batches
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import ModelFacts, Stage
from vasari.models import model_files
from vasari.tasks.batch.files import treat_files
from vasari.tasks.batch.terms import BatchOptions, Summary, Watch
from vasari.tasks.batch.work import as_then
from vasari.tasks.translate.translate_plan import TranslatePlan

if TYPE_CHECKING:
    from vasari.tasks.translate.apply import TranslateWorker


def translate_files(
    inputs: Sequence[str | Path], options: BatchOptions, plan: TranslatePlan, watch: Watch | None = None
) -> Summary:
    """Translate files, folders and globs into `options.output`, each page once; see `docs/translate.md`.

    A page that cannot be translated is in the ledger with its reason, and the rest goes on. Raises `PlanError`
    (no input, a folder in use), `WeightsError`, and `WriteError` where the ledger cannot be kept.
    """
    return treat_files(inputs, options, TranslateWork.of(plan), watch)


@dataclass(frozen=True)
class TranslateWork:
    """The `tasks.batch.work.Work` of one plan."""

    operation: ClassVar[str] = "translate"
    participle: ClassVar[str] = "translated"
    plan_kind: ClassVar[type] = TranslatePlan

    plan: TranslatePlan
    models: tuple[ModelFacts, ...]

    @classmethod
    def of(cls, plan: TranslatePlan) -> TranslateWork:
        """The work of a plan; raises `PlanError` where it names no model, `WeightsError` where that is missing."""
        if not plan.model:
            raise PlanError("No model was named.", remedy="write: vasari translate MODEL PICTURES... -o DIR")
        path = model_files.find(plan.model)
        return cls(plan, (ModelFacts(path.stem, model_files.digest(path)),))

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""
        return self.plan.format

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of the maps beside each result."""
        return (batches.CHANGE_ENDING,) if self.plan.evidence else ()

    @property
    def source_type(self) -> str:
        """A key of `treatment.SOURCE_TYPES`: a trained model made the picture, over what the source shows."""
        return "composite" if self.plan.strength > 0 else "enhanced"

    @property
    def seed(self) -> int:
        """Translating draws no random numbers."""
        return 0

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What is done, in words; the translation carries what was measured."""
        strength = self.plan.strength
        if strength == 0:
            return (Stage("none", "nothing: strength 0 gives the source back"),)
        done = [Stage("translate", f"taken by {self.models[0].name} from one domain of pictures to another")]
        if numbers is not None:
            done[0] = dataclasses.replace(done[0], numbers=numbers)
        if strength < 1:
            done.append(Stage("blend", f"{strength:g} of the result, {1 - strength:g} of the source"))
        return tuple(done)

    def ready(self, machine: Mapping[str, str]) -> TranslateWorker:
        """Load the weights, with the precision and on the device of `machine` where it names them."""
        from vasari.tasks.translate.apply import Interpreter, TranslateWorker

        return TranslateWorker(Interpreter.of(as_then(self.plan, machine)))
