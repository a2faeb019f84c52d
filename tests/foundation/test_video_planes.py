"""What samples mean: against the formulas of ITU-T H.273 and against OpenCV; and back again, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vasari.foundation.errors import PictureError
from vasari.foundation.video_formats import ColorTags
from vasari.foundation.video_layouts import check_colors, layout_of, settled
from vasari.foundation.video_planes import from_srgb, to_srgb
from vasari.foundation.video_primaries import from_srgb_primaries, matrix_to_srgb, to_srgb_primaries

LAYOUTS = ["yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "yuv420p10le", "yuv422p12le", "gbrp",
           "gbrp10le", "gray", "gray10le"]  # fmt: skip


def planes_for(name: str, height: int, width: int, seed: int = 5) -> list[np.ndarray]:
    """Samples of every value that the depth knows."""
    layout = layout_of(name)
    assert layout is not None
    rng = np.random.default_rng(seed)
    kind = np.uint8 if layout.depth == 8 else np.uint16
    chroma = (-(-height // 2**layout.down), -(-width // 2**layout.across))
    sizes = [(height, width)] + ([(height, width)] * 2 if layout.rgb else [chroma] * 2) * layout.colored
    return [rng.integers(0, 2**layout.depth, size).astype(kind) for size in sizes]


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("color_range", [1, 2])
@pytest.mark.parametrize("size", [(16, 32), (8, 31), (2, 2)])
def test_samples_come_back_exactly(name: str, color_range: int, size: tuple[int, int]) -> None:
    layout = layout_of(name)
    assert layout is not None
    for matrix in (1, 6, 9):
        tags = settled(ColorTags(matrix, color_range), layout, size[0])
        planes = planes_for(name, *size)
        for before, after in zip(planes, from_srgb(to_srgb(planes, layout, tags), layout, tags), strict=True):
            assert before.dtype == after.dtype
            assert (before == after).all()


@pytest.mark.parametrize(("matrix", "kr", "kb"), [(1, 0.2126, 0.0722), (6, 0.299, 0.114), (9, 0.2627, 0.0593)])
@pytest.mark.parametrize(("name", "depth"), [("yuv444p", 8), ("yuv420p10le", 10)])
@pytest.mark.parametrize("color_range", [1, 2])
def test_flat_colors_agree_with_the_standard(
    matrix: int, kr: float, kb: float, name: str, depth: int, color_range: int
) -> None:
    layout = layout_of(name)
    assert layout is not None
    y, u, v = (value << (depth - 8) for value in (100, 110, 150))
    kind = np.uint8 if depth == 8 else np.uint16
    planes = [np.full((4, 4), y, kind), *(np.full((4 >> layout.down, 4 >> layout.across), one, kind) for one in (u, v))]
    found = to_srgb(planes, layout, ColorTags(matrix, color_range))[:, 0, 0].double().numpy()
    # ITU-T H.273, equations 20 to 38, solved for R, G, B.
    scale = 2 ** (depth - 8)
    if color_range == 1:
        luma, blue, red = (y / scale - 16) / 219, (u / scale - 128) / 224, (v / scale - 128) / 224
    else:
        luma, blue, red = y / (2**depth - 1), (u - 128 * scale) / (2**depth - 1), (v - 128 * scale) / (2**depth - 1)
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    assert np.abs(found - [r, g, b]).max() < 1e-6


def test_chroma_lies_between_rows_and_on_even_columns() -> None:
    """A ramp of color is enlarged to a ramp, half a row and no column off."""
    layout = layout_of("yuv420p")
    assert layout is not None
    rows, columns = np.mgrid[0:8, 0:8]
    chroma = (60 + 12 * rows + 6 * columns).astype(np.uint8)
    planes = [np.full((16, 16), 128, np.uint8), chroma, np.full((8, 8), 128, np.uint8)]
    found = to_srgb(planes, layout, ColorTags(6, 2))
    blue = (found[2] - 128 / 255) / (2 * (1 - 0.114)) * 255 + 128
    there = np.mgrid[0:16, 0:16]
    expected = 60 + 12 * (there[0] - 0.5) / 2 + 6 * there[1] / 2
    assert np.abs(blue.numpy() - expected)[2:-2, 2:-2].max() < 1e-3


def test_white_stays_white_and_known_primaries_agree() -> None:
    for primaries in (4, 5, 6, 9, 11, 12, 22):
        assert np.abs(matrix_to_srgb(primaries).sum(1) - 1).max() < 1e-6
    # Recommendation ITU-R BT.2087-0, annex 2, the inverse of its 709 to 2020.
    forward = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    assert np.abs(np.linalg.inv(forward) - matrix_to_srgb(9)).max() < 2e-3
    pixels = torch.rand(3, 5, 7, generator=torch.Generator().manual_seed(2))
    for primaries in (2, 1, 5, 9, 12):
        there = to_srgb_primaries(pixels, primaries)
        assert (primaries in (1, 2)) == torch.equal(there, pixels)
        assert float((from_srgb_primaries(there, primaries) - pixels).abs().max()) < 1e-4


def test_what_a_film_leaves_open_is_filled_in_as_players_do() -> None:
    yuv, rgb, grey = (layout_of(name) for name in ("yuv420p", "bgra", "gray"))
    assert yuv is not None and rgb is not None and grey is not None
    assert settled(ColorTags(), yuv, 720) == ColorTags(1, 1)
    assert settled(ColorTags(), yuv, 576) == ColorTags(6, 1)
    assert settled(ColorTags(9, 2, 1, 9), yuv, 576) == ColorTags(9, 2, 1, 9)
    assert settled(ColorTags(), rgb, 720) == ColorTags(0, 2)
    assert settled(ColorTags(), grey, 720, "ffv1").range == 2
    assert settled(ColorTags(), grey, 720, "h264").range == 1


@pytest.mark.parametrize("tags", [ColorTags(9, 1, 16, 9), ColorTags(9, 1, 18, 9), ColorTags(1, 1, 8), ColorTags(8, 1)])
def test_high_dynamic_range_and_odd_matrices_are_refused(tags: ColorTags) -> None:
    layout = layout_of("yuv420p10le")
    assert layout is not None
    with pytest.raises(PictureError) as caught:
        check_colors("a.mp4", tags, layout)
    assert caught.value.remedy


def test_layouts_are_told_from_names() -> None:
    names = {
        "nv12": "yuv420p", "yuvj420p": "yuv420p", "p010le": "yuv420p10le", "pal8": "gbrap", "rgb24": "gbrp",
        "gbrpf32le": None, "bayer_rggb8": None,
    }  # fmt: skip
    for name, canonical in names.items():
        layout = layout_of(name)
        assert (layout.canonical if layout else None) == canonical, name
