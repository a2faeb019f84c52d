"""A score of made pictures by a classifier, as Inception's: sure of each picture, of many classes over all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vasari.tasks.evaluate.moments import GROUPS

if TYPE_CHECKING:
    from vasari.tasks.recognize.recognizer import Recognizer


class ClassScore:
    """exp(E KL(p(y|x) ‖ p(y))) over a recognizer's classes (Salimans et al. 2016, arXiv:1606.03498, section 4).

    1 at worst, the number of classes at best. It is the Inception Score only with Inception-v3, and it knows nothing
    of the truth. Over `splits` parts of the pictures its mean is taken. Sums by group are kept, no pictures.
    """

    def __init__(self, recognizer: Recognizer | None, name: str, classes: int = 0, splits: int = 1) -> None:
        self.recognizer, self.name, self.splits = recognizer, name, splits
        self.classes = len(recognizer.classes) if recognizer is not None else classes
        self.counts = np.zeros(GROUPS)
        self.shares = np.zeros((GROUPS, self.classes))
        self.negative_entropies = np.zeros(GROUPS)

    @classmethod
    def of(cls, path: str) -> ClassScore:
        """By the recognizer in a file; raises `WeightsError`."""
        from vasari.tasks.recognize.recognizer import Recognizer

        return cls(Recognizer.load(path), Path(path).stem)

    def add(self, path: Path) -> None:
        """Take in a picture file, by the recognizer where there is one; raises `PictureError`."""
        if self.recognizer is None:
            return
        self.take(np.array([self.recognizer.recognize(path).probabilities[one] for one in self.recognizer.classes]))

    def take(self, shares: np.ndarray) -> None:
        """Take in the probabilities [classes] of a picture."""
        group = int(self.counts.sum()) % GROUPS
        ready = np.clip(np.asarray(shares, float), 1e-16, 1.0)
        self.counts[group] += 1
        self.shares[group] += ready
        self.negative_entropies[group] += float((ready * np.log(ready)).sum())

    def value(self) -> tuple[float, list[list[float]]]:
        """The score, and its values with each group left out."""
        every = np.ones(GROUPS)
        without = [every - np.eye(GROUPS)[group] for group in range(GROUPS)]
        total = self.counts.sum()
        used = [kept for kept in without if 0 < kept @ self.counts < total]
        return self._of(every), [[self._of(kept) for kept in used]]

    def _of(self, kept: np.ndarray) -> float:
        parts = [kept * (np.arange(GROUPS) % self.splits == split) for split in range(self.splits)]
        found = [self._of_part(part) for part in parts if part @ self.counts]
        return float(np.mean(found)) if found else math.nan

    def _of_part(self, kept: np.ndarray) -> float:
        count = kept @ self.counts
        mean = kept @ self.shares / count
        return math.exp(kept @ self.negative_entropies / count - float((mean * np.log(mean)).sum()))
