"""The linear probe: multinomial logistic regression on frozen features."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from vasari.foundation.errors import MissingExtraError
from vasari.tasks.recognize.calibration import negative_log_likelihood

# Inverse strengths of the L2 penalty that are tried; the validation part decides.
STRENGTHS = (1e-3, 1e-2, 1e-1)
MOST_ITERATIONS = 3000
EXTRA = "archive"


def fit_probe(
    head: nn.Linear, training: Tensor, labels: np.ndarray, validation: Tensor, truth: np.ndarray, balanced: bool
) -> float:
    """Fit a linear layer to standardized features [n, d] and their classes; returns the strength that was chosen.

    The L2 penalty is the one of `STRENGTHS` whose likelihood on the validation part is greatest. Raises
    `MissingExtraError` without scikit-learn.
    """
    try:
        from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingExtraError("The method probe", EXTRA) from error
    # With fewer pictures than features all lies in the span of the pictures: turned there, the problem is the same.
    points = training.double().numpy()
    turn = np.linalg.svd(points, full_matrices=False)[2] if len(points) < points.shape[1] else np.eye(points.shape[1])
    found = []
    for strength in STRENGTHS:
        model = LogisticRegression(
            C=strength, max_iter=MOST_ITERATIONS, class_weight="balanced" if balanced else None, tol=1e-4
        )
        model.fit(points @ turn.T, labels)
        weight, bias = _of_all_classes(model.coef_ @ turn, model.intercept_)
        loss = negative_log_likelihood(validation.double().numpy() @ weight.T + bias, truth)
        found.append((loss, strength, weight, bias))
    _, strength, weight, bias = min(found, key=lambda one: one[0])
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight))
        head.bias.copy_(torch.from_numpy(bias))
    return strength


def _of_all_classes(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of two classes scikit-learn gives one row, the second's logit over the first's."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
