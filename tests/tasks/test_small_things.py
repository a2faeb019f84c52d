"""Small things of a scene: each kind draws something, within bounds, softly, by its seed alone."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage import data

from vasari.tasks.restore.small_things import DRAWN, with_small_things

SIDE = 96


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return (data.astronaut()[:SIDE, :SIDE].transpose(2, 0, 1) / 255).astype(np.float32)


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__.strip("_"))
def test_every_kind_draws_something_small(draw: Callable[..., np.ndarray], scene: np.ndarray) -> None:
    moved = []
    for seed in range(12):
        drawn = draw(scene.copy(), np.random.default_rng(seed))
        assert drawn.shape == scene.shape and drawn.dtype == np.float32 and np.isfinite(drawn).all()
        moved.append((np.abs(drawn - scene).max(0) > 0.05).mean())
    assert np.median(moved) > 0, "more often than not something is seen"
    assert np.mean(moved) < 0.5, "the scene stays"


@pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__.strip("_"))
def test_things_are_as_soft_as_a_lens_leaves_them(draw: Callable[..., np.ndarray]) -> None:
    plain = np.full((3, SIDE, SIDE), 0.5, np.float32)
    steepest = max(
        float(np.abs(np.diff(draw(plain.copy(), np.random.default_rng(seed)), axis=2)).max()) for seed in range(12)
    )
    assert 0.02 < steepest < 0.75, "a hard edge between black and white would be 1"


def test_equal_seeds_draw_equally_and_stay_in_range(scene: np.ndarray) -> None:
    given = torch.from_numpy(scene.copy())
    first, again = (with_small_things(given, np.random.default_rng(3)) for _ in range(2))
    other = with_small_things(given, np.random.default_rng(4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert 0 <= first.min() and first.max() <= 1
    assert torch.equal(given, torch.from_numpy(scene)), "the scene that was given is not touched"
