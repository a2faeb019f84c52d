"""Bands around curves from samples of whole artists, made honest for small numbers of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from vasari.foundation.errors import MissingExtraError


def effective_artists(artist: np.ndarray, place: np.ndarray, vote: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """How many equally weighted artists carry each point of a curve: float64 [grid].

    `artist`, `place` (the year's column in `kernel` [grid, years]) and `vote` are of each work. Kish's
    (sum L)^2 / sum L^2 over the artists' weights L within the kernel.
    """
    sparse, _ = _scipy()
    shape = (int(artist.max()) + 1, kernel.shape[1])
    people = sparse.csr_array((vote, (artist, place)), shape=shape, dtype=np.float64)
    people.sum_duplicates()
    result = np.zeros(len(kernel))
    for begin in range(0, len(kernel), 32):  # a block at a time, so that 100,000 artists need little memory
        weights = people @ kernel[begin : begin + 32].T
        squares = (weights**2).sum(0)
        result[begin : begin + 32] = np.divide(
            weights.sum(0) ** 2, squares, out=np.zeros(len(squares)), where=squares > 0
        )
    return result


def band(samples: np.ndarray, artists: np.ndarray, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends [grid] of a band from samples [draws, grid].

    The expanded percentile interval: percentiles of a bootstrap of n clusters are too narrow by about
    sqrt(n / (n - 1)) and by the normal's tails for Student's; the tail probability is lowered so that both are
    made good. `artists` is n at each point. Source: Hesterberg, "What Teachers Should Know About the
    Bootstrap", 2015, section 3.3.
    """
    _, special = _scipy()
    count = np.maximum(np.asarray(artists, dtype=np.float64), 2.0)
    student = special.stdtrit(count - 1, 0.5 + confidence / 2)
    tail = special.ndtr(-student * np.sqrt(count / (count - 1)))
    ends = np.full((2, samples.shape[1]), np.nan)
    for column in range(samples.shape[1]):
        kept = samples[:, column][np.isfinite(samples[:, column])]
        if len(kept) >= 2:
            ends[:, column] = np.quantile(kept, [tail[column], 1 - tail[column]])
    return ends[0], ends[1]


def probability_of_nothing(estimate: float, samples: np.ndarray, artists: float) -> float:
    """Two-sided p that a quantity is 0, by Student's t with the spread of its samples [draws] of artists."""
    _, special = _scipy()
    count = max(artists, 2.0)
    kept = samples[np.isfinite(samples)]
    spread = float(kept.std(ddof=1)) * np.sqrt(count / (count - 1)) if len(kept) > 1 else 0.0
    # What has no spread at all (a constant feature, a single year) is no evidence of anything.
    return float(2 * special.stdtr(count - 1, -abs(estimate) / spread)) if spread > 0 else 1.0


def mean_over_draws(samples: np.ndarray) -> np.ndarray:
    """The mean over the first axis, of what is finite; NaN where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy warns of columns without a finite value
        return np.nanmean(samples, axis=0)


def _scipy() -> tuple[Any, Any]:
    """Sparse matrices and special functions; raises `MissingExtraError` without the extra."""
    try:
        from scipy import sparse, special
    except ImportError:
        raise MissingExtraError("A trend with bands", "archive") from None
    return sparse, special
