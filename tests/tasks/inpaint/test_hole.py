"""The hole: the same bits from every source, and refusals that say what to do."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import maximum_filter

from vasari.foundation.errors import PictureError, PlanError
from vasari.tasks.inpaint.hole import Hole


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros((70, 101), bool)
    mask[20:33, 40:77] = mask[60, 100] = mask[0, 0] = True
    return mask


def test_arrays_of_every_kind_mean_the_same(mask: np.ndarray) -> None:
    forms = [mask, mask[:, :, None], mask.astype(np.float32), (mask * 255).astype(np.uint8)]
    forms.append(np.where(mask, 40000, 20000).astype(np.uint16))
    digests = {Hole.of_array(one).sha256 for one in forms}
    assert len(digests) == 1
    hole = Hole.of_array(mask)
    assert np.array_equal(hole.plane(), mask)
    assert hole.pixels == mask.sum() and hole.share == pytest.approx(mask.mean())
    assert hole.bounds() == (0, 61, 0, 101)


@pytest.mark.parametrize("kind", [int, np.uint8, np.uint16, np.int32, np.uint64, np.int8])
def test_integers_of_zero_and_one_mean_what_they_say(kind: type, mask: np.ndarray) -> None:
    assert np.array_equal(Hole.of_array(mask.astype(kind)).plane(), mask)
    assert Hole.of_array(np.zeros_like(mask, kind)).pixels == 0


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint32])
def test_wide_integers_are_of_8_bits_or_refused(kind: type, mask: np.ndarray) -> None:
    assert np.array_equal(Hole.of_array(np.where(mask, 128, 127).astype(kind)).plane(), mask)
    with pytest.raises(PictureError, match=r"0 to 65535.*0 to 255"):
        Hole.of_array(mask.astype(kind) * 65535)
    if np.dtype(kind).kind == "i":
        with pytest.raises(PictureError, match="from -1 to 0"):
            Hole.of_array(-mask.astype(kind))


def test_an_area_is_a_slice_and_empty_outside(mask: np.ndarray) -> None:
    hole, wide = Hole.of_array(mask), np.pad(mask, 50)
    rng = np.random.default_rng(0)
    for _ in range(50):
        top, left = rng.integers(-40, 80), rng.integers(-40, 110)
        bottom, right = top + rng.integers(1, 40), left + rng.integers(1, 40)
        expected = np.zeros((bottom - top, right - left), bool)
        cut = wide[top + 50 : bottom + 50, left + 50 : right + 50]
        expected[: cut.shape[0], : cut.shape[1]] = cut
        assert np.array_equal(hole.area(top, bottom, left, right), expected)


@pytest.mark.parametrize("by_px", [0, 1, 5])
def test_growing_is_a_maximum_filter(mask: np.ndarray, by_px: int) -> None:
    grown = Hole.of_array(mask).grown(by_px).plane()
    assert np.array_equal(grown, maximum_filter(mask, 2 * by_px + 1, mode="constant"))


@pytest.mark.parametrize("by_px", [1, 7, 40, 120])
def test_growing_gives_the_bits_of_a_square(by_px: int) -> None:
    """Across strips too: the plane is higher than one, and the square goes beyond it."""
    mask = np.random.default_rng(by_px).random((300, 90)) < 1 / (2 * by_px + 1) ** 2
    mask[150, 40] = True
    planes = torch.from_numpy(mask).float()[None, None]
    square = torch.nn.functional.max_pool2d(torch.nn.functional.pad(planes, [by_px] * 4), 2 * by_px + 1, stride=1)
    grown = Hole.of_array(mask).grown(by_px)
    assert np.array_equal(grown.packed, np.packbits(square[0, 0].numpy() > 0, axis=1))


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA"])
def test_a_file_is_missing_where_it_is_light(mode: str, mask: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray((mask * 255).astype(np.uint8)).convert(mode).save(tmp_path / "mask.png")
    assert np.array_equal(Hole.of_file(tmp_path / "mask.png").plane(), mask)


def test_a_box_is_counted_from_the_upper_left(mask: np.ndarray) -> None:
    hole = Hole.of_box((40, 20, 37, 13), 70, 101)
    assert hole.bounds() == (20, 33, 40, 77) and hole.pixels == 37 * 13


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 102, 5), (0, 66, 5, 5), (0, 0, 0, 5), (1, 2, 3)])
def test_boxes_that_reach_outside_are_refused(box: tuple[int, ...]) -> None:
    with pytest.raises(PlanError, match="box"):
        Hole.of_box(box, 70, 101)


def test_masks_of_another_size_or_without_surroundings_are_refused(mask: np.ndarray) -> None:
    with pytest.raises(PictureError, match="101×70.*100×70"):
        Hole.of_array(mask).check(70, 100)
    with pytest.raises(PictureError, match="whole picture"):
        Hole.of_array(np.ones((70, 101), bool)).check(70, 101)
    with pytest.raises(PictureError, match="shape"):
        Hole.of_array(np.ones((3, 70, 101), bool))


def test_a_mask_file_of_0_and_1_is_no_empty_one(tmp_path: Path) -> None:
    mask = np.zeros((20, 30), np.uint8)
    Image.fromarray(mask).save(tmp_path / "black.png")
    assert Hole.of_file(tmp_path / "black.png").pixels == 0
    mask[3:5] = 1
    Image.fromarray(mask).save(tmp_path / "ones.png")
    with pytest.raises(PictureError, match="nothing in it is light"):
        Hole.of_file(tmp_path / "ones.png")
