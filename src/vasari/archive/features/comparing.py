"""How two pictures are compared by a feature: every metric is the Euclidean distance of prepared vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from vasari.archive.features.projections import Projection, bundled
from vasari.archive.features.table import FEATURES, Feature, chosen


@dataclass(frozen=True)
class Metric:
    """A distance: `prepare` brings vectors [N, d] of a feature to where it is Euclidean."""

    prepare: Callable[[np.ndarray, Feature, Projection | None], np.ndarray]
    what: str


def comparable(name: str, vectors: np.ndarray, reference: Projection | None = None) -> np.ndarray:
    """Vectors [N, d] of a feature as float32 [N, k] whose Euclidean distance compares pictures; for an index.

    `reference` is that of the bundled style components unless given; only `style` asks for it. Raises `PlanError`
    for an unknown feature.
    """
    feature = FEATURES[chosen((name,))[0]]
    return METRICS[feature.compared].prepare(np.asarray(vectors, np.float32), feature, reference).astype(np.float32)


def distances(name: str, query: np.ndarray, vectors: np.ndarray, reference: Projection | None = None) -> np.ndarray:
    """How far pictures [N, d] are from one [d] by a feature: float32 [N], 0 for equal vectors."""
    one = comparable(name, np.asarray(query)[None], reference)
    return np.linalg.norm(comparable(name, vectors, reference) - one, axis=1)


def _hellinger(vectors: np.ndarray, feature: Feature, reference: Projection | None) -> np.ndarray:
    return vectors / np.float32(np.sqrt(2))


def _cosine(vectors: np.ndarray, feature: Feature, reference: Projection | None) -> np.ndarray:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors / lengths / np.float32(np.sqrt(2))


def _texture(vectors: np.ndarray, feature: Feature, reference: Projection | None) -> np.ndarray:
    standardized = (reference or bundled("style-components")).standardized(vectors)[:, :-6]
    return standardized / np.sqrt(standardized.shape[1])


def _spread(vectors: np.ndarray, feature: Feature, reference: Projection | None) -> np.ndarray:
    spreads = np.array([column.spread for column in feature.columns], np.float32)
    return vectors / spreads / np.sqrt(len(spreads))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "hellinger": Metric(_hellinger, "Hellinger distance of the shares of colors, 0..1"),
        "texture": Metric(
            _texture, "root mean square difference of the encoder's moments, in the reference's deviations; no colors"
        ),
        "cosine": Metric(_cosine, "√(1 − cosine of the angle), 0..√2"),
        "spread": Metric(_spread, "root mean square difference of the columns, each in units of its spread"),
    }
)
