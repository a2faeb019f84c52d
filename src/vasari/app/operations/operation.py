"""What an operation is: a title, its fields, who may ask for it, what it is given, and what does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from vasari.app.operations.references import Places
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import PlanError

P = TypeVar("P")

#: Told of progress: done, of how many, and a word on what is in work.
Advance = Callable[[float, float, str], None]


@dataclass(frozen=True)
class Errand:
    """What an operation is given to do: a checked plan, files, an empty or half-filled folder for its results.

    Called again after it was cut off, it goes on in the same `output`.
    """

    plan: Any
    inputs: Sequence[Path]
    output: Path
    places: Places
    advance: Advance
    owner: str = ""


@dataclass(frozen=True)
class Operation:
    """A line of the table. `fields` is a frozen dataclass of options, by which values are checked.

    `pictures`, `styles` and `models` name fields that hold references to files, references with weights or names of
    styles, and names of models. `inputs` are how few and how many it takes.
    `run` gives plain values, the outcome as the command's `--json` tells it. Where `repeats`, each order is new work.
    """

    title: str
    help: str
    fields: type
    run: Callable[[Errand], dict[str, Any]]
    role: Role = Role.EDITOR
    inputs: tuple[int, int] = (1, 10_000)
    addresses: bool = False
    pictures: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    repeats: bool = False
    digests: Callable[[Any], str] = field(default=lambda plan: "")

    def count(self, inputs: int) -> None:
        """Raise `PlanError` for too few or too many inputs."""
        fewest, most = self.inputs
        if not fewest <= inputs <= most:
            rule = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise PlanError(f"Got {inputs} inputs, and {self.title!r} takes {rule}.", remedy="name the files anew")


def part_of(kind: type[P], plan: Any) -> P:
    """The plan `kind` out of one that has all its fields and more, for records that shall not hold the rest."""
    values: Mapping[str, Any] = {item.name: getattr(plan, item.name) for item in fields(kind)}  # type: ignore[arg-type]
    return kind(**values)
