"""Moving average and LOESS over sums of votes by year: the same lines through 100 works or 100,000."""

from __future__ import annotations

import numpy as np


def window_kernel(grid: np.ndarray, years: np.ndarray, window_years: int) -> np.ndarray:
    """1 within half a window of a point of the grid, 1/2 at the ends of an even one, else 0: float64 [grid, years]."""
    return np.clip(window_years / 2 + 0.5 - np.abs(grid[:, None] - years[None]), 0.0, 1.0)


def tricube_kernel(grid: np.ndarray, years: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """(1 - (d / reach)^3)^3 within `reach` [grid] years, else 0: float64 [grid, years]; Cleveland 1979, eq. 2.7."""
    distance = np.abs(grid[:, None] - years[None]) / reach[:, None]
    return np.clip(1 - distance**3, 0, None) ** 3


def reaches(grid: np.ndarray, years: np.ndarray, votes: np.ndarray, span: float, least_years: float) -> np.ndarray:
    """How far from each point of the grid the nearest `span` of all votes [years] lie, at least `least_years`.

    The neighborhood of Cleveland 1979, with votes for points: each curve point sees the same share of the
    archive, and so reaches farther where less is known.
    """
    distance = np.abs(grid[:, None] - years[None])
    order = np.argsort(distance, axis=1, kind="stable")
    held = np.cumsum(votes[order], axis=1)
    nearest = (held < span * votes.sum() * (1 - 1e-12)).sum(1)
    nearest = np.minimum(nearest, len(years) - 1)
    found = np.take_along_axis(distance, np.take_along_axis(order, nearest[:, None], 1), 1)[:, 0]
    return np.maximum(found, least_years)


def averages(kernel: np.ndarray, votes: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Weighted means [..., grid] of votes and totals [..., years]; NaN where a window holds no vote."""
    held = votes @ kernel.T
    return np.divide(totals @ kernel.T, held, out=np.full(held.shape, np.nan), where=held > 0)


def local_lines(
    kernel: np.ndarray, grid: np.ndarray, years: np.ndarray, votes: np.ndarray, totals: np.ndarray
) -> np.ndarray:
    """LOESS of degree 1 [..., grid]: at each point the height of a line fitted with the kernel's weights.

    The normal equations of Cleveland 1979 without his robust second pass, so that the curve stays a weighted
    mean of the works. NaN where the votes within reach lie in a single year.
    """
    offset = (years[None] - grid[:, None]) / max(float(np.abs(grid[:, None] - years[None]).max()), 1.0)
    first, second = kernel * offset, kernel * offset**2
    held, lever, spread = votes @ kernel.T, votes @ first.T, votes @ second.T
    level, slope = totals @ kernel.T, totals @ first.T
    determinant = held * spread - lever**2
    solid = determinant > 1e-10 * held * spread
    return np.divide(
        spread * level - lever * slope, determinant, out=np.full(held.shape, np.nan), where=solid & (held > 0)
    )
