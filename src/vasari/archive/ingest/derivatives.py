"""Pictures that Vasari made: told by the record beside them, or by the one inside."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.archive.ingest.xmp import properties
from vasari.foundation.batches import RECORD_ENDING
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import Header
from vasari.foundation.treatment import read_treatment
from vasari.foundation.treatment_xmp import VASARI


@dataclass(frozen=True)
class Derived:
    """What a picture was made from (content of the source), how, and the whole record as plain values."""

    source_content: str
    operation: str
    treatment: dict[str, Any]


def derived_of(path: Path, sha256: str, header: Header) -> Derived | None:
    """The treatment of a picture; None for one that Vasari did not make.

    The record beside it counts where it names these very bytes; else what the picture carries inside.
    """
    sidecar = path.with_name(path.stem + RECORD_ENDING)
    if sidecar.is_file():
        try:
            record = read_treatment(sidecar)
        except PlanError:
            record = None  # somebody else's file of that name
        if record is not None and record.result is not None and record.result.sha256 == sha256:
            values = json.loads(record.to_json().decode("utf-8", "replace"))
            return Derived(_content(record.source.sha256, record.source.page), record.operation, values)
    return _inside(header.metadata.xmp)


def _inside(packet: bytes | None) -> Derived | None:
    if not packet or VASARI.encode() not in packet:
        return None
    facts = {name: value[0] for (space, name), value in properties(packet).items() if space == VASARI and value}
    source = facts.get("SourceSHA256", "")
    if len(source) != 64:
        return None
    page = facts.get("SourcePage", "1")
    number = int(page) - 1 if page.isdigit() and page != "0" else 0
    return Derived(_content(source, number), facts.get("Operation", "treatment"), {"xmp": facts})


def _content(sha256: str, page: int) -> str:
    return f"{sha256}#{page}" if page else sha256
