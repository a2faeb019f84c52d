"""Probabilities that mean what they say, and when to say nothing: temperature, reliability, thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 10
TEMPERATURES = (0.02, 50.0)
FEWEST_ANSWERS = 5  # a precision that is judged by fewer is luck
NOVELTY_PERCENTILE = 99.0
SMALLEST_LIMIT = 1e-6
NEVER = 2.0  # a threshold that no probability reaches


@dataclass(frozen=True)
class Bin:
    """Answers of similar confidence: how many, their mean confidence, and the share that was right."""

    count: int
    confidence: float
    right: float


def probabilities(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Softmax of logits [n, classes] / temperature, float64."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    powers = np.exp(scaled)
    return powers / powers.sum(1, keepdims=True)


def negative_log_likelihood(logits: np.ndarray, truth: np.ndarray, temperature: float = 1.0) -> float:
    """The mean of -log p(true class)."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(scaled).sum(1)) - scaled[np.arange(len(truth)), truth]))


def fitted_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of the least negative log-likelihood (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    The likelihood is unimodal in 1 / temperature; found by golden sections of its logarithm in 0.02..50.
    """
    low, high = -np.log(TEMPERATURES[1]), -np.log(TEMPERATURES[0])
    ratio = (np.sqrt(5) - 1) / 2

    def loss(logarithm: float) -> float:
        return negative_log_likelihood(logits, truth, float(np.exp(-logarithm)))

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(60):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return float(np.exp(-(low + high) / 2))


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Bins (i/bins, (i+1)/bins] of the confidence [n] of answers that were `right` [n] or not; empty ones too."""
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for index in range(bins):
        inside = place == index
        count = int(inside.sum())
        means = (float(confidence[inside].mean()), float(right[inside].mean())) if count else (0.0, 0.0)
        found.append(Bin(count, *means))
    return found


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> float:
    """Σ share of a bin × |right - confidence| (Naeini et al. 2015; Guo et al. 2017, equation 3)."""
    found = reliability(confidence, right, bins)
    return float(sum(one.count * abs(one.right - one.confidence) for one in found) / len(confidence))


def threshold_for(confidence: np.ndarray, right: np.ndarray, sure: float) -> float:
    """The lowest confidence from which at least `sure` of the answers are right; `NEVER` where none does it.

    Judged on `FEWEST_ANSWERS` answers or more; 0 for sure=0.
    """
    if sure <= 0:
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    sorted_confidence = confidence[order]
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    last_of_equals = np.append(sorted_confidence[1:] < sorted_confidence[:-1], True)
    good = (precision >= sure) & last_of_equals
    good[: FEWEST_ANSWERS - 1] = False
    return float(sorted_confidence[np.flatnonzero(good)[-1]]) if good.any() else NEVER


def novelty_limit(distances: np.ndarray) -> float:
    """The distance beyond which a picture is like none of the training: the 99th percentile of known pictures'."""
    return max(float(np.percentile(distances, NOVELTY_PERCENTILE)), SMALLEST_LIMIT)
