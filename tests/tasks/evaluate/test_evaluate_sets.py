"""Distances of sets are the closed form's, torchmetrics' and SciPy's; the cache and the sample keep their word."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor, nn

from vasari.tasks import set_metrics
from vasari.tasks.evaluate.class_score import ClassScore
from vasari.tasks.evaluate.feature_cache import FeatureCache
from vasari.tasks.evaluate.gathering import PictureSetFeatures
from vasari.tasks.evaluate.kernels import kernel_discrepancy, neighborhood_values
from vasari.tasks.evaluate.moments import GROUPS, GroupedMoments, frechet, frechet_of_moments

WIDTH = 6


class _Columns(nn.Module):
    """For torchmetrics: a picture [N, 1, 1, d] whose pixels are its features."""

    num_features = WIDTH

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels[:, 0, 0].double()


def drawn(count: int, seed: int, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return torch.randn(count, WIDTH, generator=generator, dtype=torch.float64) @ mixing + shift


def grouped(features: Tensor, batch: int = 7) -> GroupedMoments:
    moments = GroupedMoments(features.shape[1])
    for start in range(0, len(features), batch):
        part = features[start : start + batch]
        moments.add(part, torch.arange(start, start + len(part)) % GROUPS)
    return moments


def test_the_frechet_distance_of_gaussians_is_the_closed_form() -> None:
    first = torch.tensor([1.0, -2, 0.5]).double(), torch.diag(torch.tensor([4.0, 1, 9])).double()
    second = torch.tensor([0.0, 1, 0.5]).double(), torch.diag(torch.tensor([1.0, 16, 9])).double()
    # Covariances that commute: |difference of means|² + sum of (difference of deviations)².
    closed = (1 + 9 + 0) + ((2 - 1) ** 2 + (1 - 4) ** 2 + 0)
    assert frechet_of_moments(first, second) == pytest.approx(closed, abs=1e-12)
    assert frechet_of_moments(first, first) == pytest.approx(0, abs=1e-12)


def test_the_frechet_distance_of_running_moments_is_scipys_and_torchmetrics() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    real, made = drawn(230, 1), drawn(170, 2, shift=0.4)
    value, left_out = frechet(grouped(real), grouped(made))
    root = scipy.linalg.sqrtm(np.cov(real.T.numpy()) @ np.cov(made.T.numpy())).real
    apart = ((real.mean(0) - made.mean(0)) ** 2).sum()
    theirs = float(apart) + np.trace(np.cov(real.T.numpy()) + np.cov(made.T.numpy()) - 2 * root)
    assert value == pytest.approx(theirs, rel=1e-9)
    metric = FrechetInceptionDistance(feature=_Columns()).set_dtype(torch.float64)
    metric.update(real[:, None, None], real=True)
    metric.update(made[:, None, None], real=False)
    assert value == pytest.approx(float(metric.compute()), rel=1e-6)
    kept = torch.arange(len(made)) % GROUPS != 3
    assert left_out[1][3] == pytest.approx(set_metrics.frechet_distance(real, made[kept]), rel=1e-9)


def test_running_moments_far_from_zero_lose_nothing() -> None:
    features = drawn(90, 3) + 1e6
    mean, covariance = grouped(features).moments()
    torch.testing.assert_close(mean, features.mean(0))
    torch.testing.assert_close(covariance, torch.cov((features - 1e6).T), rtol=1e-7, atol=1e-7)


def test_the_kernel_distance_is_that_of_set_metrics_and_of_sets_of_two_sizes() -> None:
    real, made = drawn(60, 1), drawn(60, 2, shift=0.3)
    groups = torch.arange(60) % GROUPS
    value, left_out = kernel_discrepancy(real, made, groups, groups)
    # That of equal sizes is another unbiased estimate where pairs (i, i) across are left out; here none are.
    assert value == pytest.approx(set_metrics.kernel_distance(real, made)[0], rel=1e-9)
    kept = groups != 5
    by_hand = _by_hand(real[kept], made)
    assert left_out[0][5] == pytest.approx(by_hand, rel=1e-9)
    assert len(left_out[0]) == len(left_out[1]) == GROUPS


def _by_hand(real: Tensor, made: Tensor) -> float:
    def kernel(one: Tensor, other: Tensor) -> float:
        return float((one @ other / WIDTH + 1) ** 3)

    def within(rows: Tensor) -> float:
        sums = sum(kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j)
        return sums / (len(rows) * (len(rows) - 1))

    across = sum(kernel(a, b) for a in real for b in made) / (len(real) * len(made))
    return within(real) + within(made) - 2 * across


def test_neighborhoods_are_those_of_set_metrics() -> None:
    real, made = drawn(70, 1), drawn(50, 2, shift=0.8)
    ours, theirs = neighborhood_values(real, made, 5), set_metrics.neighborhoods(real, made, 5)
    for name in ("precision", "recall", "density", "coverage"):
        assert getattr(ours, name).mean() == pytest.approx(getattr(theirs, name))
    assert (len(ours.precision), len(ours.recall)) == (50, 70)
    assert 0 < ours.precision.mean() < 1


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore`:UserWarning", "ignore:std\\(\\):UserWarning")
def test_the_class_score_is_torchmetrics_inception_score() -> None:
    from types import SimpleNamespace

    from torchmetrics.image.inception import InceptionScore

    logits = drawn(64, 4) * 2
    scorer = ClassScore(SimpleNamespace(classes=tuple("abcdef")), "letters")  # type: ignore[arg-type]
    for row in logits.softmax(1):
        scorer.take(row.numpy())
    metric = InceptionScore(feature=_Columns(), splits=1)
    metric.update(logits[:, None, None])
    value, (left_out,) = scorer.value()
    assert value == pytest.approx(float(metric.compute()[0]), rel=1e-5)
    assert len(left_out) == GROUPS and min(left_out) < value < max(left_out)


def test_every_picture_has_the_same_chance_to_be_in_the_sample() -> None:
    hits = np.zeros(40)
    for seed in range(400):
        found = PictureSetFeatures(GroupedMoments(1), 10, np.random.default_rng(seed))
        for start in range(0, 40, 9):
            found.add(torch.arange(start, min(start + 9, 40)).float()[:, None])
        assert len(found.features) == len(found.groups) == 10
        hits[found.features[:, 0].long().numpy()] += 1
    assert found.count == 40 and found.moments.counts.max() == 2
    assert abs(hits - 100).max() < 4.5 * np.sqrt(400 * 0.25 * 0.75)


def digest(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def test_the_cache_gives_back_what_was_put_in_and_outlives_a_torn_write(tmp_path: Path) -> None:
    vectors = {number: np.arange(4, dtype=np.float32) + number for number in range(5)}
    with FeatureCache(tmp_path, "key", 4) as cache:
        for number, vector in vectors.items():
            cache.put(digest(number), 300 + number, 200, vector)
        assert cache.get(digest(1))[:2] == (301, 200)  # type: ignore[index]
    path = tmp_path / "key.features"
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    with FeatureCache(tmp_path, "key", 4) as cache:
        assert cache.get(digest(4)) is None
        cache.put(digest(9), 1, 2, vectors[0])
    damaged = bytearray(path.read_bytes())
    damaged[cache.record + 45] ^= 1
    path.write_bytes(bytes(damaged))
    with FeatureCache(tmp_path, "key", 4) as cache:
        assert cache.get(digest(1)) is None
        for number in (0, 2, 3):
            np.testing.assert_array_equal(cache.get(digest(number))[2], vectors[number])  # type: ignore[index]
        assert cache.get(digest(9))[:2] == (1, 2)  # type: ignore[index]
    assert path.stat().st_size == 5 * cache.record
