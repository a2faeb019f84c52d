"""Vectors laid out on a plane, so that what is alike lies near."""

from __future__ import annotations

import numpy as np

from vasari.foundation.errors import MissingExtraError, PlanError

METHODS = ("pca", "umap")
_ROWS = 20_000


def project(vectors: np.ndarray, method: str = "pca", seed: int = 0) -> np.ndarray:
    """Places float32 [N, 2] of comparable vectors [N, k]; raises `PlanError` for fewer than 3 or an unknown method.

    `pca` shows as much of the distances as a plane can (Pearson 1901); `umap` keeps near things near, and distances
    between groups tell nothing (McInnes, Healy and Melville 2018). The same vectors and seed give the same places.
    """
    if method not in METHODS:
        raise PlanError(f"There is no map by {method!r}.", remedy=f"use one of {', '.join(METHODS)}")
    if len(vectors) < 3:
        raise PlanError(f"{len(vectors)} works make no map.", remedy="widen the query; at least 3 must be measured")
    return _pca(vectors) if method == "pca" else _umap(vectors, seed)


def _pca(vectors: np.ndarray) -> np.ndarray:
    """The two axes of most variance; each points to where its largest entry is above 0."""
    mean = vectors.mean(0, dtype=np.float64)
    spread = np.zeros((vectors.shape[1], vectors.shape[1]))
    for begin in range(0, len(vectors), _ROWS):
        some = vectors[begin : begin + _ROWS] - mean
        spread += some.T @ some
    axes = np.linalg.eigh(spread)[1][:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    places = (vectors @ axes.astype(np.float32) - (mean @ axes).astype(np.float32)).astype(np.float32)
    return np.pad(places, ((0, 0), (0, 2 - places.shape[1])))


def _umap(vectors: np.ndarray, seed: int) -> np.ndarray:
    try:
        from umap import UMAP  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError as error:
        raise MissingExtraError("A map by umap", "maps") from error
    neighbors = min(15, len(vectors) - 1)
    found = UMAP(n_neighbors=neighbors, min_dist=0.1, random_state=seed, n_jobs=1).fit_transform(np.array(vectors))
    return np.asarray(found, np.float32)
