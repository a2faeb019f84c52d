"""What happened to an archive and its pictures, in the terms of PREMIS 3: type, agent, object, outcome.

The types and outcomes are those of the Library of Congress's vocabularies eventType and eventOutcome
(https://id.loc.gov/vocabulary/preservation/), and some of our own ("duplicate found").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vasari.archive.schema import EVENTS
from vasari.archive.writer import Writer
from vasari.foundation.errors import PlanError
from vasari.foundation.treatment import now
from vasari.foundation.version import VERSION

#: Every type of event, and when it is noted.
TYPES: dict[str, str] = {
    "ingestion": "a picture became part of the archive",
    "modification": "the bytes of a picture changed since they were last read",
    "duplicate found": "a picture was added that is, or looks, as one that was there",
    "relocation": "a picture was found at another place, and no longer at its own",
    "derivation": "a picture was found to be made by Vasari from another one",
    "metadata extraction": "statements were read out of a picture file or its name",
    "metadata import": "statements of a catalog were read",
    "metadata modification": "a person said something about a work, or took it back",
    "fixity check": "the bytes of pictures were compared with their recorded hashes",
    "recognition": "a model said something about works",
    "replication": "the archive was copied",
    "recovery": "the archive was made anew from its journal and files",
    "dissemination": "works were exported",
    "deletion": "something was taken out",
}
OUTCOMES = ("success", "warning", "fail")
#: Who did it, where nobody is named.
SOFTWARE = f"Vasari {VERSION}"


def note(
    writer: Writer,
    type: str,
    object: str,
    outcome: str = "success",
    detail: Mapping[str, Any] | None = None,
    agent: str = SOFTWARE,
) -> None:
    """Keep one event of a type of `TYPES` about an object: the key of a work, a content hash, a path, or "archive".

    `detail` is kept as JSON. Raises `PlanError` for an unknown type or outcome.
    """
    note_all(writer, type, [(object, outcome, detail or {})], agent)


def note_all(
    writer: Writer, type: str, events: Sequence[tuple[str, str, Mapping[str, Any]]], agent: str = SOFTWARE
) -> None:
    """Keep many events of one type at once: (object, outcome, detail) each; raises as `note` does."""
    if type not in TYPES:
        raise PlanError(f"{type!r} is no type of event.", remedy=f"use one of {', '.join(TYPES)}")
    wrong = {outcome for _, outcome, _ in events} - set(OUTCOMES)
    if wrong:
        raise PlanError(f"{wrong.pop()!r} is no outcome.", remedy=f"use one of {', '.join(OUTCOMES)}")
    at = now()
    writer.add(
        EVENTS,
        (
            {"at": at, "type": type, "agent": agent, "object": object, "outcome": outcome, "detail": dict(detail)}
            for object, outcome, detail in events
        ),
    )
