"""The picture contract: shapes, ranges and exact conversions."""

from __future__ import annotations

import io
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from skimage import data

from vasari.foundation.errors import PictureError, VasariError
from vasari.foundation.picture import Metadata, Picture, Space


@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 4), (4, 4, 4), (3, 0, 4), (1, 3, 4, 4)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match=r"\[1 or 3, rows, columns\]") as caught:
        Picture(torch.zeros(shape))
    assert "Remedy:" in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.uint8, torch.float16])
def test_other_types_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(PictureError, match="float32"):
        Picture(torch.zeros(3, 4, 4, dtype=dtype))


sizes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))


@given(st.sampled_from([np.uint8, np.uint16]).flatmap(lambda kind: arrays.arrays(kind, sizes)))
@settings(max_examples=60, deadline=None)
def test_arrays_come_back_bit_for_bit(array: np.ndarray) -> None:
    picture = Picture.from_array(array)
    assert picture.depth == 8 * array.itemsize
    assert 0 <= float(picture.pixels.min()) <= float(picture.pixels.max()) <= 1
    np.testing.assert_array_equal(picture.to_array(), array)


def test_every_16_bit_value_comes_back() -> None:
    array = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(Picture.from_array(array).to_array()[:, :, 0], array)


def test_alpha_is_kept_apart() -> None:
    array = np.dstack([data.rocket()[:10, :12], np.full((10, 12), 128, np.uint8)])
    picture = Picture.from_array(array)
    assert picture.pixels.shape == (3, 10, 12)
    assert picture.alpha is not None and picture.alpha.shape == (1, 10, 12)
    assert Picture.from_array(array[:, :, :2]).is_grey


def test_sizes_kinds_and_representation() -> None:
    picture = Picture.from_array(data.camera()[:30, :40])
    assert (picture.height, picture.width, picture.is_grey) == (30, 40, True)
    assert repr(picture) == "Picture(40×30 grey, 8 bit, srgb)"
    assert "from scan.tif" in repr(Picture(torch.zeros(3, 2, 2), source=Path("x/scan.tif")))


def test_values_beyond_the_range_are_clipped_on_the_way_out() -> None:
    picture = Picture(torch.tensor([[[-0.5, 0.5, 1.5]]]), depth=8)
    np.testing.assert_array_equal(picture.to_array()[0, :, 0], [0, 128, 255])
    np.testing.assert_array_equal(picture.to_array(32)[0, :, 0], np.float32([-0.5, 0.5, 1.5]))


def test_other_arrays_are_refused() -> None:
    for shape in ((3,), (2, 2, 5), (1, 2, 3, 4)):
        with pytest.raises(VasariError, match="shape"):
            Picture.from_array(np.zeros(shape, np.uint8))


def test_other_pixels_keep_everything_else() -> None:
    picture = Picture.from_array(data.rocket()[:9, :9])
    picture = Picture(picture.pixels, depth=16, metadata=Metadata(orientation=6))
    other = picture.with_pixels(picture.pixels * 0)
    assert (other.depth, other.metadata.orientation) == (16, 6)
    with pytest.raises(FrozenInstanceError):
        other.depth = 8  # type: ignore[misc]


def test_a_notebook_shows_a_small_png() -> None:
    for array in (data.coffee(), data.camera(), np.zeros((2000, 10), np.uint16)):
        with Image.open(io.BytesIO(Picture.from_array(array)._repr_png_())) as image:
            assert max(image.size) <= 768 and image.format == "PNG"


def test_saving_goes_through_the_file_layer(tmp_path: Path) -> None:
    array = data.coffee()[:40, :50]
    path = Picture.from_array(array).save(tmp_path / "a.png")
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), array)
    assert Picture(torch.zeros(1, 2, 2), space=Space.LINEAR).save(str(tmp_path / "b.tif")).exists()
