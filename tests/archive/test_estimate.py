"""Estimates of years: right where pictures tell, no better than the archive as a whole where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from vasari.archive.estimate import Estimator, Evidence, shortest_span
from vasari.foundation.errors import PlanError


def archive(signal: float, works: int = 300, seed: int = 0) -> Evidence:
    """Works by 60 artists of 1500 to 1900, whose first number follows the year by `signal`."""
    rng = np.random.default_rng(seed)
    artists = rng.integers(0, 60, works)
    years = rng.integers(1500, 1900, 60)[artists] + rng.integers(-15, 16, works)
    vectors = rng.normal(0, 1, (works, 4))
    vectors[:, 0] += signal * years / 50
    return Evidence(vectors, years - 3, years + 3, artists)


@pytest.fixture(scope="module")
def telling():
    return Estimator(archive(2.0))


def test_where_pictures_tell_their_years_are_found(telling):
    assert telling.trial.gain > 1
    assert telling.trial.error_years < telling.trial.prior_error_years / 3
    assert 0.85 <= telling.trial.held <= 1
    found = telling.estimate(np.array([2.0 * 1700 / 50, 0, 0, 0]))
    assert found.likelihood.sum() == pytest.approx(1)
    assert abs(found.median - 1700) < 40
    low, high = found.within(0.9)
    assert low < found.median < high


def test_where_pictures_tell_nothing_the_whole_archive_speaks():
    blind = Estimator(archive(0.0))
    assert blind.trial.gain < 0.15
    one, other = (blind.estimate(np.full(4, value)).likelihood for value in (-2.0, 2.0))
    assert np.abs(one - other).sum() < 0.5


def test_evidence_names_the_nearest_work_of_each_artist(telling):
    evidence = archive(2.0)
    found = telling.estimate(evidence.vectors[7])
    assert found.nearest[0] == 7
    assert found.distances[0] == 0
    assert np.all(np.diff(found.distances) >= 0)
    assert len(set(evidence.artists[found.nearest])) == len(found.nearest) == telling.settings.neighbors
    hidden = telling.estimate(evidence.vectors[7], hidden_artist=evidence.artists[7])
    assert evidence.artists[7] not in evidence.artists[hidden.nearest]


def test_the_shortest_span_holds_its_share_and_no_shorter_one_does():
    rng = np.random.default_rng(5)
    for _ in range(20):
        likelihood = rng.random(60) ** 3
        likelihood /= likelihood.sum()
        first, last = shortest_span(likelihood, 0.5)
        assert likelihood[first : last + 1].sum() >= 0.5 - 1e-9
        length = last - first + 1
        assert all(likelihood[at : at + length - 1].sum() < 0.5 for at in range(60 - length + 2))
    assert shortest_span(np.array([0.0, 0.0, 1.0, 0.0]), 0.9) == (2, 2)


def test_too_thin_an_archive_is_refused():
    with pytest.raises(PlanError, match="29 dated"):
        Estimator(archive(1.0, works=29))
    wide = archive(1.0)
    with pytest.raises(PlanError, match="span"):
        Estimator(Evidence(wide.vectors, wide.first - 4000, wide.last, wide.artists))
