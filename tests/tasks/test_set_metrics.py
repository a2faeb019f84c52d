"""Scores of sets against other programs' (torchmetrics, SciPy) and against loops written from the papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial.distance
import torch
from torch import Tensor, nn

from vasari.foundation.errors import PlanError
from vasari.tasks import set_metrics

WIDTH = 6


class _Columns(nn.Module):
    """For torchmetrics: a picture [N, 1, 1, d] whose pixels are its features."""

    num_features = WIDTH

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels[:, 0, 0].double()


def drawn(count: int, seed: int, width: int = WIDTH, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=torch.Generator().manual_seed(99), dtype=torch.float64)
    return torch.randn(count, width, generator=generator, dtype=torch.float64) @ mixing + shift


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`:UserWarning")
def test_the_kernel_distance_is_that_of_torchmetrics() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    real, made = drawn(60, 1), drawn(60, 2, shift=0.3)
    theirs = KernelInceptionDistance(feature=_Columns(), subsets=1, subset_size=60)
    theirs.update(real[:, None, None], real=True)
    theirs.update(made[:, None, None], real=False)
    ours, deviation = set_metrics.kernel_distance(real, made)
    assert ours == pytest.approx(float(theirs.compute()[0]), rel=1e-9)
    assert deviation == 0.0


def test_the_kernel_distance_is_unbiased_and_its_subsets_are_seeded() -> None:
    pairs = [(drawn(40, seed), drawn(40, 1000 + seed)) for seed in range(200)]
    alike = [set_metrics.kernel_distance(*pair)[0] for pair in pairs]
    error = np.std(alike) / math.sqrt(len(alike))
    assert abs(np.mean(alike)) < 3 * error and min(alike) < 0
    first, second = drawn(60, 1), drawn(60, 2, shift=0.5)
    found = [set_metrics.kernel_distance(first, second, 20, 30, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert found[0][0] == pytest.approx(set_metrics.kernel_distance(first, second)[0], abs=found[0][1])


def test_the_frechet_distance_is_that_of_scipy_and_of_torchmetrics() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    real, made = drawn(50, 1), drawn(70, 2, shift=0.3)
    one, other = real.numpy(), made.numpy()
    covariances = [np.cov(features, rowvar=False) for features in (one, other)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = np.square(one.mean(0) - other.mean(0)).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    ours = set_metrics.frechet_distance(real, made)
    assert ours == pytest.approx(expected, rel=1e-9)
    theirs = FrechetInceptionDistance(feature=_Columns(), input_img_size=(1, 1, WIDTH))
    theirs.set_dtype(torch.float64)
    theirs.update(real[:, None, None], real=True)
    theirs.update(made[:, None, None], real=False)
    assert ours == pytest.approx(float(theirs.compute()), rel=1e-6)


def test_the_frechet_distance_bears_fewer_pictures_than_features() -> None:
    few = drawn(10, 1, width=30)
    assert set_metrics.frechet_distance(few, few) == pytest.approx(0.0, abs=1e-5)
    shifted = set_metrics.frechet_distance(few, few + 2.0)
    assert shifted == pytest.approx(30 * 4.0, rel=1e-6)


@pytest.mark.parametrize("rows_at_once", [7, 2048])
def test_neighborhoods_are_those_of_a_loop(rows_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_metrics, "ROWS_AT_ONCE", rows_at_once)
    real, made, k = drawn(40, 1), drawn(30, 2, shift=0.8), 3
    one, other = real.numpy(), made.numpy()

    def reach(points: np.ndarray) -> np.ndarray:
        return np.array([sorted(np.linalg.norm(points - point, axis=1))[k] for point in points])

    between = np.array([[np.linalg.norm(x - y) for y in other] for x in one])
    inside = between <= reach(one)[:, None]
    found = set_metrics.neighborhoods(real, made, k)
    assert found.precision == pytest.approx(inside.any(0).mean())
    assert found.recall == pytest.approx((between <= reach(other)[None]).any(1).mean())
    assert found.density == pytest.approx(inside.sum() / (k * len(other)))
    assert found.coverage == pytest.approx(inside.any(1).mean())
    assert 0 < found.precision < 1 and 0 < found.recall < 1 and 0 < found.coverage < 1


def test_a_collapsed_set_has_no_coverage_and_no_diversity() -> None:
    real = drawn(60, 1)
    made = real[:1].expand(60, -1) + 1e-6 * drawn(60, 2)
    found = set_metrics.compare_sets(real, made)
    assert found["precision"] == 1.0 and found["coverage"] < 0.2 and found["recall"] < 0.05
    assert found["diversity"] < 1e-4 * found["data_diversity"]
    fresh = set_metrics.compare_sets(real, drawn(60, 3))
    assert fresh["coverage"] > 0.8 and fresh["diversity"] == pytest.approx(fresh["data_diversity"], rel=0.2)
    assert abs(fresh["kernel_distance"]) < fresh["kernel_distance_deviation"]
    assert fresh["kernel_distance"] < found["kernel_distance"]


def test_pairwise_and_nearest_distances_are_those_of_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_metrics, "ROWS_AT_ONCE", 11)
    real, made = drawn(40, 1), drawn(25, 2)
    pairs = scipy.spatial.distance.pdist(made.numpy())
    assert set_metrics.mean_pairwise_distance(made) == pytest.approx(pairs.mean(), rel=1e-9)
    between = scipy.spatial.distance.cdist(made.numpy(), real.numpy())
    indices, distances = set_metrics.nearest(made, real, 4)
    assert np.array_equal(indices.numpy(), between.argsort(1)[:, :4])
    np.testing.assert_allclose(distances.numpy(), np.sort(between, 1)[:, :4], rtol=1e-12)
    own = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(real.numpy()))
    np.fill_diagonal(own, np.inf)
    indices, distances = set_metrics.nearest(real, real, itself=False)
    assert np.array_equal(indices[:, 0].numpy(), own.argmin(1))
    np.testing.assert_allclose(distances[:, 0].numpy(), own.min(1), rtol=1e-12)
    expected = between.min(1).mean() / own.min(1).mean()
    assert set_metrics.relative_nearest_distance(made, real) == pytest.approx(expected, rel=1e-9)


def test_a_copy_is_at_the_distance_0_however_far_from_the_origin() -> None:
    real = drawn(50, 1) + 1e6
    indices, distances = set_metrics.nearest(real[10:15].float(), real.float())
    assert indices[:, 0].tolist() == [10, 11, 12, 13, 14]
    assert not distances.any()
    assert set_metrics.relative_nearest_distance(real[:5], real) == 0.0


def test_the_smallest_sets_are_compared_too() -> None:
    found = set_metrics.compare_sets(drawn(2, 1), drawn(3, 2))
    assert len(found) == 9 and all(math.isfinite(value) for value in found.values())


def test_features_that_are_not_finite_score_nan() -> None:
    real, broken = drawn(20, 1), drawn(20, 2)
    broken[3, 2] = math.nan
    found = set_metrics.compare_sets(real, broken)
    assert all(math.isnan(found[name]) for name in found if name != "data_diversity")
    assert math.isnan(set_metrics.frechet_distance(real, broken))
    assert math.isnan(set_metrics.relative_nearest_distance(real, real[:1].expand(9, -1)))


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(PlanError, match="6 and of 4 numbers"):
        set_metrics.kernel_distance(drawn(9, 1), drawn(9, 2, width=4))
    with pytest.raises(PlanError, match=r"\[4, 6\].* 6 pictures"):
        set_metrics.neighborhoods(drawn(9, 1), drawn(4, 2))
    with pytest.raises(PlanError, match="4 pictures have no 4 neighbors"):
        set_metrics.nearest(drawn(4, 1), drawn(4, 1), 4, itself=False)
