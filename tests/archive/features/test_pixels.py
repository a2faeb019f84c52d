"""Measures of pixels against other implementations, and what must not change them."""

import numpy as np
import ordpy
import pytest
import torch
from scipy import ndimage, stats
from skimage import color as reference
from skimage import data

from vasari.archive.features.color import PALETTE_AXIS, PALETTE_LIGHTNESS, color, palette, warmth
from vasari.archive.features.edges import edges, gradient
from vasari.archive.features.reduced import Reduced, reduced
from vasari.archive.features.table import FEATURES, complexity

PIXELS = ("color", "palette", "edges", "complexity")


def picture(name: str = "coffee") -> np.ndarray:
    return np.ascontiguousarray(getattr(data, name)()[40:240, 60:300, :3])


def columns(name: str, source: np.ndarray) -> dict[str, float]:
    feature = FEATURES[name]
    return dict(zip((one.name for one in feature.columns), feature.of_picture(reduced(source)).tolist()))


@pytest.mark.parametrize("name", ["coffee", "astronaut", "chelsea"])
def test_colors_are_those_of_scikit_image_and_scipy(name: str) -> None:
    pixels = picture(name)
    lab = reference.rgb2lab(pixels).reshape(-1, 3)
    chroma = np.sqrt(lab[:, 1] ** 2 + lab[:, 2] ** 2)
    # Ou et al. 2004, with the cosine of a difference written out.
    angle = np.deg2rad(50)
    cosine = (lab[:, 1] * np.cos(angle) + lab[:, 2] * np.sin(angle)) / np.maximum(chroma, 1e-9)
    red, green, blue = (pixels[:, :, band].astype(float) for band in range(3))
    first, second = red - green, 0.5 * (red + green) - blue
    boxes = np.stack([lab[:, 0] // 10, (lab[:, 1] + 10) // 20, (lab[:, 2] + 10) // 20], 1)
    _, counts = np.unique(boxes, axis=0, return_counts=True)
    expected = {
        "lightness_mean": lab[:, 0].mean(),
        "lightness_deviation": lab[:, 0].std(),
        "lightness_skewness": stats.skew(lab[:, 0]),
        "lightness_5": np.quantile(lab[:, 0], 0.05),
        "lightness_50": np.median(lab[:, 0]),
        "lightness_95": np.quantile(lab[:, 0], 0.95),
        "chroma_mean": chroma.mean(),
        "chroma_deviation": chroma.std(),
        "red_green_mean": lab[:, 1].mean(),
        "yellow_blue_mean": lab[:, 2].mean(),
        "warm_share": (0.02 * chroma**1.07 * cosine > 0.5).mean(),
        "grey_share": (chroma < 5).mean(),
        "colorfulness": np.sqrt(first.var() + second.var()) + 0.3 * np.sqrt(first.mean() ** 2 + second.mean() ** 2),
        "palette_entropy": stats.entropy(counts, base=2),
    }
    found = columns("color", pixels)
    assert found.keys() == expected.keys()
    for column, value in expected.items():
        # scikit-image's matrix and white differ from ours in the fourth digit.
        assert found[column] == pytest.approx(value, rel=4e-3, abs=0.03), column


def test_orange_is_warm_and_blue_is_not() -> None:
    lab = reference.rgb2lab(np.array([[[255, 140, 0], [0, 80, 200], [128, 128, 128]]], np.uint8))[0]
    warm = warmth(np.hypot(lab[:, 1], lab[:, 2]), lab[:, 1], lab[:, 2])
    assert warm[0] > 0 > warm[1]
    assert warm[2] == pytest.approx(-0.5, abs=0.01)


def test_grey_pictures_have_no_color() -> None:
    found = columns("color", data.camera()[:200, :200])
    assert found["chroma_mean"] < 0.1 and found["colorfulness"] < 0.01 and found["warm_share"] == 0
    assert found["grey_share"] == 1
    assert found["palette_entropy"] <= np.log2(11)


def test_the_palette_shares_every_pixel_out_over_eight_places() -> None:
    pixels = picture()[:12, :16]
    wanted = np.zeros((len(PALETTE_LIGHTNESS), len(PALETTE_AXIS), len(PALETTE_AXIS)))
    for value in reference.rgb2lab(pixels).reshape(-1, 3):
        sides = []
        for number, places in zip(value, (PALETTE_LIGHTNESS, PALETTE_AXIS, PALETTE_AXIS)):
            above = min(max(np.searchsorted(places, number), 1), len(places) - 1)
            share = np.clip((number - places[above - 1]) / (places[above] - places[above - 1]), 0, 1)
            sides.append(((above - 1, 1 - share), (above, share)))
        for low, one in sides[0]:
            for a, two in sides[1]:
                for b, three in sides[2]:
                    wanted[low, a, b] += one * two * three
    found = palette(reduced(pixels))
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    # The colors are counted in small boxes first.
    assert np.abs(found**2 - (wanted / wanted.sum()).ravel()).sum() < 0.12


def test_a_slight_cast_moves_the_palette_less_than_another_picture() -> None:
    one, other = palette(reduced(picture())), palette(reduced(picture("astronaut")))
    cast = palette(reduced(np.clip(picture() + np.array([6, 0, -6]), 0, 255).astype(np.uint8)))
    assert np.linalg.norm(one - cast) < np.linalg.norm(one - other) / 2


def test_gradients_are_those_of_a_gaussian_derivative() -> None:
    plane = reduced(picture()).lab[0]
    down, across = gradient(plane)
    for order, found in (((1, 0), down), ((0, 1), across)):
        expected = ndimage.gaussian_filter(plane.astype(float), 1.0, order=order, mode="nearest", truncate=4)
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_a_ramp_has_its_slope_and_one_direction() -> None:
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))[None].repeat(3, 0)
    found = edges(Reduced(torch.from_numpy(ramp)))
    assert found[1] == pytest.approx(100 / 63, rel=0.1)
    assert found[2] == 0
    noise = np.random.default_rng(0).random((3, 128, 128), dtype=np.float32)
    assert edges(Reduced(torch.from_numpy(noise)))[2] > 0.99


def test_a_step_is_an_edge_a_few_pixels_wide() -> None:
    step = np.full((64, 64, 3), 60, np.uint8)
    step[:, 32:] = 200
    assert 2 / 64 <= columns("edges", step)["edge_density"] <= 6 / 64


def test_complexity_is_that_of_ordpy() -> None:
    pixels = picture("chelsea")
    expected = ordpy.complexity_entropy(pixels.astype(int).sum(2), dx=2, dy=2)
    np.testing.assert_allclose(complexity(reduced(pixels)), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["color", "palette"])
def test_colors_do_not_ask_where_they_are(name: str) -> None:
    compute = FEATURES[name].of_picture
    pixels = picture()
    shuffled = np.random.default_rng(1).permutation(pixels.reshape(-1, 3)).reshape(pixels.shape)
    for same in (pixels[:, ::-1], pixels[::-1], pixels.transpose(1, 0, 2), shuffled):
        np.testing.assert_allclose(compute(reduced(same)), compute(reduced(pixels)), rtol=1e-4, atol=1e-5)


def test_edges_do_not_ask_for_the_side_of_a_mirror() -> None:
    pixels = picture()
    for same in (pixels[:, ::-1], pixels[::-1], pixels.transpose(1, 0, 2)):
        np.testing.assert_allclose(edges(reduced(same)), edges(reduced(pixels)), rtol=2e-3)


def test_color_sees_a_change_of_color() -> None:
    pixels = picture()
    assert np.abs(color(reduced(pixels)) - color(reduced(pixels[:, :, ::-1]))).max() > 5
