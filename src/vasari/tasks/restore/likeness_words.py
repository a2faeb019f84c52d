"""What watching faces found, in numbers and words, as records, ledgers and people read it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vasari.foundation.treatment import WARNINGS, Stage

#: The name of the stage, and what it says before anything is measured.
LIKENESS = "likeness"
WATCHED = "faces compared before and after by the bundled encoder"
FACES, MOVED, LOWERED = "faces", "faces_moved", "faces_lowered"
FIRST, LAST, USUAL, LOWEST = "largest_distance_at_first", "largest_distance", "usual_distance", "lowest_vividness"
NUMBERS = (FACES, MOVED, LOWERED, FIRST, LAST, USUAL, LOWEST)


@dataclass(frozen=True)
class Likeness:
    """The faces of a picture: distances at the plan's vividness and at last, and the vividness each was given."""

    usual: float
    vividness: float
    first: tuple[float, ...]
    last: tuple[float, ...]
    levels: tuple[float, ...]

    def to_numbers(self) -> dict[str, float]:
        """As records tell it."""
        return {
            FACES: len(self.last),
            MOVED: sum(one > self.usual for one in self.last),
            LOWERED: sum(one < self.vividness for one in self.levels),
            FIRST: round(max(self.first, default=0.0), 4),
            LAST: round(max(self.last, default=0.0), 4),
            USUAL: self.usual,
            LOWEST: min(self.levels, default=self.vividness),
        }


def stage_of(numbers: Mapping[str, float] | None) -> Stage:
    """The stage as the record tells it; once it is done, with its numbers, of which `WARNINGS` counts what to heed."""
    if numbers is None:
        return Stage(LIKENESS, WATCHED)
    warned = warning_of(numbers)
    found = int(numbers[FACES])
    words = warned or f"{counted(found)} compared before and after; none moved more than is usual" * bool(found)
    own = {name: numbers[name] for name in NUMBERS}
    return Stage(LIKENESS, words or "no face was found", {**own, WARNINGS: float(bool(warned))})


def warning_of(numbers: Mapping[str, float]) -> str:
    """What to heed, in a sentence without its stop; empty where no face moved more than is usual."""
    found, moved, lowered = (int(numbers[name]) for name in (FACES, MOVED, LOWERED))
    parts = []
    if moved:
        parts.append(
            f"{moved} of {counted(found)} may no longer be the same person: distance {numbers[LAST]:.3f} "
            f"(up to {numbers[USUAL]:.3f} is usual)"
        )
    if lowered:
        parts.append(
            f"{lowered} of {counted(found)} restored at less vividness than asked for, down to {numbers[LOWEST]:g}: "
            f"at first the distance was {numbers[FIRST]:.3f} (up to {numbers[USUAL]:.3f} is usual)"
        )
    return "; ".join(parts)


def counted(faces: int) -> str:
    """So many faces."""
    return f"{faces} face" if faces == 1 else f"{faces} faces"
