"""How a recognizer does on pictures it has not seen: scores with intervals, calibration, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from vasari.tasks.recognize.calibration import (
    Bin,
    expected_calibration_error,
    negative_log_likelihood,
    probabilities,
    reliability,
)
from vasari.tasks.recognize.scores import SCORES, by_class, chance, confusion, intervals

if TYPE_CHECKING:
    from vasari.tasks.recognize.recognizer import Recognizer


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores on the test part, with `intervals` of 95 % by a bootstrap of whole artists, and `chance` beside them.

    `confusion` has true classes in rows; `calibration_before` and `after` are expected calibration errors without
    and with the temperature, `log_likelihood_*` mean negative log-likelihoods; `coverage` the share of pictures that
    were answered at all, `precision` the share of these that is right; `unlike` the share refused as like none.
    """

    classes: tuple[str, ...]
    pictures: int
    groups: int
    scores: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    chance: dict[str, float]
    confusion: np.ndarray
    by_class: list[dict[str, Any]]
    calibration_before: float
    calibration_after: float
    log_likelihood_before: float
    log_likelihood_after: float
    bins: list[Bin]
    coverage: float
    precision: float | None
    unlike: float
    answers: tuple[str, ...]
    confidences: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, less the answers to single pictures."""
        values = asdict(self)
        del values["answers"], values["confidences"]
        return {**values, "confusion": self.confusion.tolist(), "classes": list(self.classes)}


def evaluated(
    recognizer: Recognizer, vectors: Tensor, truth: np.ndarray, groups: Sequence[str], seed: int = 0
) -> Evaluation:
    """Judge a recognizer by standardized features [n, d], their classes [n] and the groups that stand together."""
    classes = recognizer.classes
    logits = recognizer.logits(vectors).numpy()
    plain, shares = probabilities(logits), probabilities(logits, recognizer.temperature)
    said, confidence = shares.argmax(1), shares.max(1)
    right = said == truth
    table = confusion(truth, said, len(classes))
    unlike = recognizer.novelties(vectors).numpy() > recognizer.novelty
    answered = (confidence >= recognizer.threshold) & ~unlike
    return Evaluation(
        classes=classes,
        pictures=len(truth),
        groups=len(set(groups)),
        scores={name: score(table) for name, score in SCORES.items()},
        intervals=intervals(truth, said, groups, len(classes), seed),
        chance=chance(truth, len(classes)),
        confusion=table,
        by_class=by_class(table, classes),
        calibration_before=expected_calibration_error(plain.max(1), right),
        calibration_after=expected_calibration_error(confidence, right),
        log_likelihood_before=negative_log_likelihood(logits, truth),
        log_likelihood_after=negative_log_likelihood(logits, truth, recognizer.temperature),
        bins=reliability(confidence, right),
        coverage=float(answered.mean()),
        precision=float(right[answered].mean()) if answered.any() else None,
        unlike=float(unlike.mean()),
        answers=tuple(classes[index] for index in said),
        confidences=tuple(float(one) for one in confidence),
    )
