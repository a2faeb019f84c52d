"""Time that a film leaves out: where pieces of the file are lost, frames are missing and nothing else tells."""

from __future__ import annotations

from fractions import Fraction

#: A step between two frames counts as regular when it is off the film's own by at most this share of it.
_REGULAR = 0.25
#: From this many times the film's own step on, frames are missing between two.
_GAP = 1.75
#: Among all steps at least so many must be regular; other films have no rate to speak of (recorded screens, phones).
_STEADY = 0.9


class Gaps:
    """Counts the steps between frames of a film whose own is `step`, in its units of time; None where it has none."""

    def __init__(self, step: Fraction | None) -> None:
        self.step = step
        self.steps, self.regular, self.missing = 0, 0, 0
        self.first: int | None = None

    def see(self, before: int, duration: int, pts: int) -> None:
        """The time stamps of two frames, one after the other, and how long the first is to be shown; 0: not told."""
        if self.step is None:
            return
        frames = float((pts - before) / self.step)
        self.steps += 1
        self.regular += abs(frames - 1) <= _REGULAR
        held = duration >= (1 - _REGULAR) * (pts - before)  # as a slide is, and nothing is missing
        if frames >= _GAP and not held:
            self.missing += round(frames) - 1
            self.first = before if self.first is None else self.first

    def told(self, time_base: Fraction) -> list[str]:
        """One sentence where a steady film has gaps, none otherwise."""
        if self.first is None or self.regular < _STEADY * self.steps:
            return []
        return [f"{self.missing} frames are missing in between, the first after {float(self.first * time_base):.2f} s."]
