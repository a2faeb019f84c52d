"""The treatment record: what was done to a picture, by which software and model, from which source.

It lies beside the result as `NAME.treatment.json` and, less the hashes of what it lies in, inside the result
as XMP (`treatment_xmp.py`). A record is enough to make the same bytes again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vasari.foundation.errors import PlanError

FORMAT = "vasari-treatment/1"
# Among the numbers of a stage: how many warnings its words are.
WARNINGS = "warnings"

# https://cv.iptc.org/newscodes/digitalsourcetype/ (IPTC NewsCodes, CC BY 4.0)
SOURCE_TYPES = {
    # "Modification or correction by algorithm without changing the main content of the media"
    "enhanced": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicallyEnhanced",
    # "The compositing of trained algorithmic media with some other media, such as with inpainting"
    "composite": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    # Made by a trained model alone
    "trained": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    # "Media created purely by an algorithm not based on any sampled training data"
    "algorithmic": "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia",
}


@dataclass(frozen=True)
class FileFacts:
    """A file by name (sources: the path, results: relative to the record), SHA-256 and size."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class SourceFacts:
    """The source: its path when it was read, SHA-256 and size, and the page (from 0, of `pages`)."""

    path: str
    sha256: str
    bytes: int
    page: int = 0
    pages: int = 1


@dataclass(frozen=True)
class ModelFacts:
    """A model by name and the SHA-256 of its weights file, and its share 0..1 in the interpolated weights."""

    name: str
    digest: str
    share: float = 1.0


@dataclass(frozen=True)
class Stage:
    """One stage of the work, and what it did, in words and numbers."""

    name: str
    did: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def warning(self) -> str:
        """Its words, where they are to be heeded; else empty."""
        return self.did if self.numbers.get(WARNINGS) else ""


@dataclass(frozen=True)
class Treatment:
    """What was done. `created` is UTC, ISO 8601; `plan` is `plans.to_dict` of the plan.

    `seed` is the seed of all random numbers that were drawn. `machine` says what the arithmetic depends on
    (precision, device, threads, torch ...), since another processor or number of threads may round differently.
    """

    operation: str
    version: str
    created: str
    job: str
    source: SourceFacts
    models: tuple[ModelFacts, ...]
    plan: Mapping[str, Any]
    seed: int
    stages: tuple[Stage, ...]
    digital_source_type: str
    machine: Mapping[str, str] = field(default_factory=dict)
    result: FileFacts | None = None
    evidence: tuple[FileFacts, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """The record as indented JSON in UTF-8; the same record gives the same bytes."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"
        return text.encode("utf-8", "surrogateescape")

    @classmethod
    def from_json(cls, text: str, where: str = "record") -> Treatment:
        """The inverse of `to_json`; raises `PlanError` where the text is no treatment record."""
        try:
            values = json.loads(text)
            if values.pop("format") != FORMAT:
                raise ValueError("of another format")
            known = {item.name for item in fields(cls)}
            values = {key: value for key, value in values.items() if key in known}
            values["source"] = SourceFacts(**values["source"])
            values["models"] = tuple(ModelFacts(**one) for one in values["models"])
            values["stages"] = tuple(Stage(**one) for one in values["stages"])
            values["result"] = FileFacts(**values["result"]) if values.get("result") else None
            values["evidence"] = tuple(FileFacts(**one) for one in values.get("evidence", ()))
            values["notes"] = tuple(values.get("notes", ()))
            return cls(**values)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise PlanError(
                f"{where} is no treatment record ({error}).",
                remedy="name a NAME.treatment.json that Vasari wrote beside a result",
            ) from None


def read_treatment(path: Path) -> Treatment:
    """The record in a file; raises `PlanError` where it is missing or something else."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise PlanError(f"{path} cannot be read: {error}.", remedy="name a NAME.treatment.json") from None
    return Treatment.from_json(text, str(path))


def now() -> str:
    """The time in UTC to the second, as records write it.

    Where SOURCE_DATE_EPOCH is set (seconds since 1970, https://reproducible-builds.org/specs/source-date-epoch/)
    it is the time, so that two runs give the same bytes.
    """
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = float(fixed) if fixed.isdigit() else time.time()
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
