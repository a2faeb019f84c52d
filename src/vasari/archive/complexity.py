"""The complexity-entropy plane of pictures: how disordered, and how patterned, their neighboring pixels are."""

from __future__ import annotations

import numpy as np

from vasari.foundation.errors import PictureError

PATTERNS = 24  # orders of four pixels
_CODES = 64  # outcomes of the six comparisons of four pixels, of which 24 can occur


def complexity_entropy(grey: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Permutation entropy H and statistical complexity C of pictures [..., rows, columns], both float64 [...], in 0..1.

    Every overlapping square of 2x2 pixels is replaced by the order of its four values, equal values in the
    order in which they are read. H is the entropy of the 24 orders' shares divided by log 24: near 1 for noise, low
    for smooth or hard-edged pictures. C is H times the Jensen-Shannon divergence of the shares from equal
    ones, divided by its largest value: 0 for noise and for flat pictures alike. Any real type; values are only
    compared. Raises `PictureError` for pictures below 2x2 pixels or with values that are no numbers.
    Source: Ribeiro et al., "Complexity-Entropy Causality Plane as a Complexity Measure for Two-Dimensional
    Patterns", 2012, equations 1-4; Sigaki, Perc and Ribeiro, "History of art paintings through the lens of
    entropy and complexity", 2018.
    """
    grey = np.asarray(grey)
    if grey.ndim < 2 or min(grey.shape[-2:]) < 2:
        raise PictureError(
            f"A picture of shape {list(grey.shape)} has no square of 2x2 pixels.", remedy="give pictures of 2x2 or more"
        )
    if grey.dtype.kind == "f" and np.isnan(grey).any():
        raise PictureError("The picture has pixels that are not a number.", remedy="read the file anew")
    flat = grey.reshape(-1, *grey.shape[-2:])
    counts = np.stack([_counts(one) for one in flat])
    entropy, complexity = _from_shares(counts / counts.sum(1, keepdims=True))
    return entropy.reshape(grey.shape[:-2]), complexity.reshape(grey.shape[:-2])


def _counts(grey: np.ndarray) -> np.ndarray:
    """How often each outcome of the comparisons occurs in a picture: int64 [64]."""
    across = (grey[:, :-1] > grey[:, 1:]).view(np.uint8)
    down = (grey[:-1] > grey[1:]).view(np.uint8)
    code = across[:-1] | (across[1:] << 1)
    code |= down[:, :-1] << 2
    code |= down[:, 1:] << 3
    code |= (grey[:-1, :-1] > grey[1:, 1:]).view(np.uint8) << 4
    code |= (grey[:-1, 1:] > grey[1:, :-1]).view(np.uint8) << 5
    return np.bincount(code.ravel(), minlength=_CODES)


def _from_shares(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H and C of shares [pictures, 64], of which at most 24 are above 0."""
    entropy = _entropy(shares)
    even = 1 / PATTERNS
    occurring = shares > 0
    mixed = np.where(occurring, (shares + even) / 2, 0.0)
    missing = PATTERNS - occurring.sum(1)
    of_mixture = _entropy(mixed) - missing * (even / 2) * np.log(even / 2)
    divergence = of_mixture - entropy / 2 - np.log(PATTERNS) / 2
    largest = -0.5 * ((PATTERNS + 1) / PATTERNS * np.log(PATTERNS + 1) + np.log(PATTERNS) - 2 * np.log(2 * PATTERNS))
    normalized = entropy / np.log(PATTERNS)
    return normalized, np.maximum(divergence, 0.0) / largest * normalized


def _entropy(shares: np.ndarray) -> np.ndarray:
    return -(shares * np.log(np.where(shares > 0, shares, 1.0))).sum(1)
