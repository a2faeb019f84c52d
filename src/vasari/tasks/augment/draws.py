"""What is done to one copy of one picture, drawn from the seed, the picture and the copy's number alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from vasari.tasks.augment.plan import AugmentPlan


@dataclass(frozen=True)
class Draw:
    """One copy: the flips, then a style (`operation` "translate" or "age" by the model or era `name`, "" for none).

    `strength` 0..1 is that of a translation, `severity` 1..3 that of an aging, `seed` that of its defects.
    """

    seed: int
    flips: tuple[str, ...]
    style: str = ""
    name: str = ""
    strength: float = 1.0
    severity: int = 1

    @property
    def operation(self) -> str:
        """In a word or two: "flip", "age", "flip+translate"."""
        return "+".join((*(("flip",) if self.flips else ()), *((self.style,) if self.style else ()))) or "none"

    @property
    def parameters(self) -> dict[str, Any]:
        """What was drawn, as plain values."""
        values: dict[str, Any] = {"flips": list(self.flips)} if self.flips else {}
        if self.style == "translate":
            values["strength"] = self.strength
        if self.style == "age":
            values |= {"era": self.name, "severity": self.severity}
        return values


def draw(plan: AugmentPlan, content: str, copy: int) -> Draw:
    """What becomes of copy `copy` (from 1) of the picture that `content` (its SHA-256, or a name) stands for."""
    seed = _number(plan.seed, content, copy)
    rng = np.random.default_rng(seed)
    # All is drawn in one order, whatever the plan needs of it: an option more leaves the other draws alone.
    chances, share, which = rng.random(2), rng.random(), rng.random()
    ways = plan.styles or plan.flip_sets
    order = np.random.default_rng(_number(plan.seed, content, 0)).permutation(len(ways))
    place = int(order[(copy - 1) % len(ways)])
    if not plan.styles:
        return Draw(seed, plan.flip_sets[place])
    style, name = plan.styles[place]
    flips = tuple(one for one, chance in zip(plan.flips, chances) if chance < 0.5)
    least = plan.strength if plan.least_strength is None else plan.least_strength
    strength = round(least + share * (plan.strength - least), 3)
    severity = plan.severities[int(which * len(plan.severities))] if plan.severities else 1
    return Draw(seed, flips, style, name, strength, severity)


def _number(seed: int, content: str, copy: int) -> int:
    """32 bits, different for every seed, picture and copy."""
    text = f"{seed}|{content}|{copy}"
    return int(hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8], 16)
