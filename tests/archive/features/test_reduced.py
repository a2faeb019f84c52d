"""Pictures at the size of measuring: from files and from memory alike, of any shape and depth."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
import tifffile
import torch
from skimage import data

from vasari.archive.features.reduced import MEASURED_PIXELS, measured_size, reduced
from vasari.foundation import image_files
from vasari.foundation.errors import PictureError
from vasari.foundation.picture import Picture, Space


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    """17.5 megapixels of grey, a size that nothing divides."""
    small = pyvips.Image.new_from_array(np.ascontiguousarray(data.astronaut()[:, :, 1]))
    return small.resize(8.2).numpy()[:4191, :4177]


@pytest.mark.parametrize("depth", [8, 16])
def test_a_file_is_measured_as_its_pixels_in_memory(large: np.ndarray, depth: int, tmp_path: Path) -> None:
    pixels = large if depth == 8 else large.astype(np.uint16) * 257
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack")
    found = reduced(path).pixels
    assert found.shape == (3, *measured_size(4191, 4177))
    # Only the squares of the first, whole step that lie across a border differ.
    assert float((found - reduced(pixels).pixels).abs().mean()) < 0.0015
    assert abs(float((found - reduced(pixels).pixels).mean())) < 1e-4


def test_pixels_are_means_of_their_areas() -> None:
    pixels = data.coffee().repeat(2, 0).repeat(2, 1)[:798, :1197]
    found = reduced(pixels).pixels.permute(1, 2, 0).numpy()
    expected = cv2.resize(pixels.astype(np.float32) / 255, found.shape[1::-1], interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_profile_counts(tmp_path: Path) -> None:
    pixels = data.coffee()[:200, :200]
    image = pyvips.Image.new_from_array(pixels)
    for profile in ("p3", "srgb"):
        image.icc_transform(profile, input_profile="srgb").tiffsave(str(tmp_path / f"{profile}.tif"), profile=profile)
    plain, wide = reduced(tmp_path / "srgb.tif"), reduced(tmp_path / "p3.tif")
    assert float((plain.pixels - wide.pixels).abs().mean()) < 0.01
    stored = image_files.inspect(tmp_path / "p3.tif")
    with image_files.open_rows(tmp_path / "p3.tif") as reader:
        raw = torch.from_numpy(reader.read(0, stored.height).astype(np.float32) / 255).permute(2, 0, 1)
    assert float((plain.pixels - raw).abs().mean()) > 0.01


def test_linear_pictures_are_encoded() -> None:
    grey = torch.full((1, 4, 4), 0.2140411)
    np.testing.assert_allclose(reduced(Picture(grey, space=Space.LINEAR)).pixels, 0.5, atol=1e-4)


def test_alpha_is_left_out(tmp_path: Path) -> None:
    pixels = np.dstack([data.coffee()[:50, :60], np.zeros((50, 60), np.uint8)])
    path = Picture.from_array(pixels).save(tmp_path / "clear.png")
    np.testing.assert_array_equal(reduced(path).pixels, reduced(pixels[:, :, :3]).pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (512, 512), (1, 900_000), (3, 400_000), (2000, 3001)])
def test_sizes_keep_the_aspect_and_the_limit(shape: tuple[int, int]) -> None:
    height, width = measured_size(*shape)
    assert 1 <= height <= shape[0] and 1 <= width <= shape[1] and height * width <= MEASURED_PIXELS * 1.002
    if shape[0] * shape[1] <= MEASURED_PIXELS:
        assert (height, width) == shape
    elif min(height, width) > 100:
        assert height / width == pytest.approx(shape[0] / shape[1], rel=0.01)


def test_a_long_strip_in_a_file_is_read(tmp_path: Path) -> None:
    strip = np.random.default_rng(0).integers(0, 256, (2, 150_000, 3), dtype=np.uint8)
    path = Picture.from_array(strip).save(tmp_path / "strip.tif")
    assert reduced(path).pixels.shape == (3, *measured_size(2, 150_000))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_refused(bad: float, tmp_path: Path) -> None:
    pixels = np.full((20, 30, 3), 0.5, np.float32)
    pixels[3, 4, 1] = bad
    with pytest.raises(PictureError, match="not finite"):
        reduced(pixels)
    tifffile.imwrite(tmp_path / "bad.tif", pixels, photometric="rgb")
    with pytest.raises(PictureError, match="not finite"):
        reduced(tmp_path / "bad.tif")


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.jpg").write_text("no picture")
    for path in (tmp_path / "note.jpg", tmp_path / "missing.tif"):
        with pytest.raises(PictureError):
            reduced(path)
