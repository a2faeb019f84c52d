"""A set of results beside a set of true pictures: distances between what a network sees in the two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from vasari.foundation.errors import PlanError
from vasari.foundation.execute import Executor
from vasari.tasks.evaluate.class_score import ClassScore
from vasari.tasks.evaluate.gathering import PictureSetFeatures, gathered
from vasari.tasks.evaluate.influence import frechet_by_influence
from vasari.tasks.evaluate.intervals import NONE, jackknife_interval, mean_interval, share_interval
from vasari.tasks.evaluate.kernels import kernel_discrepancy, neighborhood_values
from vasari.tasks.evaluate.moments import GROUPS, frechet
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.outcome import Measured, Score
from vasari.tasks.evaluate.pairs import Advance
from vasari.tasks.evaluate.plan import EvaluatePlan
from vasari.tasks.evaluate.spread_features import spread

BIASED_BELOW = 10  # pictures a feature: fewer, and the Fréchet distance is told to be too high
SIZES_APART = 2.0  # ratio of the median short sides from which sets are told to differ in size


@dataclass(frozen=True)
class Truth:
    """The set that others are compared with."""

    pictures: PictureSetFeatures
    names: frozenset[str]
    comparer: Comparer
    plan: EvaluatePlan
    executor: Executor | None = None

    @classmethod
    def of(
        cls,
        pictures: Mapping[str, Path],
        plan: EvaluatePlan,
        comparer: Comparer,
        advance: Advance,
        executor: Executor | None = None,
    ) -> Truth:
        """Read the set, its features made by the workers of an `executor`; raises `PlanError` for fewer than two."""
        lost = spread(pictures.values(), plan, comparer, executor, advance) if executor is not None else {}
        found = gathered(pictures, plan, comparer, advance, lost=lost)
        _enough(found, "the truth")
        return cls(found, frozenset(pictures), comparer, plan, executor)

    def measure(self, method: str, pictures: Mapping[str, Path], advance: Advance) -> Measured:
        """A set of results beside this one; raises `PlanError` for fewer than two pictures."""
        scorer = ClassScore.of(self.plan.classifier) if self.plan.classifier else self.comparer.class_score()
        lost: dict[Path, str] = {}
        if self.executor is not None:
            lost = spread(pictures.values(), self.plan, self.comparer, self.executor, advance)
        made = gathered(pictures, self.plan, self.comparer, advance, scorer, lost)
        _enough(made, method)
        px = self.comparer.backbone.px if self.comparer.as_published else self.plan.px
        warnings = _warnings(self.pictures, made, px)
        if shared := len(self.names & set(pictures)):
            warnings.append(
                f"{shared} results have the same names as true pictures: where they show the same things the sets are "
                f"not independent, {self.comparer.named('kid')} falls below 0 and intervals do not hold; compare pairs."
            )
        left_out: dict[str, list[list[float]]] = {}
        distances = [self._frechet(made, warnings, left_out), self._kernel(made, left_out)]
        scores = [*distances, *self._neighborhoods(made, warnings)]
        if scorer is not None:
            scores.append(_class_score(scorer, made.count, self.comparer))
        failed = [*made.failed, *((f"truth: {name}", reason) for name, reason in self.pictures.failed)]
        return Measured(method, tuple(scores), (), tuple(failed), tuple(warnings), left_out)

    def _frechet(self, made: PictureSetFeatures, warnings: list[str], kept: dict[str, list[list[float]]]) -> Score:
        name, width = self.comparer.named("fid"), self.comparer.width()
        fewest = min(self.pictures.count, made.count)
        if fewest <= width:
            why = f"not measured: {fewest} pictures are too few for {width} features, whose covariance they cannot tell"
            warnings.append(
                f"{name} is not measured: {fewest} pictures are too few for {width} features; "
                f"{self.comparer.named('kid')} needs no more than are here."
            )
            return Score(name, math.nan, math.nan, math.nan, made.count, why, "lower")
        if fewest < BIASED_BELOW * width:
            warnings.append(
                f"{name} of {fewest} pictures is biased upward ({BIASED_BELOW * width} or more would be better): "
                f"compare it only with one of as many pictures, and trust {self.comparer.named('kid')} more."
            )
        wide = made.wide or self.pictures.wide
        if wide:
            value, left_out = frechet_by_influence(self.pictures.sampled(), made.sampled())
        else:
            value, left_out = frechet(self.pictures.moments, made.moments)
        kept[name] = left_out
        interval = jackknife_interval(value, left_out)
        by = "by the influence of sampled pictures in " if wide else "by leaving out "
        protocol = (
            f"Fréchet distance of all pictures{self.comparer.disclaimed('FID')}; {self._protocol(made)}; interval "
            f"{by}{GROUPS} random groups{'' if wide else ' in turn'}"
        )
        return Score(name, value, max(0.0, interval.low), interval.high, made.count, protocol, "lower")

    def _kernel(self, made: PictureSetFeatures, kept: dict[str, list[list[float]]]) -> Score:
        value, left_out = kernel_discrepancy(self.pictures.features, made.features, self.pictures.groups, made.groups)
        whole = min(map(len, left_out)) == GROUPS  # fewer pictures than groups tell nothing of the chance
        interval = jackknife_interval(value, left_out) if whole else NONE
        name = self.comparer.named("kid")
        if whole:
            kept[name] = left_out
        protocol = (
            f"unbiased squared discrepancy, kernel (x·y/d + 1)³, all pairs of {len(made.features)} and "
            f"{len(self.pictures.features)} pictures{self.comparer.disclaimed('KID')}; {self._protocol(made)}; "
            f"{_jackknife() if whole else f'no interval of fewer than {GROUPS} pictures'}"
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
            metric = self.comparer.named(name)
            scores.append(Score(metric, float(values.mean()), low, high, len(values), protocol, "higher"))
        return scores

    def _protocol(self, made: PictureSetFeatures) -> str:
        comparer, plan = self.comparer, self.plan
        fit = "center square" if plan.fit == "center" else "stretched to a square"
        shown = f"{fit} of {plan.px} px (Lanczos; enlarged: cubic; JPEG decoded reduced)"
        if comparer.as_published:
            shown = f"whole pictures to {comparer.backbone.px} px as TensorFlow resizes (bilinear, nothing averaged)"
        bits = "" if comparer.precision == torch.float32 else " in bfloat16"
        return (
            f"network {comparer.told}{bits}, means of its deepest map, {comparer.width()} features; sRGB 0..1, 8 bit; "
            f"{shown}; n = {made.count} results, {self.pictures.count} true"
        )


def _class_score(scorer: ClassScore, count: int, comparer: Comparer) -> Score:
    value, left_out = scorer.value()
    interval = jackknife_interval(value, left_out)
    own = scorer.recognizer is None
    by = f"the network {comparer.told}" if own else f"the recognizer {scorer.name}"
    disclaimed = comparer.disclaimed("the Inception Score") if own else ", not the Inception Score"
    splits = "one split" if scorer.splits == 1 else f"mean over {scorer.splits} random splits"
    protocol = f"exp(E KL) over the {scorer.classes} classes of {by}, {splits}{disclaimed}; n = {count}; {_jackknife()}"
    name = comparer.named("is") if own else f"is-{scorer.name}"
    return Score(name, value, max(1.0, interval.low), interval.high, count, protocol, "higher")


def _jackknife() -> str:
    return f"interval by leaving out {GROUPS} random groups in turn"


def _enough(found: PictureSetFeatures, called: str) -> None:
    if found.count < 2:
        reasons = "; ".join(f"{name}: {reason.rstrip('.')}" for name, reason in found.failed[:3])
        raise PlanError(
            f"Sets of two pictures or more are compared; of {called} {found.count} could be read"
            f"{f' ({reasons})' if reasons else ''}.",
            remedy="name more pictures, or compare picture by picture with --mode pairs",
        )


def _warnings(real: PictureSetFeatures, made: PictureSetFeatures, px: int) -> list[str]:
    found = []
    shared = len(real.hashes & made.hashes)
    if shared:
        found.append(f"{shared} of {made.count} results are, byte for byte, pictures of the truth.")
    for called, one in (("results", made), ("truth", real)):
        if one.repeats:
            found.append(f"{one.repeats} of {one.count} pictures of the {called} are repeats, byte for byte.")
        if one.enlarged:
            found.append(f"{one.enlarged} of {one.count} pictures of the {called} were enlarged to {px} px.")
    sides = median(made.short_sides), median(real.short_sides)
    if max(sides) > SIZES_APART * min(sides):
        found.append(
            f"The sets differ in size (short sides {sides[0]:.0f} and {sides[1]:.0f} px, medians): part of the "
            "distance is of the resizing."
        )
    if max(made.count, real.count) > 2 * min(made.count, real.count):
        found.append(f"The sets differ in number ({made.count} results, {real.count} true).")
    return found
