"""Places on a plane, against scikit-learn, and what makes no map."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vasari.archive.maps.projection import project
from vasari.foundation.errors import MissingExtraError, PlanError


def clouds(count: int = 300) -> np.ndarray:
    draw = np.random.default_rng(0)
    centers = 5 * draw.normal(size=(3, 12))
    return (centers[np.arange(count) % 3] + draw.normal(size=(count, 12))).astype(np.float32)


def test_pca_is_that_of_scikit_learn_up_to_signs():
    given = clouds()
    ours, theirs = project(given), PCA(2, svd_solver="full").fit_transform(given)
    for axis in range(2):
        assert abs(np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]) == pytest.approx(1, abs=1e-5)
        assert np.std(ours[:, axis]) == pytest.approx(np.std(theirs[:, axis]), rel=1e-4)


def test_signs_do_not_hang_on_the_order_of_works():
    given = clouds()
    order = np.random.default_rng(1).permutation(len(given))
    assert np.allclose(project(given)[order], project(given[order]), atol=1e-3)


def test_one_dimension_lies_on_a_line():
    assert np.ptp(project(np.arange(5, dtype=np.float32)[:, None])[:, 1]) == 0


@pytest.mark.skipif(importlib.util.find_spec("umap") is not None, reason="the extra is installed")
def test_umap_without_its_extra_is_told():
    with pytest.raises(MissingExtraError) as caught:
        project(clouds(), "umap")
    assert "vasari[maps]" in caught.value.remedy


@pytest.mark.parametrize(("count", "method"), [(2, "pca"), (10, "tsne")])
def test_what_makes_no_map_is_refused(count, method):
    with pytest.raises(PlanError):
        project(clouds(count), method)
