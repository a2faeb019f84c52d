"""Axes of a sweep: what is varied, as named values, each of which is one or several settings of a recipe.

[axes]
"train.batch" = [8, 16]                                                    # values of one setting
"train.learning_rate" = {low = 1e-5, high = 1e-2, steps = 4, scale = "log"} # a range
"train.learning_rate" = {times = [0.3, 1.0, 3.0]}                          # multiples of what the rest sets

[axes.loss]                                                                # named values, several settings each
wgan = {"objective.adversarial" = "wgan", "objective.penalty" = "clip"}
wgan-gp = {"objective.adversarial" = "wgan", "objective.penalty" = "wgan-gp"}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vasari.foundation.errors import PlanError

RANGE_KEYS = ("low", "high", "steps", "scale")
SCALES = ("linear", "log")


@dataclass(frozen=True)
class Value:
    """A value of an axis: its label in tables, the settings it lays over the recipe, and those that it multiplies."""

    label: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Range:
    """A range of numbers that a random plan draws from, evenly or evenly in the logarithm."""

    key: str
    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    def at(self, share: float) -> Value:
        """The value so far (0..1) along the range; whole numbers are rounded, others kept to six digits."""
        if self.logarithmic:
            number = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            number = self.low + share * (self.high - self.low)
        number = round(number) if self.whole else float(f"{number:.6g}")
        return Value(f"{number:g}", {self.key: number})


@dataclass(frozen=True)
class Axis:
    """What is varied: `values` for a grid; where there is a `range`, a random plan draws from it instead."""

    name: str
    values: Sequence[Value]
    range: Range | None = None

    def drawn(self, rng: np.random.Generator) -> Value:
        """A random value."""
        if self.range is not None:
            return self.range.at(float(rng.random()))
        return self.values[int(rng.integers(len(self.values)))]

    @property
    def keys(self) -> frozenset[str]:
        """The settings that any of its values lays down."""
        return frozenset(key for value in self.values for key in value.settings)


def read_axes(table: Mapping[str, Any]) -> tuple[Axis, ...]:
    """The axes of a plan's table [axes]; raises `PlanError` for none, an empty one, and two that set the same."""
    if not table:
        raise PlanError("The plan has no axes.", remedy='write [axes] and below it, for one, "train.batch" = [8, 16]')
    axes = tuple(_axis(name, value) for name, value in table.items())
    seen: dict[str, str] = {}
    for axis in axes:
        for key in sorted(axis.keys):
            if key in seen:
                raise PlanError(
                    f"The axes {seen[key]!r} and {axis.name!r} both set {key}.",
                    remedy="leave it to one of them; rates may be multiplied by another: {times = [0.3, 1.0, 3.0]}",
                )
            seen[key] = axis.name
    return axes


def flat(table: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """Settings by dotted name, whether they were written in quotes or as tables."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= flat(value, f"{where}{key}.") if isinstance(value, Mapping) else {f"{where}{key}": value}
    return found


def _axis(name: str, given: Any) -> Axis:
    if isinstance(given, list):
        axis = Axis(name, [Value(_label(one), {name: one}) for one in given])
    elif isinstance(given, Mapping) and ("low" in given or "high" in given):
        return _ranged(name, given)
    elif isinstance(given, Mapping) and set(given) == {"times"}:
        axis = Axis(name, [Value(f"×{one:g}", factors={name: float(one)}) for one in _numbers(name, given["times"])])
    elif isinstance(given, Mapping):
        axis = Axis(name, [_named(name, label, settings) for label, settings in given.items()])
    else:
        raise PlanError(
            f"axes.{name}={given!r} is no axis.", remedy="write a list, a range {low = …, high = …} or named values"
        )
    if not axis.values:
        raise PlanError(f"The axis {name!r} has no values.", remedy="give it two or more, or leave it out")
    labels = [value.label for value in axis.values]
    twice = sorted({one for one in labels if labels.count(one) > 1})
    if twice:
        raise PlanError(f"The axis {name!r} has the value {twice[0]} twice.", remedy="leave one of them out")
    return axis


def _named(axis: str, label: str, settings: Any) -> Value:
    if not isinstance(settings, Mapping) or not settings:
        raise PlanError(
            f"The value {label!r} of the axis {axis!r} is no table of settings.",
            remedy=f'write a setting in quotes ("{axis}.{label}" = [...]), or {label} = {{"train.batch" = 8}}',
        )
    return Value(label, flat(settings))


def _ranged(name: str, given: Mapping[str, Any]) -> Axis:
    unknown = sorted(set(given) - set(RANGE_KEYS))
    if unknown:
        raise PlanError(f"axes.{name}: unknown key {unknown[0]!r}.", remedy=f"use one of: {', '.join(RANGE_KEYS)}")
    low, high = _numbers(name, [given.get("low"), given.get("high")])
    scale, steps = given.get("scale", "linear"), given.get("steps", 3)
    if scale not in SCALES:
        raise PlanError(f"axes.{name}.scale={scale} is not known.", remedy=f"choose from: {', '.join(SCALES)}")
    if not low < high or (scale == "log" and low <= 0):
        raise PlanError(
            f"axes.{name} goes from {low:g} to {high:g}.",
            remedy="give a low end below the high one, and above 0 for scale = 'log'",
        )
    if not isinstance(steps, int) or steps < 2:
        raise PlanError(f"axes.{name}.steps={steps} is no number of values.", remedy="use 2 or more")
    whole = isinstance(given["low"], int) and isinstance(given["high"], int)
    span = Range(name, low, high, scale == "log", whole)
    values = {one.label: one for one in (span.at(index / (steps - 1)) for index in range(steps))}
    return Axis(name, list(values.values()), span)


def _numbers(name: str, given: Any) -> list[float]:
    if not isinstance(given, list) or any(isinstance(one, bool) or not isinstance(one, int | float) for one in given):
        raise PlanError(f"axes.{name}={given!r} holds what is no number.", remedy="give numbers")
    if not all(math.isfinite(one) for one in given):
        raise PlanError(f"axes.{name}={given!r} is not finite.", remedy="give finite numbers")
    return [float(one) for one in given]


def _label(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)
