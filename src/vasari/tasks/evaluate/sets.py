"""A set of results beside a set of true pictures: distances between what a network sees in the two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from vasari.foundation.errors import PlanError
from vasari.tasks.evaluate.class_score import ClassScore
from vasari.tasks.evaluate.gathering import PictureSetFeatures, gathered
from vasari.tasks.evaluate.intervals import NONE, jackknife_interval, mean_interval, share_interval
from vasari.tasks.evaluate.kernels import kernel_discrepancy, neighborhood_values
from vasari.tasks.evaluate.moments import GROUPS, frechet
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.outcome import Measured, Score
from vasari.tasks.evaluate.pairs import Advance
from vasari.tasks.evaluate.plan import EvaluatePlan

BIASED_BELOW = 10  # pictures a feature: fewer, and the Fréchet distance is told to be too high
SIZES_APART = 2.0  # ratio of the median short sides from which sets are told to differ in size


@dataclass(frozen=True)
class Truth:
    """The set that others are compared with."""

    pictures: PictureSetFeatures
    names: frozenset[str]
    comparer: Comparer
    plan: EvaluatePlan

    @classmethod
    def of(cls, pictures: Mapping[str, Path], plan: EvaluatePlan, comparer: Comparer, advance: Advance) -> Truth:
        """Read the set; raises `PlanError` for fewer than two pictures."""
        found = gathered(pictures, plan, comparer, advance)
        _enough(found, "the truth")
        return cls(found, frozenset(pictures), comparer, plan)

    def measure(self, method: str, pictures: Mapping[str, Path], advance: Advance) -> Measured:
        """A set of results beside this one; raises `PlanError` for fewer than two pictures."""
        scorer = ClassScore.of(self.plan.classifier) if self.plan.classifier else None
        made = gathered(pictures, self.plan, self.comparer, advance, scorer)
        _enough(made, method)
        warnings = _warnings(self.pictures, made, self.plan)
        if shared := len(self.names & set(pictures)):
            warnings.append(
                f"{shared} results have the same names as true pictures: where they show the same things the sets are "
                f"not independent, kid-{self.comparer.label} falls below 0 and intervals do not hold; compare pairs."
            )
        left_out: dict[str, list[list[float]]] = {}
        distances = [self._frechet(made, warnings, left_out), self._kernel(made, left_out)]
        scores = [*distances, *self._neighborhoods(made, warnings)]
        if scorer is not None:
            scores.append(_class_score(scorer, made.count))
        failed = [*made.failed, *((f"truth: {name}", reason) for name, reason in self.pictures.failed)]
        return Measured(method, tuple(scores), (), tuple(failed), tuple(warnings), left_out)

    def _frechet(self, made: PictureSetFeatures, warnings: list[str], kept: dict[str, list[list[float]]]) -> Score:
        name, width = f"fid-{self.comparer.label}", self.comparer.width()
        fewest = min(self.pictures.count, made.count)
        if fewest <= width:
            why = f"not measured: {fewest} pictures are too few for {width} features, whose covariance they cannot tell"
            warnings.append(
                f"{name} is not measured: {fewest} pictures are too few for {width} features; "
                f"kid-{self.comparer.label} needs no more than are here."
            )
            return Score(name, math.nan, math.nan, math.nan, made.count, why, "lower")
        if fewest < BIASED_BELOW * width:
            warnings.append(
                f"{name} of {fewest} pictures is biased upward ({BIASED_BELOW * width} or more would be better): "
                f"compare it only with one of as many pictures, and trust kid-{self.comparer.label} more."
            )
        value, left_out = frechet(self.pictures.moments, made.moments)
        kept[name] = left_out
        interval = jackknife_interval(value, left_out)
        protocol = f"Fréchet distance of all pictures, not FID; {self._protocol(made)}; {_jackknife()}"
        return Score(name, value, max(0.0, interval.low), interval.high, made.count, protocol, "lower")

    def _kernel(self, made: PictureSetFeatures, kept: dict[str, list[list[float]]]) -> Score:
        value, left_out = kernel_discrepancy(self.pictures.features, made.features, self.pictures.groups, made.groups)
        whole = min(map(len, left_out)) == GROUPS  # fewer pictures than groups tell nothing of the chance
        interval = jackknife_interval(value, left_out) if whole else NONE
        name = f"kid-{self.comparer.label}"
        if whole:
            kept[name] = left_out
        protocol = (
            f"unbiased squared discrepancy, kernel (x·y/d + 1)³, all pairs of {len(made.features)} and "
            f"{len(self.pictures.features)} pictures, not KID; {self._protocol(made)}; {_jackknife()}"
        )
        return Score(name, value, interval.low, interval.high, len(made.features), protocol, "lower")

    def _neighborhoods(self, made: PictureSetFeatures, warnings: list[str]) -> list[Score]:
        fewest = min(len(self.pictures.features), len(made.features))
        neighbors = min(self.plan.neighbors, fewest - 1)
        if neighbors < self.plan.neighbors:
            warnings.append(f"{fewest} pictures have no {self.plan.neighbors} neighbors each: k = {neighbors}.")
        found = neighborhood_values(self.pictures.features, made.features, neighbors)
        protocol = (
            f"k = {neighbors}, {len(made.features)} and {len(self.pictures.features)} pictures, on which it depends; "
            f"{self._protocol(made)}; interval given the other set"
        )
        scores = []
        for name in ("precision", "recall", "density", "coverage"):
            values = getattr(found, name)
            if name == "density":
                interval = mean_interval(values, self.plan.draws, self.plan.seed)
            else:
                interval = share_interval(int(values.sum()), len(values))
            low, high = max(0.0, interval.low), interval.high
            metric = f"{name}-{self.comparer.label}"
            scores.append(Score(metric, float(values.mean()), low, high, len(values), protocol, "higher"))
        return scores

    def _protocol(self, made: PictureSetFeatures) -> str:
        where = "center square" if self.plan.fit == "center" else "stretched to a square"
        return (
            f"network {self.comparer.told}, means of its deepest map, {self.comparer.width()} features; sRGB 0..1, 8 "
            f"bit; {where} of {self.plan.px} px (Lanczos; enlarged: cubic; JPEG decoded reduced); n = {made.count} "
            f"results, {self.pictures.count} true"
        )


def _class_score(scorer: ClassScore, count: int) -> Score:
    value, left_out = scorer.value()
    interval = jackknife_interval(value, left_out)
    protocol = (
        f"exp(E KL) over the {len(scorer.recognizer.classes)} classes of the recognizer {scorer.name}, one split, not "
        f"the Inception Score; n = {count}; {_jackknife()}"
    )
    return Score(f"is-{scorer.name}", value, max(1.0, interval.low), interval.high, count, protocol, "higher")


def _jackknife() -> str:
    return f"interval by leaving out {GROUPS} random groups in turn"


def _enough(found: PictureSetFeatures, called: str) -> None:
    if found.count < 2:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.failed[:3])
        raise PlanError(
            f"Sets of two pictures or more are compared; of {called} {found.count} could be read"
            f"{f' ({reasons})' if reasons else ''}.",
            remedy="name more pictures, or compare picture by picture with --mode pairs",
        )


def _warnings(real: PictureSetFeatures, made: PictureSetFeatures, plan: EvaluatePlan) -> list[str]:
    found = []
    shared = len(real.hashes & made.hashes)
    if shared:
        found.append(f"{shared} of {made.count} results are, byte for byte, pictures of the truth.")
    for called, one in (("results", made), ("truth", real)):
        if one.repeats:
            found.append(f"{one.repeats} of {one.count} pictures of the {called} are repeats, byte for byte.")
        if one.enlarged:
            found.append(f"{one.enlarged} of {one.count} pictures of the {called} were enlarged to {plan.px} px.")
    sides = median(made.short_sides), median(real.short_sides)
    if max(sides) > SIZES_APART * min(sides):
        found.append(
            f"The sets differ in size (short sides {sides[0]:.0f} and {sides[1]:.0f} px, medians): part of the "
            "distance is of the resizing."
        )
    if max(made.count, real.count) > 2 * min(made.count, real.count):
        found.append(f"The sets differ in number ({made.count} results, {real.count} true).")
    return found
