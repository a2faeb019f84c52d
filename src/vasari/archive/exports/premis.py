"""Events in the terms of PREMIS 3.0, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from vasari.archive.exports.targets import whole_file
from vasari.archive.schema import EVENTS


def write_events(connection: Connection, target: Path, *, overwrite: bool = False) -> int:
    """Write all events in their order; how many there are; raises `PlanError`, `WriteError`.

    Names are those of the PREMIS 3.0 data dictionary, semantic units 2.1 to 2.6; the form is ours, since PREMIS
    defines XML and RDF only.
    """
    count = 0
    with whole_file(target, overwrite=overwrite) as file:
        for event in _events(connection):
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
            count += 1
    return count


def _events(connection: Connection) -> Iterator[dict[str, Any]]:
    rows = connection.execute(select(EVENTS).order_by(EVENTS.c.id), execution_options={"yield_per": 1000}).mappings()
    for row in rows:
        yield {
            "eventIdentifier": {"eventIdentifierType": "local", "eventIdentifierValue": str(row["id"])},
            "eventType": row["type"],
            "eventDateTime": row["at"],
            "eventOutcomeInformation": {"eventOutcome": row["outcome"], "eventOutcomeDetail": row["detail"]},
            "linkingAgentIdentifier": {
                "linkingAgentIdentifierType": "name",
                "linkingAgentIdentifierValue": row["agent"],
            },
            "linkingObjectIdentifier": {
                "linkingObjectIdentifierType": "local",
                "linkingObjectIdentifierValue": row["object"],
            },
        }
