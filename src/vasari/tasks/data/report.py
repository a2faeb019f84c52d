"""What was read, told before training begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

NAMED_AT_MOST = 10


@dataclass(frozen=True)
class DataReport:
    """What a set of pictures holds.

    `broken`: (name, reason) of files that were passed over; `duplicates`: names of pictures with the same pixels
    as kept, a group each; `smallest`, `median`, `largest`: (width, height) of the files, by area; `enlarged`: pictures
    whose short side is below `px`; `labels`: label -> pictures; `left_out`: suffix -> files that are no
    pictures; `excluded`: pictures left out by name; `decoded_bytes` in the cache `cache`.
    """

    sources: tuple[str, ...]
    pictures: int
    grey: int
    px: int
    color: str
    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    enlarged: int
    decoded_bytes: int
    cache: str
    broken: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    excluded: int = 0
    beyond_limit: int = 0
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return asdict(self) | {"labels": dict(self.labels), "left_out": dict(self.left_out)}

    def lines(self) -> list[str]:
        """The report in plain words, a line a fact; warnings at the end."""
        spare = sum(len(group) - 1 for group in self.duplicates)
        sizes = (("smallest", self.smallest), ("median", self.median), ("largest", self.largest))
        lines = [
            f"{_counted(self.pictures, 'picture')} from {', '.join(self.sources)}: "
            f"{self.pictures - self.grey} in color, {self.grey} grey.",
            f"Sizes: {', '.join(f'{word} {width} × {height}' for word, (width, height) in sizes)}.",
            f"Decoded: {self.decoded_bytes / 1e6:.1f} MB in {self.cache}.",
        ]
        if len(self.labels) > 1:
            lines.append(f"Labels: {listed([f'{name} {count}' for name, count in self.labels.items()])}.")
        if self.excluded:
            lines.append(f"Left out by name: {self.excluded}.")
        if self.beyond_limit:
            lines.append(f"Left out by the option limit: {self.beyond_limit}.")
        if self.left_out:
            files = listed([f"{suffix} {count}" for suffix, count in self.left_out.items()])
            lines.append(f"Other files, left out: {files}.")
        if spare:
            groups = listed([" = ".join(group) for group in self.duplicates])
            lines.append(f"Duplicates: {_counted(spare, 'picture')} shown more than once: {groups}.")
        if self.broken:
            names = listed([f"{name} ({reason})" for name, reason in self.broken])
            lines.append(f"Broken, passed over: {len(self.broken)}: {names}.")
        return [*lines, *self.notes, *self.warnings()]

    def warnings(self) -> list[str]:
        """What may spoil training, in plain words."""
        found = []
        if self.pictures == 1:
            found.append("Warning: there is one picture; a model will learn this one by heart.")
        if self.color == "rgb" and self.grey == self.pictures:
            found.append('Warning: all pictures are grey; color = "grey" says so, and no color will be learned.')
        if self.enlarged:
            found.append(
                f"Warning: {self.enlarged} of {self.pictures} pictures have a short side below px={self.px} "
                "and are enlarged."
            )
        return found


def duplicates_of(names: Sequence[str], digests: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The names of pictures with equal digests, a group each, in order."""
    groups: dict[str, list[str]] = {}
    for name, digest in zip(names, digests, strict=True):
        groups.setdefault(digest, []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def label_counts(labels: Sequence[str]) -> dict[str, int]:
    """Label -> number of pictures, in the order of the names."""
    return dict(sorted(Counter(labels).items()))


def _counted(number: int, singular: str) -> str:
    return f"{number} {singular}" if number == 1 else f"{number} {singular}s"


def listed(items: Sequence[str]) -> str:
    """The first ten items, and how many more there are."""
    more = len(items) - NAMED_AT_MOST
    return ", ".join(items[:NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
