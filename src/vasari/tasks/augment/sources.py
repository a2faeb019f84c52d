"""The pictures of a labeled set, and the places of their copies. Imports no torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vasari.foundation import batches
from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.ledgers import Stamp
from vasari.tasks.augment import manifest
from vasari.tasks.augment.plan import AugmentPlan
from vasari.tasks.data.entries import Entry, FileReader
from vasari.tasks.data.sources import KINDS, list_source, names_of

SUFFIXES = {"jpeg": ".jpg", "png": ".png"}
LONGEST_FOLDER_NAME = 80


@dataclass(frozen=True)
class Source:
    """A picture of the set: `identity` names it in the ledger, `path` is its file where it has one of its own."""

    entry: Entry
    identity: str
    path: Path | None

    @property
    def folder(self) -> str:
        """The label as a folder's name: whatever else a label holds, it never leads out of the output."""
        name = re.sub(r"[^\w ,()+@.-]+", "_", self.entry.label).strip(" .")
        return name[:LONGEST_FOLDER_NAME] or "unlabeled"

    @property
    def relative(self) -> PurePosixPath:
        """LABEL/NAME: where it would stand by itself."""
        return PurePosixPath(self.folder) / PurePosixPath(self.entry.place).name

    def matches(self, stamp: Stamp) -> bool:
        """True where its bytes are still those of `stamp`."""
        if self.path is not None:
            return stamp.matches(self.path)
        try:
            return hashlib.sha256(self.entry.read()).hexdigest() == stamp.sha256
        except Exception:
            return False  # whatever it is, the work on it will tell

    def read(self) -> tuple[bytes, Stamp]:
        """Its bytes and their stamp; raises whatever reading raises."""
        data = self.entry.read()
        changed = self.path.stat().st_mtime_ns if self.path is not None else 0
        return data, Stamp(hashlib.sha256(data).hexdigest(), len(data), changed)


def list_sources(dataset: str | Path, output: Path, results: set[Path]) -> list[Source]:
    """The pictures of a set, in its order, results of earlier runs left out.

    Raises `PlanError` where there is no such set, or the output would stand in its place; `TrainingError` where
    it holds no picture.
    """
    place = Path(dataset).expanduser().resolve()
    if place in (output, output / manifest.NAME):
        raise PlanError(
            f"{dataset} is both the set and the place of the results.", remedy="choose another folder with -o"
        )
    inside = place in output.parents
    found = [_source(one) for one in list_source(dataset, names_of([dataset])[0], "").entries]
    kept = [one for one in found if not (one.path in results or (inside and one.path and output in one.path.parents))]
    if not kept:
        raise TrainingError(f"No picture was found in {dataset}.", remedy=f"name {KINDS}")
    return _once(kept)


def _once(sources: Sequence[Source]) -> list[Source]:
    """Each picture once; raises `PlanError` where one has two labels."""
    found: dict[str, Source] = {}
    for one in sources:
        other = found.setdefault(one.identity, one)
        if other.entry.label != one.entry.label:
            raise PlanError(
                f"{one.identity} has two labels, {other.entry.label!r} and {one.entry.label!r}.",
                remedy="give each picture one label",
            )
    return list(found.values())


def _source(entry: Entry) -> Source:
    if isinstance(entry.read, FileReader):
        # The name as given, the folder resolved: a link to a picture keeps the link's name.
        path = entry.read.path.parent.resolve() / entry.read.path.name
        return Source(entry, str(path), path)
    return Source(entry, entry.name, None)


def places(sources: Sequence[Source], claims: Mapping[Path, str], plan: AugmentPlan) -> dict[str, dict[int, str]]:
    """For each identity the place of each copy below the output folder; 0 is the picture itself, where it is kept.

    LABEL/NAME--aug-001.jpg; names are told apart as `batches.name_results` does. Raises `PlanError` where two
    results would still have one name.
    """
    named = [batches.Source(Path(one.identity), one.relative) for one in sources]
    folders = {Path(one.identity): one.folder for one in sources}
    kept = {path: stem for path, stem in claims.items() if PurePosixPath(stem).parts[0] == folders.get(path)}
    stems = batches.name_results(named, kept)
    found: dict[str, dict[int, str]] = {}
    for one, source in zip(sources, named):
        stem = stems[source.path]
        copies = {number: f"{stem}--aug-{number:03d}{SUFFIXES[plan.format]}" for number in range(1, plan.copies + 1)}
        found[one.identity] = {0: f"{stem}{source.relative.suffix}", **copies} if plan.keep_original else copies
    owners: dict[str, str] = {}
    for identity, mine in found.items():
        for place in mine.values():
            other = owners.setdefault(place.lower(), identity)
            if other != identity:
                raise PlanError(
                    f"{other} and {identity} would both have the result {place}.", remedy="rename one of the two"
                )
    return found
