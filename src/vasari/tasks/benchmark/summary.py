"""Rows to numbers: means by group with intervals over photographs, gains over what was given, tests against peers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vasari.tasks.benchmark.methods import GIVEN
from vasari.tasks.benchmark.running import Row
from vasari.tasks.evaluate.intervals import Comparison, compared, holm, mean_interval

ALL = ("all", "all")
GAIN = " gain"
Group = tuple[str, str]  # what pictures are grouped by, and its value


@dataclass(frozen=True)
class Estimate:
    """A mean of one method in one group: over `photos` photographs, each the mean of its cases; `cases` in all."""

    method: str
    group: Group
    metric: str
    value: float
    low: float
    high: float
    photos: int
    cases: int


def groups_of(rows: Sequence[Row]) -> list[Group]:
    """Every group that cases belong to, in the order in which they came, and all of them together."""
    keys = list(dict.fromkeys(key for row in rows for key in row.groups))
    return [
        *((key, value) for key in keys for value in dict.fromkeys(r.groups[key] for r in rows if key in r.groups)),
        ALL,
    ]


def estimates(
    rows: Sequence[Row], metrics: Sequence[str], groups: Sequence[Group], draws: int, seed: int
) -> list[Estimate]:
    """Means of every method, metric and group, and gains "METRIC gain" over what was given where it was scored.

    The unit of an interval is the photograph: its cases are not independent of each other.
    """
    before = {row.case: row.scores for row in rows if row.method == GIVEN and row.scores}
    found = []
    for method in dict.fromkeys(row.method for row in rows):
        mine = [row for row in rows if row.method == method and row.scores]
        for group in groups:
            inside = [row for row in mine if _within(row, group)]
            for metric in metrics:
                values = [(row.photo, row.scores[metric]) for row in inside if row.scores]
                found.append(_estimate(method, group, metric, values, draws, seed))
                if before and method != GIVEN:
                    gains = [
                        (row.photo, row.scores[metric] - before[row.case][metric])
                        for row in inside
                        if row.scores and row.case in before
                    ]
                    found.append(_estimate(method, group, metric + GAIN, gains, draws, seed))
    return found


def worse_share(rows: Sequence[Row], method: str, group: Group, metric: str) -> float:
    """The share 0..1 of a method's cases that came out below what was given; nan without any."""
    before = {row.case: row.scores for row in rows if row.method == GIVEN and row.scores}
    pairs = [
        row.scores[metric] < before[row.case][metric]
        for row in rows
        if row.method == method and row.scores and row.case in before and _within(row, group)
    ]
    return float(np.mean(pairs)) if pairs else math.nan


def differences(
    rows: Sequence[Row], first: str, metrics: Sequence[str], draws: int, seed: int
) -> list[tuple[str, Comparison]]:
    """The first method less every other (but what was given), over photographs that both have in the same cases.

    Two-sided by flipping signs; `adjusted` is Holm's over all metrics and all methods together.
    """
    by_method = {
        name: {row.case: row for row in rows if row.method == name and row.scores}
        for name in dict.fromkeys(row.method for row in rows)
    }
    found: list[tuple[str, Comparison]] = []
    for name, theirs in by_method.items():
        if name in (first, GIVEN) or first not in by_method:
            continue
        shared = [case for case in by_method[first] if case in theirs]
        sides = [{m: _by_photo([(one[c].photo, _score(one[c], m)) for c in shared]) for m in metrics}
                 for one in (by_method[first], theirs)]  # fmt: skip
        found += [(name, one) for one in compared(sides[0], sides[1], draws, seed)] if shared else []
    corrected = holm([one.p for _, one in found])
    return [(name, replace(one, adjusted=p)) for (name, one), p in zip(found, corrected, strict=True)]


def find(found: Sequence[Estimate], method: str, group: Group, metric: str) -> Estimate:
    """The estimate of a method, group and metric; one of nan where there is none."""
    for one in found:
        if (one.method, one.group, one.metric) == (method, group, metric):
            return one
    return Estimate(method, group, metric, math.nan, math.nan, math.nan, 0, 0)


def _estimate(
    method: str, group: Group, metric: str, values: Sequence[tuple[str, float]], draws: int, seed: int
) -> Estimate:
    values = [(photo, value) for photo, value in values if math.isfinite(value)]
    means = _by_photo(values)
    if not means:
        return Estimate(method, group, metric, math.nan, math.nan, math.nan, 0, 0)
    interval = mean_interval(means, draws, seed)
    return Estimate(method, group, metric, float(np.mean(means)), interval.low, interval.high, len(means), len(values))


def _by_photo(values: Sequence[tuple[str, float]]) -> list[float]:
    """The mean of each photograph, in the order in which they came."""
    found: dict[str, list[float]] = {}
    for photo, value in values:
        found.setdefault(photo, []).append(value)
    return [float(np.mean(one)) for one in found.values()]


def _within(row: Row, group: Group) -> bool:
    return group == ALL or row.groups.get(group[0]) == group[1]


def _score(row: Row, metric: str) -> float:
    scores: Mapping[str, float] = row.scores or {}
    return scores.get(metric, math.nan)
