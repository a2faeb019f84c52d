"""What the pages of the studio are asked with: pictures that an address brings along, and what answers tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import select

from vasari.app.operations.references import Reference, referred
from vasari.app.web.studio.sources import LONGEST_REFERENCE, source_of
from vasari.app.web.workbench import Visitor, Workbench
from vasari.archive.schema import WORKS
from vasari.foundation.errors import PlanError
from vasari.foundation.plans import from_dict

P = TypeVar("P")

MOST_INPUTS = 100
_Reference = Annotated[str, Query(max_length=LONGEST_REFERENCE)]
Inputs = Annotated[list[_Reference], Query(alias="input", max_length=MOST_INPUTS, description="references")]
Styles = Annotated[list[_Reference], Query(alias="style", max_length=MOST_INPUTS, description="references or names")]
Works = Annotated[list[Annotated[int, Query(ge=1, le=(1 << 31) - 1)]], Query(max_length=MOST_INPUTS)]


@dataclass(frozen=True)
class Brought:
    """A picture that a page begins with."""

    reference: str
    name: str


def asked_for(bench: Workbench, inputs: list[str], works: list[int] | None = None) -> list[Brought]:
    """The pictures of an address, each looked at; raises as `source_of` does for one that is not there."""
    references = [str(referred(one, "input")) for one in inputs] + [f"work:{id}" for id in works or ()]
    return [Brought(one, named(bench, one)) for one in dict.fromkeys(references)]


def named(bench: Workbench, text: str) -> str:
    """What a picture is called: a work's title, a file's name."""
    source = source_of(bench, text)
    reference: Reference = referred(text, "input")
    if reference.kind == "work":
        with bench.archive.reading() as connection:
            title = connection.execute(select(WORKS.c.title).where(WORKS.c.id == int(reference.value))).scalar()
        return str(title or source.name)
    return source.name


def told(seconds: float, **more: str) -> dict[str, str]:
    """Headers of a preview: how long it took (Server-Timing), and what else scripts need."""
    extra = {f"X-Vasari-{name.title()}": value for name, value in more.items()}
    return {"Server-Timing": f"preview;dur={1000 * seconds:.0f}", **extra}


def plan_from(kind: type[P], fields: dict[str, Any], known: tuple[str, ...], **more: Any) -> P:
    """The plan of a preview, of fields that it may have; raises `PlanError` for others, and for wrong values."""
    unknown = sorted(set(fields) - set(known))
    if unknown:
        raise PlanError(f"A preview has no {unknown[0][:40]!r}.", remedy=f"choose from: {', '.join(known)}")
    try:
        return from_dict(kind, {**fields, **more}, where="fields")
    except (TypeError, ValueError, OverflowError) as error:
        raise PlanError(f"The fields are not understood: {error}.", remedy="correct the values") from None


def turn_of(visitor: Visitor) -> str:
    """The name under which a visitor's requests push one another aside."""
    return visitor.session or visitor.name
