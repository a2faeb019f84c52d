"""The complexity-entropy plane equals ordpy's, and puts noise and flat pictures where theory does."""

from __future__ import annotations

import numpy as np
import ordpy
import pytest
import skimage.color
import skimage.data

from vasari.archive.complexity import complexity_entropy
from vasari.foundation.errors import PictureError

PHOTOGRAPHS = {"astronaut": skimage.data.astronaut, "coffee": skimage.data.coffee, "chelsea": skimage.data.chelsea}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("ties", [False, True], ids=["real", "8-bit with ties"])
def test_photographs_equal_ordpy(name: str, ties: bool) -> None:
    grey = skimage.color.rgb2gray(PHOTOGRAPHS[name]()[:120, :150])
    if ties:
        grey = np.round(grey * 20).astype(np.uint8)
    found = complexity_entropy(grey)
    assert np.allclose(found, ordpy.complexity_entropy(grey, dx=2, dy=2), rtol=0, atol=1e-12)


def test_few_patterns_equal_ordpy() -> None:
    grey = np.add.outer(np.arange(9), np.arange(12) ** 2) % 7
    assert np.allclose(complexity_entropy(grey), ordpy.complexity_entropy(grey, dx=2, dy=2), rtol=0, atol=1e-12)


def test_white_noise_is_all_entropy_and_no_complexity() -> None:
    entropy, complexity = complexity_entropy(np.random.default_rng(2).random((700, 700)))
    assert entropy > 0.9999
    assert complexity < 2e-4


def test_a_flat_picture_is_neither() -> None:
    assert [float(one) for one in complexity_entropy(np.zeros((5, 6), np.uint8))] == [0.0, 0.0]


def test_stacks_equal_their_pictures() -> None:
    stack = np.random.default_rng(3).integers(0, 9, (2, 3, 20, 31))
    entropy, complexity = complexity_entropy(stack)
    assert entropy.shape == complexity.shape == (2, 3)
    for place in np.ndindex(2, 3):
        assert (entropy[place], complexity[place]) == complexity_entropy(stack[place])


def test_only_the_order_of_values_counts() -> None:
    grey = np.random.default_rng(4).random((30, 30))
    assert np.array_equal(complexity_entropy(grey), complexity_entropy(np.exp(3 * grey) - 7))


@pytest.mark.parametrize("grey", [np.zeros((1, 5)), np.zeros(7), np.full((4, 4), np.nan)])
def test_what_has_no_order_is_refused(grey: np.ndarray) -> None:
    with pytest.raises(PictureError):
        complexity_entropy(grey)
