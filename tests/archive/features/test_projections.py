"""Projections: as scikit-learn has them, whole in their files, refused when they are not what they say."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from vasari.archive.features import projections
from vasari.archive.features.projections import Projection, components, whitening
from vasari.foundation.errors import WeightsError

ENCODER = "a" * 64


def codes() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(60, 6)) @ rng.normal(size=(6, 20)) + 0.1 * rng.normal(size=(60, 20))).astype(np.float32)


def test_components_are_those_of_scikit_learn() -> None:
    found = components(codes(), 4, ENCODER, {})(codes())
    standardized = (codes() - codes().mean(0)) / codes().std(0)
    expected = PCA(4, whiten=True).fit_transform(standardized) * np.sqrt(60 / 59)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    np.testing.assert_allclose(found.std(0), 1, atol=1e-4)


def test_whitening_leaves_no_correlation_and_keeps_units() -> None:
    found = whitening(codes(), 5, ENCODER, {})(codes())
    np.testing.assert_allclose(np.cov(found.T, bias=True), np.eye(5), atol=1e-3)


def test_signs_do_not_depend_on_the_order_of_pictures() -> None:
    one, other = components(codes(), 4, ENCODER, {}), components(codes()[::-1], 4, ENCODER, {})
    np.testing.assert_allclose(one.axes, other.axes, atol=1e-4)


def test_a_projection_comes_back_from_its_file(tmp_path: Path) -> None:
    made = components(codes(), 3, ENCODER, {"rights": "none needed"})
    path = made.save(tmp_path / "one.safetensors")
    found = Projection.load(path)
    assert found.encoder == ENCODER and found.facts["pictures"] == "60" and found.facts["rights"] == "none needed"
    assert len(found.digest) == 64
    np.testing.assert_allclose(found(codes()), made(codes()), atol=0.02)
    assert path.read_bytes() == made.save(tmp_path / "two.safetensors").read_bytes()


@pytest.mark.parametrize("name", ["style-components", "embedding"])
def test_what_is_bundled_tells_of_its_reference(name: str) -> None:
    found = projections.bundled(name)
    assert int(found.facts["pictures"]) >= 500 and found.facts["rights"]
    assert len(found.encoder) == 64


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = components(codes(), 3, ENCODER, {}).save(tmp_path / "one.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:-50])
    (tmp_path / "text.safetensors").write_text("no tensors here")
    for bad in (tmp_path / "cut.safetensors", tmp_path / "text.safetensors", tmp_path / "none.safetensors"):
        with pytest.raises(WeightsError):
            Projection.load(bad)
    with pytest.raises(WeightsError, match="components"):
        components(codes()[:3], 3, ENCODER, {})
