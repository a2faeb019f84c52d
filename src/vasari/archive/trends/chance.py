"""What change points chance alone would find: shuffled careers, and noise that remembers the year before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vasari.archive.trends.careers import Careers
from vasari.archive.trends.partition import best_cuts, marks_of, noise_of, strongest
from vasari.archive.trends.plan import TrendPlan

BATCH = 100  # shuffles weighed at once
ENOUGH = 10  # shuffles as strong as the archive, after which p is known well enough
STRONGEST_MEMORY = 0.95  # of the autoregression


@dataclass(frozen=True, eq=False)
class Judge:
    """The rules by which the archive and its shuffles alike are divided and weighed.

    `cap` bounds the weight of a bin, so that a few crowded years do not outvote all others where whole years
    have something in common; `usable` bins lie in periods with enough artists.
    """

    usable: np.ndarray
    cap: float
    least_bins: int
    penalty: float

    @classmethod
    def of(cls, careers: Careers, plan: TrendPlan) -> Judge:
        """For one feature."""
        weights, _ = careers.series()
        held = weights[careers.usable & (weights > 0)]
        least = max(1, -(-plan.min_segment_years // careers.bin_years))
        return cls(careers.usable, float(np.median(held)) if len(held) else 0.0, least, plan.penalty)

    def damped(self, weights: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights bounded by the cap and nothing in unusable bins; totals to match. All [..., bins]."""
        kept = np.where(self.usable, np.minimum(weights, self.cap), 0.0)
        means = np.divide(totals, weights, out=np.zeros_like(totals), where=weights > 0)
        return kept, kept * means

    def divided(self, weights: np.ndarray, totals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`best_cuts` and noise of damped series [series, bins]."""
        noise = noise_of(weights, totals, self.least_bins)
        penalty = self.penalty * noise * np.log(max(int(self.usable.sum()), 2))
        return best_cuts(weights, totals, penalty, self.least_bins), noise

    def strength(self, weights: np.ndarray, totals: np.ndarray) -> np.ndarray:
        """The strongest cut of each raw series [series, bins], in units of its noise."""
        kept, summed = self.damped(weights, totals)
        before, noise = self.divided(kept, summed)
        return strongest(kept, summed, before, noise)


def probability(strength: float, draw: Callable[[int], np.ndarray], most: int) -> float:
    """How often chance is as strong: drawn in batches until `ENOUGH` were, or `most` were drawn.

    `draw(count)` gives the strengths of so many series made by chance. The archive itself counts as one of
    them, so that p is never 0. Source: Besag and Clifford, "Sequential Monte Carlo p-values", 1991.
    """
    drawn, reached = 0, 0
    while drawn < most and reached < ENOUGH:
        strengths = draw(min(BATCH, most - drawn))
        drawn += len(strengths)
        reached += int((strengths >= strength * (1 - 1e-9)).sum())
    return (reached + 1) / (drawn + 1)


def shuffled_strengths(careers: Careers, judge: Judge, rng: np.random.Generator) -> Callable[[int], np.ndarray]:
    """Strengths of archives in which whole careers have changed places."""
    return lambda count: judge.strength(*careers.shuffled(rng, count))


def remembering_strengths(
    weights: np.ndarray, totals: np.ndarray, judge: Judge, rng: np.random.Generator
) -> Callable[[int], np.ndarray]:
    """Strengths of series without change whose bins resemble their neighbors as much as the archive's do.

    An autoregression of order 1, with the correlation of the residuals of the division and that
    correlation's bias made good, stands for what whole years have in common beyond the artists (a
    fashion, a jury, a purchase), which shuffled careers do not know. Damped weights and totals [bins].
    """
    memory = _memory(weights, totals, judge)
    scale = np.divide(1.0, np.sqrt(weights), out=np.zeros_like(weights), where=weights > 0)

    def draw(count: int) -> np.ndarray:
        noise = rng.standard_normal((count, len(weights)))
        for place in range(1, len(weights)):
            noise[:, place] = memory * noise[:, place - 1] + np.sqrt(1 - memory**2) * noise[:, place]
        held = np.broadcast_to(weights, noise.shape)
        summed = noise * scale * weights
        before, spread = judge.divided(held, summed)
        return strongest(held, summed, before, spread)

    return draw


def _memory(weights: np.ndarray, totals: np.ndarray, judge: Judge) -> float:
    """Correlation of neighboring residuals around the levels of the best division.

    Fitting a level to every segment draws the estimate down by about (1 + 3 r) / n each (Kendall 1954), which is
    added again.
    """
    before, _ = judge.divided(weights[None], totals[None])
    segment = np.cumsum(marks_of(before)[0])
    count = int(segment[-1]) + 1
    held, summed = np.bincount(segment, weights, count), np.bincount(segment, totals, count)
    levels = np.divide(summed, held, out=np.zeros(count), where=held > 0)
    means = np.divide(totals, weights, out=np.zeros_like(totals), where=weights > 0)
    residuals = np.sqrt(weights) * (means - levels[segment])
    pairs = (weights[1:] > 0) & (weights[:-1] > 0)
    squares = (residuals[weights > 0] ** 2).mean() if (weights > 0).any() else 0.0
    if not pairs.any() or squares == 0:
        return 0.0
    found = float((residuals[1:] * residuals[:-1])[pairs].mean() / squares)
    corrected = found + (1 + 3 * found) * count / int((weights > 0).sum())
    return float(np.clip(corrected, 0.0, STRONGEST_MEMORY))
