"""The best division of series into levels, for many series at once: PELT's optimum by plain dynamic programming.

PELT (Killick, Fearnhead and Eckley, "Optimal detection of changepoints with a linear computational cost", JASA
2012) prunes optimal partitioning (Jackson et al. 2005) without changing its result. Pruning differs from
series to series; over a thousand shuffled archives side by side the unpruned recursion is faster in NumPy.
"""

from __future__ import annotations

import numpy as np


def best_cuts(weights: np.ndarray, totals: np.ndarray, penalty: np.ndarray, least_bins: int) -> np.ndarray:
    """Where each series changes its level: int64 [series, bins + 1], the cut before each bin's best last segment.

    `weights` and `totals` (weights times values) are [series, bins]; `penalty` [series] is what a cut
    costs. Minimizes sum of weighted squared residuals + penalty * cuts over all divisions into segments of at least
    `least_bins` bins (equation 1 of the paper, squared error). Follow a row from its last entry to 0: see `cuts_of`.
    """
    series, bins = weights.shape
    held = np.concatenate([np.zeros((series, 1)), np.cumsum(weights, 1)], 1)
    summed = np.concatenate([np.zeros((series, 1)), np.cumsum(totals, 1)], 1)
    cost = np.full((series, bins + 1), np.inf)
    cost[:, 0] = -penalty
    before = np.zeros((series, bins + 1), dtype=np.int64)
    rows = np.arange(series)
    for end in range(least_bins, bins + 1):
        begins = np.r_[0, np.arange(least_bins, end - least_bins + 1)]
        # The sum of squares is the same for all divisions, and so left out: - T^2 / W is what a segment costs.
        weight = held[:, end, None] - held[:, begins]
        total = summed[:, end, None] - summed[:, begins]
        gain = np.divide(total**2, weight, out=np.zeros_like(total), where=weight > 0)
        candidates = cost[:, begins] - gain
        best = candidates.argmin(1)
        cost[:, end] = candidates[rows, best] + penalty
        before[:, end] = begins[best]
    return before


def cuts_of(before: np.ndarray) -> list[int]:
    """The cuts of one row of `best_cuts`, rising; a cut at b lies between bins b - 1 and b."""
    cuts: list[int] = []
    place = int(before[-1])
    while place > 0:
        cuts.append(place)
        place = int(before[place])
    return cuts[::-1]


def marks_of(before: np.ndarray) -> np.ndarray:
    """The cuts of all rows as marks: bool [series, bins], true where a new level begins."""
    series, ends = before.shape
    marks = np.zeros((series, ends), dtype=bool)
    rows = np.arange(series)
    place = before[:, -1]
    while place.any():
        marks[rows, place] = True
        place = before[rows, place]
    marks[:, 0] = False
    return marks[:, :-1]


def step_size(weights: np.ndarray, totals: np.ndarray, begin: int, cut: int, end: int) -> tuple[float, float]:
    """Mean after less mean before a cut of one series [bins], and the squared error that the cut saves."""
    left, right = weights[begin:cut].sum(), weights[cut:end].sum()
    if left <= 0 or right <= 0:
        return 0.0, 0.0
    step = float(totals[cut:end].sum() / right - totals[begin:cut].sum() / left)
    return step, float(left * right / (left + right)) * step**2


def strongest(weights: np.ndarray, totals: np.ndarray, before: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The largest saving of any cut of each series in units of its `noise` [series]; 0 where there is no cut.

    A cut's saving is measured between the cuts beside it, as `step_size` does.
    """
    series = len(weights)
    held = np.concatenate([np.zeros((series, 1)), np.cumsum(weights, 1)], 1)
    summed = np.concatenate([np.zeros((series, 1)), np.cumsum(totals, 1)], 1)
    rows = np.arange(series)
    end = np.full(series, before.shape[1] - 1)
    cut = before[rows, end]
    largest = np.zeros(series)
    while cut.any():
        begin = before[rows, cut]
        left, right = held[rows, cut] - held[rows, begin], held[rows, end] - held[rows, cut]
        below, above = summed[rows, cut] - summed[rows, begin], summed[rows, end] - summed[rows, cut]
        real = (cut > 0) & (left > 0) & (right > 0)
        step = np.divide(above, right, out=np.zeros(series), where=real)
        step -= np.divide(below, left, out=np.zeros(series), where=real)
        both = np.divide(left * right, left + right, out=np.zeros(series), where=real)
        largest = np.maximum(largest, both * step**2)
        end, cut = np.where(cut > 0, cut, end), begin
    return np.divide(largest, noise, out=np.zeros(series), where=noise > 0)


def noise_of(weights: np.ndarray, totals: np.ndarray, block_bins: int) -> np.ndarray:
    """The variance of a level a unit of weight, from differences of neighboring blocks: float64 [series].

    The median over all places of (difference of block means)^2 / (1 / W + 1 / W'), divided by the median
    of chi-squared with one degree of freedom. Blocks carry the autocorrelation within them; the median
    keeps the few differences that straddle a real change from counting.
    """
    series, bins = weights.shape
    block = max(1, min(block_bins, bins // 4))
    held = np.concatenate([np.zeros((series, 1)), np.cumsum(weights, 1)], 1)
    summed = np.concatenate([np.zeros((series, 1)), np.cumsum(totals, 1)], 1)
    weight, total = held[:, block:] - held[:, :-block], summed[:, block:] - summed[:, :-block]
    left, right = weight[:, :-block], weight[:, block:]
    below, above = total[:, :-block], total[:, block:]
    full = (left > 0) & (right > 0)
    step = np.divide(above, right, out=np.zeros_like(left), where=full)
    step -= np.divide(below, left, out=np.zeros_like(left), where=full)
    share = np.divide(left * right, left + right, out=np.zeros_like(left), where=full)
    scaled = np.where(full, share * step**2, np.nan)
    usable = full.any(1)
    result = np.zeros(series)
    result[usable] = np.nanmedian(scaled[usable], axis=1) / MEDIAN_CHI_SQUARED
    return result


MEDIAN_CHI_SQUARED = 0.45493642311957283
