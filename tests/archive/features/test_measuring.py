"""The table of features: every entry measured, versioned, compared; batches that do not matter; errors kept apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from vasari.archive.features.coding import Coded, Coder, style_code
from vasari.archive.features.comparing import METRICS, comparable, distances
from vasari.archive.features.measuring import measure, measure_all
from vasari.archive.features.reduced import reduced
from vasari.archive.features.table import FEATURES, version_of
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models.style import StyleCode

NAMES = ("astronaut", "coffee", "chelsea", "rocket", "coins", "immunohistochemistry", "camera", "retina")
CODED = tuple(name for name, feature in FEATURES.items() if feature.of_codes is not None)


def picture(name: str) -> np.ndarray:
    pixels = getattr(data, name)()
    return np.ascontiguousarray(pixels[: min(pixels.shape[0], 320) : 2, : min(pixels.shape[1], 400) : 2])


@pytest.fixture(scope="module")
def coder() -> Coder:
    return Coder.of(device="cpu", precision="float32")


@pytest.fixture(scope="module")
def base(coder: Coder) -> dict[str, np.ndarray]:
    """The vectors of eight pictures, by feature."""
    found = [one.vectors for one in measure_all([picture(name) for name in NAMES], coder=coder)]
    return {name: np.stack([one[name] for one in found]) for name in FEATURES}


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_keeps_what_its_entry_says(name: str, base: dict[str, np.ndarray]) -> None:
    feature, vectors = FEATURES[name], base[name]
    assert vectors.shape == (len(NAMES), feature.dimensions) and vectors.dtype == np.float32
    assert np.isfinite(vectors).all() and vectors.std(0).max() > 0
    assert (feature.of_picture is None) != (feature.of_codes is None)
    assert not feature.columns or len(feature.columns) == feature.dimensions
    assert all(column.spread > 0 for column in feature.columns)
    assert feature.compared in METRICS
    assert all(part.isalnum() for part in version_of(name, Coder.of()).split("-"))


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_is_described(name: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / "features.md").read_text(encoding="utf-8")
    feature = FEATURES[name]
    assert f"| `{name}` | {feature.dimensions} |" in text
    for column in feature.columns if feature.of_picture else ():
        assert f"| `{column.name}` | {column.unit + ' ' if column.unit else ''}| {column.spread:g} |" in text


@pytest.mark.parametrize("name", FEATURES)
def test_every_distance_is_zero_to_itself_and_symmetric(name: str, base: dict[str, np.ndarray]) -> None:
    vectors = base[name]
    table = np.stack([distances(name, one, vectors) for one in vectors])
    np.testing.assert_allclose(np.diag(table), 0, atol=1e-5)
    np.testing.assert_allclose(table, table.T, atol=1e-4)
    assert table[~np.eye(len(NAMES), dtype=bool)].min() > 0.01
    if METRICS[FEATURES[name].compared] is METRICS["hellinger"]:
        assert table.max() <= 1


def test_distances_are_what_they_are_called(base: dict[str, np.ndarray], coder: Coder) -> None:
    first, second = base["palette"][:2].astype(float) ** 2
    hellinger = np.sqrt(1 - np.sqrt(first * second).sum())
    assert distances("palette", base["palette"][0], base["palette"][1:2])[0] == pytest.approx(hellinger, abs=1e-4)
    one, other = base["embedding"][:2].astype(float)
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    found = distances("embedding", 3 * base["embedding"][0], base["embedding"][1:2])[0]
    assert found == pytest.approx(np.sqrt(1 - cosine), abs=1e-4)
    difference = ((base["style"][0] - base["style"][1]) / coder.components.spread)[:-6]
    found = distances("style", base["style"][0], base["style"][1:2])[0]
    assert found == pytest.approx(np.sqrt((difference**2).mean()), rel=1e-4)
    assert comparable("style", base["style"]).shape == (len(NAMES), 832)


@pytest.mark.parametrize("name", CODED)
def test_batch_mates_and_jobs_do_not_matter(name: str, base: dict[str, np.ndarray], coder: Coder) -> None:
    order = [2, 0, 1, 4, 3, 5, 7, 6, 0]
    sources = [picture(NAMES[index]) for index in order]
    found = list(measure_all(iter(sources), (name,), coder, jobs=2, batch=3))
    assert [one.source is source for one, source in zip(found, sources)] == [True] * len(order)
    spread = base[name].std(0).mean()
    for one, index in zip(found, order):
        np.testing.assert_allclose(one.vectors[name], base[name][index], atol=1e-3 * spread)


def test_style_is_the_style_code(coder: Coder, base: dict[str, np.ndarray]) -> None:
    pixels = reduced(picture("coffee")).pixels
    expected = StyleCode.of(pixels, coder.encoder, coder.digest)
    vector = base["style"][NAMES.index("coffee")]
    np.testing.assert_allclose(vector, expected.vector(), rtol=1e-4, atol=1e-4)
    back = style_code(vector, coder)
    assert back.encoder == coder.digest
    assert [one.shape for one in back.means] == [one.shape for one in expected.means]
    assert [one.shape for one in back.deviations] == [one.shape for one in expected.deviations]
    np.testing.assert_array_equal(back.vector(), vector)


def test_bfloat16_moves_codes_far_less_than_pictures_differ(coder: Coder) -> None:
    pictures = [reduced(picture(name)) for name in NAMES[:4]]
    half = replace(coder, precision=torch.bfloat16)
    exact = np.concatenate([Coded([one], coder).style for one in pictures])
    rough = np.concatenate([Coded([one], half).style for one in pictures])
    own = np.diag([distances("style", one, rough[index : index + 1])[0] for index, one in enumerate(exact)])
    others = np.stack([distances("style", one, exact) for one in exact])
    assert 0 < own.max() < 0.03 * others[~np.eye(len(pictures), dtype=bool)].min()


def test_fading_and_cropping_leave_the_original_nearest(base: dict[str, np.ndarray], coder: Coder) -> None:
    for index, name in enumerate(NAMES):
        whole = picture(name)
        height, width = whole.shape[:2]
        crop = whole[height // 10 : height - height // 10, width // 10 : width - width // 10]
        faded = np.clip(90 + 0.5 * whole.astype(float), 0, 255).astype(np.uint8)
        for altered in (crop, faded):
            vector = measure(altered, ("embedding",), coder).vectors["embedding"]
            assert distances("embedding", vector, base["embedding"]).argmin() == index, name


def test_versions_carry_the_digests(coder: Coder) -> None:
    other = replace(coder, digest="b" * 64)
    anew = replace(coder, components=replace(coder.components, digest="c" * 64))
    assert version_of("color", None) == version_of("color", other) == "1"
    assert version_of("style", coder) == f"1-{coder.digest[:8]}" != version_of("style", other) == "1-bbbbbbbb"
    assert version_of("style", anew) == version_of("style", coder)
    assert version_of("style_components", anew) == f"1-{coder.digest[:8]}-cccccccc"
    assert measure(picture("coffee"), ("style",), other).measured[0].version == "1-bbbbbbbb"
    with pytest.raises(PlanError, match="needs the encoder"):
        version_of("style", None)


def test_a_reference_of_another_encoder_is_refused(coder: Coder) -> None:
    with pytest.raises(WeightsError, match="reference"):
        coder.components.for_encoder("b" * 64)


def test_unknown_features_are_refused() -> None:
    with pytest.raises(PlanError, match="brightness"):
        measure(picture("coffee"), ("brightness",))
    with pytest.raises(PlanError, match="brightness"):
        comparable("brightness", np.zeros((1, 2)))


def test_odd_pictures_give_finite_values_or_named_errors(coder: Coder, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    odd = {
        "a point": (np.zeros((1, 1), np.uint8), {"complexity"}),
        "a line": (rng.integers(0, 256, (1, 5000, 3), dtype=np.uint8), {"complexity"}),
        "flat": (np.full((40, 60, 3), 0.5, np.float32), set()),
        "white": (np.full((17, 33), 65535, np.uint16), set()),
        "clear": (np.zeros((20, 20, 4), np.uint16), set()),
        "grey and alpha": (rng.integers(0, 256, (30, 20, 2), dtype=np.uint8), set()),
        "out of range": (rng.normal(0.5, 2, (30, 20, 3)).astype(np.float32), set()),
        "not finite": (np.full((4, 6, 3), np.nan, np.float32), {""}),
    }
    sources = [source for source, _ in odd.values()]
    whole = list(measure_all([*sources, tmp_path / "missing.jpg", picture("coffee")], coder=coder, batch=4))
    for (name, (_, failing)), found in zip(odd.items(), whole):
        assert set(found.failures) == failing, name
        assert all(np.isfinite(vector).all() for vector in found.vectors.values()), name
        assert set(found.vectors) == (set() if failing == {""} else set(FEATURES) - failing), name
    assert "missing.jpg" in str(whole[-2].failures[""])
    assert set(whole[-1].vectors) == set(FEATURES)


def test_pictures_are_taken_as_they_come(tmp_path: Path) -> None:
    path = Picture.from_array(picture("coffee")).save(tmp_path / "cup.png")
    taken = 0

    def endless():  # type: ignore[no-untyped-def]
        nonlocal taken
        while True:
            taken += 1
            yield path

    first = next(measure_all(endless(), ("color",)))
    assert set(first.vectors) == {"color"} and taken <= 32
