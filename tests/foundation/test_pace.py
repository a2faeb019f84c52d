"""Work guessed from endings and sizes, and the time left: nothing until enough is done, then at the speed so far."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from vasari.foundation.batches import PICTURE_SUFFIXES
from vasari.foundation.pace import BYTES_A_PIXEL, FILE_PIXELS, LONG_SECONDS, seconds_left, work_of
from vasari.foundation.video_formats import FILM_SUFFIXES


@pytest.mark.parametrize(
    ("spent_s", "done", "total", "left"),
    [
        (10, 1, 4, 30),
        (100, 5, 10, 100),
        (10, 4, 4, 0),
        (10, 5, 4, 0),
        (0, 0, 4, None),
        (10, 0, 4, None),
        (10, 1, 0, None),
        (10, -1, 4, None),
        (0.3, 1, 4, None),
        (10, 2e3, 3e8, None),
        (LONG_SECONDS, 1, 1000, LONG_SECONDS * 999),
    ],
)
def test_the_rest_at_the_speed_so_far(spent_s: float, done: float, total: float, left: float | None) -> None:
    assert seconds_left(spent_s, done, total) == left


@pytest.mark.parametrize("unit", [1e-6, 1, 1e9])
def test_units_do_not_matter(unit: float) -> None:
    assert seconds_left(20, 3 * unit, 8 * unit) == pytest.approx(100 / 3)


@pytest.mark.parametrize(("suffix", "options"), [(".jpg", {"quality": 90}), (".tif", {}), (".png", {}), (".webp", {})])
def test_the_pixels_of_a_photograph_are_guessed(suffix: str, options: dict[str, int]) -> None:
    """Within a factor of three, where bytes are apart by a factor of twenty."""
    grained = data.astronaut() + np.random.default_rng(0).normal(0, 2, (512, 512, 3))
    file = io.BytesIO()
    image = Image.fromarray(grained.clip(0, 255).astype(np.uint8))
    image.save(file, Image.registered_extensions()[suffix], **options)
    guessed = work_of(Path(f"scan{suffix.upper()}"), file.tell()) - FILE_PIXELS
    assert 1 / 3 < guessed / 512**2 < 3


def test_every_ending_is_known_and_every_file_is_some_work() -> None:
    assert set(BYTES_A_PIXEL) == PICTURE_SUFFIXES | FILM_SUFFIXES
    assert work_of(Path("empty.tif"), 0) == work_of(Path("none"), 0) == FILE_PIXELS
