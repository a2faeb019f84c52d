"""What a task says of its work, so that one batch serves all tasks: what is told, and what treats a page.

Imports no torch. A `Work` knows all that decides a result (plan, models) before anything heavy is loaded, so
that a finished folder is known by the ledger alone; its `Worker` holds the weights, and is made at most once.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

from vasari.foundation.treatment import ModelFacts, Stage

if TYPE_CHECKING:
    from vasari.foundation.image_formats import Limits
    from vasari.foundation.picture import Metadata

P = TypeVar("P")


@dataclass(frozen=True)
class Outputs:
    """Where a page is written: the result, the two maps where they are wanted, and what else lies beside by ending."""

    result: Path
    damage: Path | None = None
    change: Path | None = None
    beside: Mapping[str, Path] = field(default_factory=dict)


class Worker(Protocol):
    """Treats pages, with the weights of one work; safe to share between threads."""

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record: `foundation.devices.machine_of`, in the thread that asks."""

    def treat(
        self,
        path: Path,
        page: int,
        outputs: Outputs,
        *,
        xmp: Callable[[Metadata, str], bytes | None],
        limits: Limits,
        advance: Callable[[float], None],
    ) -> Mapping[str, float]:
        """Treat a page of a file into `outputs`, each whole or not there; what was measured, for the record.

        `xmp(metadata, format)` gives the packet of the result; `advance` is told the share 0..1 done, and may
        raise to stop. "megapixels" among the numbers goes into the ledger. Raises `PictureError`, `WriteError`.
        """


class Work(Protocol):
    """One plan of one task, and its models."""

    operation: ClassVar[str]
    """The command, as job keys and records tell it: "restore"."""
    participle: ClassVar[str]
    """What becomes of a page: "restored"."""
    plan_kind: ClassVar[type]
    """The class of the plan, by which a record's plan is read again."""

    @classmethod
    def of(cls, plan: Any) -> Self:
        """The work of a plan; raises `WeightsError` where a model is missing."""

    @property
    def plan(self) -> Any:
        """All that decides the bytes of a result, beside source and models: a frozen plan."""

    @property
    def models(self) -> tuple[ModelFacts, ...]:
        """The models with the digests of their files."""

    @property
    def format(self) -> str | None:
        """The format that results are written in; None for that of the source."""

    @property
    def maps(self) -> tuple[str, ...]:
        """The endings of what is written beside each result: maps of damage and change, others of a task's own.

        One without a suffix, as ".sample-2", gets the result's.
        """

    @property
    def source_type(self) -> str:
        """What a result is to others: a key of `treatment.SOURCE_TYPES`."""

    @property
    def seed(self) -> int:
        """The seed of all random numbers; 0 where none are drawn."""

    def stages(self, numbers: Mapping[str, float] | None = None) -> tuple[Stage, ...]:
        """What is done, in words; once a page is treated, with the numbers that its worker gave."""

    def ready(self, machine: Mapping[str, str]) -> Worker:
        """Load the weights; `machine` (of an old record, else empty) names the precision and device of then.

        Raises `WeightsError`, `PlanError` (no such device).
        """


def as_then(plan: P, machine: Mapping[str, str]) -> P:
    """A plan with the precision and on the device of `machine`, where it names them: as `Work.ready` is told of them.

    Raises `PlanError` where they are none.
    """
    named = {name: machine[name] for name in ("precision", "device") if name in machine}
    return dataclasses.replace(plan, **named)  # type: ignore[type-var]


def models_digest(models: tuple[ModelFacts, ...]) -> str:
    """One SHA-256 for the models of a work, their shares counted."""
    text = ";".join(f"{one.digest}:{one.share!r}" for one in models)
    return hashlib.sha256(text.encode()).hexdigest()
