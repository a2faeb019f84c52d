"""Scores are scikit-learn's, calibration is what a pencil gives, and thresholds keep their word."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from vasari.tasks.recognize.calibration import (
    NEVER,
    expected_calibration_error,
    fitted_temperature,
    negative_log_likelihood,
    novelty_limit,
    probabilities,
    reliability,
    threshold_for,
)
from vasari.tasks.recognize.scores import (
    accuracy,
    balanced_accuracy,
    by_class,
    chance,
    confusion,
    intervals,
    macro_f1,
)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore:y_pred contains classes")
def test_scores_equal_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, answers = rng.integers(0, 5, 60), rng.integers(0, 6, 60)  # class 5 never occurs, and is answered
    table = confusion(truth, answers, 6)
    assert np.array_equal(table, metrics.confusion_matrix(truth, answers, labels=range(6)))
    assert accuracy(table) == pytest.approx(metrics.accuracy_score(truth, answers))
    assert balanced_accuracy(table) == pytest.approx(metrics.balanced_accuracy_score(truth, answers))
    assert macro_f1(table) == pytest.approx(metrics.f1_score(truth, answers, average="macro"))
    shares = probabilities(rng.normal(size=(60, 6)))
    assert negative_log_likelihood(np.log(shares), truth) == pytest.approx(
        metrics.log_loss(truth, shares, labels=range(6))
    )


def test_classes_and_chance() -> None:
    truth, answers = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 1, 0])
    rows = by_class(confusion(truth, answers, 3), ("a", "b", "c"))
    assert [row["taken_for"] for row in rows] == ["b", "", "a"]
    assert [row["recall"] for row in rows] == pytest.approx([1 / 3, 1, 0])
    assert rows[0]["precision"] == 0.5 and rows[2]["precision"] is None
    assert chance(truth, 3) == {"accuracy": 0.5, "balanced_accuracy": pytest.approx(1 / 3)}


def test_expected_calibration_error_by_hand() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    # Four answers at 0.95 of which 3/4 are right, two at 0.55 of which half: 4/6 × 0.20 + 2/6 × 0.05.
    assert expected_calibration_error(confidence, right) == pytest.approx(4 / 6 * 0.20 + 2 / 6 * 0.05)
    bins = reliability(confidence, right)
    assert [one.count for one in bins] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 4] and bins[9].right == 0.75
    assert sum(one.count for one in reliability(np.array([0.0, 0.1, 1.0]), np.ones(3, bool))) == 3


@pytest.mark.parametrize("too_sure", [0.3, 1.0, 4.0])
def test_the_temperature_is_found_again_and_improves_the_likelihood(too_sure: float) -> None:
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 1.5, (4000, 4))
    shares = probabilities(logits)
    truth = np.array([rng.choice(4, p=one) for one in shares])
    said = logits * too_sure
    found = fitted_temperature(said, truth)
    assert found == pytest.approx(too_sure, rel=0.1)
    best = negative_log_likelihood(said, truth, found)
    around = [negative_log_likelihood(said, truth, found * by) for by in (0.97, 1.03)]
    assert best <= min(around) and best <= negative_log_likelihood(said, truth) + 1e-12
    if too_sure == 4.0:
        before, after = (probabilities(said, one) for one in (1.0, found))
        right = said.argmax(1) == truth
        assert expected_calibration_error(after.max(1), right) < 0.3 * expected_calibration_error(before.max(1), right)


def test_the_threshold_gives_the_precision_asked_for_and_as_many_answers_as_that_allows() -> None:
    rng = np.random.default_rng(2)
    confidence = rng.uniform(0, 1, 3000)
    right = rng.uniform(0, 1, 3000) < confidence
    threshold = threshold_for(confidence, right, 0.8)
    kept = confidence >= threshold
    assert right[kept].mean() >= 0.8
    # Of a calibrated judge the mean of 0.6..1 is 0.8.
    assert threshold == pytest.approx(0.6, abs=0.05)
    lower = np.sort(confidence[confidence < threshold])[::-1]
    assert all(right[confidence >= one].mean() < 0.8 for one in lower[::50])
    assert threshold_for(confidence, right, 0.0) == 0.0
    assert threshold_for(confidence, np.zeros(3000, bool), 0.5) == NEVER
    # Equal confidences stand or fall together.
    assert threshold_for(np.full(10, 0.7), np.array([True] * 6 + [False] * 4), 0.9) == NEVER


def test_the_interval_of_clustered_answers_is_wider_than_that_of_single_ones() -> None:
    rng = np.random.default_rng(0)
    right = np.repeat(rng.uniform(size=30) < 0.5, 20)  # 30 artists, of whom all works are recognized or none
    truth, answers = np.zeros(600, int), np.where(right, 0, 1)
    of_artists = intervals(truth, answers, [str(at // 20) for at in range(600)], 2, seed=1)["accuracy"]
    of_works = intervals(truth, answers, [str(at) for at in range(600)], 2, seed=1)["accuracy"]
    assert of_artists[0] < right.mean() < of_artists[1]
    width = of_artists[1] - of_artists[0]
    assert width == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 30), rel=0.2)
    assert width > 3 * (of_works[1] - of_works[0])


def test_the_novelty_limit_is_the_99th_percentile() -> None:
    assert novelty_limit(np.arange(101.0)) == 99.0
