"""Records that Vasari exported, taken back: JSON-LD with everybody's words, CSV as the word of one catalog."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from vasari.archive.events import note
from vasari.archive.exports.records import MANY, SINGLE
from vasari.archive.exports.table import parted, read_csv
from vasari.archive.ingest.catalogs.importing import LONGEST_KEY
from vasari.archive.statements import Claim, Speaker, cleaned, state_all, works_of
from vasari.archive.store import Archive
from vasari.archive.writer import Writer
from vasari.foundation.errors import ArchiveError, PlanError

_AT_ONCE = 500


@dataclass
class Returned:
    """Works and statements that were read."""

    works: int = 0
    statements: int = 0


@dataclass(frozen=True)
class _Work:
    key: str
    derived: bool
    words: dict[Speaker, list[Claim]] = field(default_factory=dict)


def take_back(archive: Archive, path: str | Path, by: str = "") -> Returned:
    """Read a `.csv` or `.jsonld` file that `archive export` wrote; nothing that others said is changed.

    From JSON-LD each statement comes back with its speaker and confidence; its time is that of the import. From CSV all
    of it is said by the catalog `by`, by default the file's name. Pictures are not in these files: add them. Taken
    in steps of 500 works: broken off, the same command ends it. Raises `PlanError`, `ArchiveError`.
    """
    path = Path(path).expanduser()
    reader = {".csv": _from_csv, ".jsonld": _from_json_ld}.get(path.suffix.lower())
    if reader is None:
        raise PlanError(f"{path.name} is neither .csv nor .jsonld.", remedy="catalogs of others: vasari archive add")
    done = Returned()
    try:
        works = reader(path, by or path.stem)
        while chunk := list(islice(works, _AT_ONCE)):
            with archive.writing() as writer:
                _keep(writer, chunk, done)
        with archive.writing() as writer:
            note(writer, "metadata import", "archive", detail={"file": path.name, "works": done.works})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchiveError(
            f"{path} cannot be read: {error}.", remedy="name a file that archive export wrote"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArchiveError(
            f"{path} is no export of an archive: {error!r}.", remedy="name a file that archive export wrote"
        ) from error
    return done


def _keep(writer: Writer, chunk: list[_Work], done: Returned) -> None:
    ids: dict[str, int] = {}
    for derived in (False, True):
        ids |= works_of(writer, [one.key for one in chunk if one.derived is derived], derived=derived)
    words: dict[Speaker, dict[int, list[Claim]]] = {}
    for one in chunk:
        for speaker, claims in one.words.items():
            words.setdefault(speaker, {})[ids[one.key]] = claims
            done.statements += len(claims)
    state_all(writer, words)
    done.works += len(chunk)


def _from_csv(path: Path, by: str) -> Iterator[_Work]:
    speaker = Speaker("catalog", by)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in read_csv(file):
            claims = [Claim(name, row[name]) for name in SINGLE if row[name]]
            claims += [Claim(name, value) for name in MANY for value in parted(row[name])]
            yield _Work(row["key"], row["derived"] == "yes", {speaker: claims} if claims else {})


def _from_json_ld(path: Path, _: str) -> Iterator[_Work]:
    with path.open(encoding="utf-8") as file:
        head = file.readline()
        if not head.rstrip().endswith('"works": ['):  # written anew by another program: read it whole
            file.seek(0)
            yield from map(_work, json.load(file)["works"])
            return
        for line in file:
            if line.startswith("]"):
                return
            yield _work(json.loads(line.rstrip().rstrip(",")))
    raise ValueError("it is cut short")


def _work(one: Mapping[str, Any]) -> _Work:
    words: dict[Speaker, list[Claim]] = {}
    for said in one["statements"]:
        claim = Claim(said["field"], said["value"], float(said["confidence"]))
        words.setdefault(Speaker(said["kind"], said["by"]), []).append(claim)
    if not isinstance(one["identifier"], str) or not 0 < len(one["identifier"]) <= LONGEST_KEY:
        raise ValueError(f"an identifier is no text of 1 to {LONGEST_KEY} characters")
    return _Work(cleaned(one["identifier"]), bool(one["derived"]), words)
