"""When a change happened, with a level of its own for every artist.

Whether there is a change is decided on the collection's mean; but the mean also moves when one strong-willed
artist leaves and another comes. Those who worked before and after tell the time better: a step that all
artists share, above levels that are theirs alone, is fitted at every possible place.
"""

from __future__ import annotations

import numpy as np

from vasari.archive.trends.careers import Careers

BLOCK_ARTISTS = 4096  # artists whose bins are laid out at once


def refined_cut(careers: Careers, begin: int, cut: int, end: int, least_bins: int) -> int:
    """The most likely bin of a change between two others, in a model with a random level per artist.

    Generalized least squares of value = level + artist + step * [bin >= cut] over all cuts at least `least_bins`
    from `begin` and `end`; the artists' variance is estimated by moments around the provisional cut (Searle,
    Casella and McCulloch, "Variance Components", 1992, section 3.6). A bin weighs as many votes as it has.
    """
    places = np.arange(least_bins, end - begin - least_bins + 1)
    inside = (careers.bin >= begin) & (careers.bin < end) & careers.usable[careers.bin] & (careers.weight > 0)
    if not len(places) or not inside.any():
        return cut
    _, artist = np.unique(careers.artist[inside], return_inverse=True)
    place, weight, total = careers.bin[inside] - begin, careers.weight[inside], careers.total[inside]
    held = np.bincount(artist, weight)
    pull = _pull(artist, weight, total, place >= cut - begin, held)
    saved = _saved(artist, place, weight, total, held, pull, end - begin)[places]
    return begin + int(places[saved.argmax()]) if saved.max() > 0 else cut


def _pull(artist: np.ndarray, weight: np.ndarray, total: np.ndarray, after: np.ndarray, held: np.ndarray) -> np.ndarray:
    """How far an artist's own level takes their votes from the common one: r / (1 + r W), r the variances' ratio."""
    levels = [total[side].sum() / max(weight[side].sum(), 1e-300) for side in (~after, after)]
    rest = total / weight - np.where(after, levels[1], levels[0])
    own = np.bincount(artist, weight * rest) / held
    freedom = len(artist) - len(held)
    within = float((weight * (rest - own[artist]) ** 2).sum()) / freedom if freedom else 0.0
    if within <= 0:
        return np.zeros(len(held))
    between = float((held * (own - np.average(own, weights=held)) ** 2).sum())
    scale = held.sum() - (held**2).sum() / held.sum()
    variance = max(0.0, (between - (len(held) - 1) * within) / scale) if scale > 0 else 0.0
    ratio = variance / within
    return ratio / (1 + ratio * held)


def _saved(
    artist: np.ndarray, place: np.ndarray, weight: np.ndarray, total: np.ndarray, held: np.ndarray, pull: np.ndarray,
    bins: int,
) -> np.ndarray:  # fmt: skip
    """Squared error that a common step saves at each bin, by the normal equations: float64 [bins]."""
    summed = np.bincount(artist, total)
    free = 1 - pull * held
    level_level, level_total = float((held * free).sum()), float((summed * free).sum())
    step_level, step_step, step_total = (np.zeros(bins) for _ in range(3))
    for low in range(0, len(held), BLOCK_ARTISTS):
        rows = slice(low, low + BLOCK_ARTISTS)
        of = (artist >= low) & (artist < low + BLOCK_ARTISTS)
        shape = (len(held[rows]), bins)
        cell = (artist[of] - low) * bins + place[of]
        later_weight = _later(np.bincount(cell, weight[of], shape[0] * bins).reshape(shape))
        later_total = _later(np.bincount(cell, total[of], shape[0] * bins).reshape(shape))
        step_level += free[rows] @ later_weight
        step_step += later_weight.sum(0) - pull[rows] @ later_weight**2
        step_total += later_total.sum(0) - (pull[rows] * summed[rows]) @ later_weight
    if level_level <= 0:
        return np.zeros(bins)
    rest = step_total - step_level * level_total / level_level
    room = step_step - step_level**2 / level_level
    solid = room > 1e-9 * held.sum()
    return np.divide(rest**2, room, out=np.zeros(bins), where=solid)


def _later(table: np.ndarray) -> np.ndarray:
    """Sums from each bin to the last, along rows."""
    return np.cumsum(table[:, ::-1], axis=1)[:, ::-1]
