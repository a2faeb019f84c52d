"""Scores of answers: pure functions on the true classes, the answered ones, and probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np


def confusion(truth: np.ndarray, answers: np.ndarray, classes: int) -> np.ndarray:
    """int64 [classes, classes]: how often a true class (row) was answered by a class (column)."""
    return np.bincount(truth * classes + answers, minlength=classes**2).reshape(classes, classes)


def accuracy(table: np.ndarray) -> float:
    """The share of right answers, from a confusion table."""
    return float(np.trace(table) / table.sum())


def balanced_accuracy(table: np.ndarray) -> float:
    """The mean over the classes that occur of the share of their pictures that were recognized."""
    of_class = table.sum(1)
    return float(np.mean(np.diag(table)[of_class > 0] / of_class[of_class > 0]))


def macro_f1(table: np.ndarray) -> float:
    """The mean of F1 = 2 × right / (true + answered) over the classes that occur or were answered."""
    both = table.sum(1) + table.sum(0)
    return float(np.mean(2 * np.diag(table)[both > 0] / both[both > 0]))


# Name -> score of a confusion table.
SCORES: Mapping[str, Callable[[np.ndarray], float]] = MappingProxyType(
    {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}
)


def intervals(
    truth: np.ndarray, answers: np.ndarray, groups: Sequence[str], classes: int, seed: int, draws: int = 1000
) -> dict[str, tuple[float, float]]:
    """95 % intervals of all `SCORES` by a bootstrap of whole groups (an artist's works stand or fall together).

    Percentiles over `draws` draws of as many groups as there are (Field & Welsh 2007, JRSS B 69, "cluster bootstrap").
    """
    _, place = np.unique(np.asarray(groups), return_inverse=True)
    tables = np.zeros((place.max() + 1, classes * classes), np.int64)
    np.add.at(tables, (place, truth * classes + answers), 1)
    rng = np.random.default_rng([seed, 2])
    found: dict[str, list[float]] = {name: [] for name in SCORES}
    for _ in range(draws):
        table = tables[rng.integers(len(tables), size=len(tables))].sum(0).reshape(classes, classes)
        for name, score in SCORES.items():
            found[name].append(score(table))
    return {name: (float(np.percentile(one, 2.5)), float(np.percentile(one, 97.5))) for name, one in found.items()}


def chance(truth: np.ndarray, classes: int) -> dict[str, float]:
    """What blind answers reach: always the most frequent class (accuracy), and any fixed class (balanced accuracy)."""
    shares = np.bincount(truth, minlength=classes) / len(truth)
    return {"accuracy": float(shares.max()), "balanced_accuracy": float(1 / np.count_nonzero(shares))}


def by_class(table: np.ndarray, classes: Sequence[str]) -> list[dict[str, Any]]:
    """For each class its pictures, recall, precision (None where never answered) and what it is most taken for."""
    rows = []
    for index, name in enumerate(classes):
        of_class, answered = int(table[index].sum()), int(table[:, index].sum())
        others = table[index].copy()
        others[index] = 0
        rows.append(
            {
                "class": name,
                "pictures": of_class,
                "recall": float(table[index, index] / of_class) if of_class else None,
                "precision": float(table[index, index] / answered) if answered else None,
                "taken_for": classes[int(others.argmax())] if others.any() else "",
            }
        )
    return rows
