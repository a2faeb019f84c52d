"""What an evaluation found: numbers with their intervals and protocols, plain values for every report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vasari.tasks.evaluate.intervals import Comparison


@dataclass(frozen=True)
class Score:
    """A number of one method: `value` with its interval of 95 % (nan: none), from `n` pictures, by `protocol`.

    `better` is "higher", "lower" or "" where neither is; `value` is nan where it could not be measured, and then
    `protocol` says why.
    """

    metric: str
    value: float
    low: float
    high: float
    n: int
    protocol: str
    better: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Measured:
    """One method: its scores, the rows of single pictures (name, then values by metric), and what failed and why.

    `left_out`: distances of sets by metric, with each group of the truth, then of the method's pictures left out.
    """

    method: str
    scores: tuple[Score, ...]
    pictures: tuple[tuple[str, dict[str, float]], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, list[list[float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Everything of one run: its kind (pairs, sets, alone), the methods, and tests of the first against others."""

    kind: str
    against: str
    methods: tuple[Measured, ...]
    comparisons: tuple[tuple[str, tuple[Comparison, ...]], ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        """How many pictures of all methods could not be scored."""
        return sum(len(one.failed) for one in self.methods)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not finite becomes null, and infinity the text "inf"."""
        return plain(
            {
                "kind": self.kind,
                "against": self.against,
                "facts": self.facts,
                "methods": [
                    {
                        "method": one.method,
                        "scores": [asdict(score) for score in one.scores],
                        "warnings": list(one.warnings),
                        "failed": [{"name": name, "reason": reason} for name, reason in one.failed],
                        "pictures": [{"name": name, **values} for name, values in one.pictures],
                    }
                    for one in self.methods
                ],
                "comparisons": [
                    {"versus": name, "tests": [asdict(test) for test in tests]} for name, tests in self.comparisons
                ],
            }
        )


def plain(value: Any) -> Any:
    """Numbers that JSON does not know as null, or "inf" and "-inf"."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("inf" if value > 0 else "-inf")
    return value


def columns(pictures: Sequence[tuple[str, dict[str, float]]]) -> list[str]:
    """The metrics that rows of pictures hold, in their order."""
    return list(dict.fromkeys(name for _, values in pictures for name in values))
