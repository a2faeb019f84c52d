"""Tiles against the whole: windows cover, aligned tiles of a pooling network equal one call, streams agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation import tiles
from vasari.foundation.errors import PlanError
from vasari.foundation.image_files import Header, decode

sides = st.integers(1, 150)


class SmallUNet(nn.Module):
    """Two poolings and nearest upsampling: a grid of 4, and a receptive field of less than 32 pixels."""

    halo, multiple_of = 32, 4

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, pixels: Tensor) -> Tensor:
        high = functional.silu(self.first(pixels))
        middle = functional.silu(self.second(functional.max_pool2d(high, 2)))
        low = functional.silu(self.third(functional.avg_pool2d(middle, 2)))
        middle = middle + functional.interpolate(low, scale_factor=2.0)
        return self.last(high + functional.interpolate(middle, scale_factor=2.0))


@pytest.fixture(scope="module")
def network() -> SmallUNet:
    torch.manual_seed(0)
    return SmallUNet().eval().requires_grad_(False)


def whole(network: SmallUNet, pixels: Tensor) -> Tensor:
    """One call, padded below and beside as the design says: the last pixel repeated up to a multiple of 4."""
    height, width = pixels.shape[-2:]
    padded = functional.pad(pixels, (0, -width % 4, 0, -height % 4), mode="replicate")
    return network(padded)[..., :height, :width]


@given(
    height=sides,
    width=sides,
    tile=st.integers(1, 90),
    halo=st.integers(0, 40),
    multiple_of=st.sampled_from([1, 4, 8]),
)
@settings(max_examples=80, deadline=None)
def test_windows_cover_every_pixel_once(height: int, width: int, tile: int, halo: int, multiple_of: int) -> None:
    seen = np.zeros((height, width), int)
    for window in tiles.windows(height, width, tile, halo, multiple_of):
        core, padded = window.core, window.padded
        seen[core.slices] += 1
        assert padded.top % multiple_of == padded.left % multiple_of == 0
        assert padded.top == 0 or core.top - padded.top >= halo
        assert padded.left == 0 or core.left - padded.left >= halo
        assert padded.bottom == height or padded.bottom - core.bottom >= halo
        assert padded.right == width or padded.right - core.right >= halo
        assert 0 <= padded.top <= core.top < core.bottom <= padded.bottom <= height
        assert 0 <= padded.left <= core.left < core.right <= padded.right <= width
    assert (seen == 1).all()


def test_a_picture_smaller_than_a_tile_is_one_window() -> None:
    (window,) = tiles.windows(100, 70, 512, 64, 8)
    assert window.core == window.padded == tiles.Area(0, 100, 0, 70)


@given(height=sides, width=sides, tile=st.sampled_from([4, 13, 32, 60]))
@settings(max_examples=15, deadline=None)
def test_tiles_equal_the_whole(network: SmallUNet, height: int, width: int, tile: int) -> None:
    pixels = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))
    tiled = tiles.in_tiles(lambda part, window: network(part), pixels, tile, network.halo, network.multiple_of)
    torch.testing.assert_close(tiled, whole(network, pixels), atol=1e-5, rtol=0)


def test_without_a_halo_tiles_differ(network: SmallUNet) -> None:
    # Shows that the comparison above can fail.
    pixels = torch.rand(1, 3, 120, 120, generator=torch.Generator().manual_seed(1))
    tiled = tiles.in_tiles(lambda part, window: network(part), pixels, 32, 0, 4)
    assert isinstance(tiled, Tensor)
    assert (tiled - whole(network, pixels)).abs().max() > 1e-3


def test_windows_tell_each_pixel_where_it_lies() -> None:
    def place(part: Tensor, window: Tensor) -> Tensor:
        top, left, bottom, right = window[0]
        rows = torch.linspace(0, 1, part.shape[2] + 1)[:-1, None] * (bottom - top) + top
        columns = torch.linspace(0, 1, part.shape[3] + 1)[None, :-1] * (right - left) + left
        return torch.stack(torch.broadcast_tensors(rows, columns))[None].expand(len(part), -1, -1, -1)

    found = tiles.in_tiles(place, torch.zeros(2, 3, 101, 67), 24, 10, 8)
    assert isinstance(found, Tensor)
    rows, columns = torch.arange(101)[:, None] / 101, torch.arange(67)[None] / 67
    torch.testing.assert_close(found, torch.stack(torch.broadcast_tensors(rows, columns)).expand(2, -1, -1, -1))


def test_named_results_come_back_named(network: SmallUNet) -> None:
    pixels = torch.rand(1, 3, 50, 50)
    found = tiles.in_tiles(lambda part, _: {"a": part, "b": part[:, :1] * 2}, pixels, 16, 4)
    assert isinstance(found, dict)
    torch.testing.assert_close(found["a"], pixels)
    torch.testing.assert_close(found["b"], pixels[:, :1] * 2)


@pytest.mark.parametrize("call", ["windows", "in_tiles"])
def test_global_statistics_cannot_be_tiled(call: str) -> None:
    with pytest.raises(PlanError, match="no finite halo"):
        if call == "windows":
            list(tiles.windows(10, 10, 4, None, 1))
        else:
            tiles.in_tiles(lambda part, _: part, torch.zeros(1, 3, 8, 8), 4, None)
    with pytest.raises(PlanError, match="negative"):
        list(tiles.windows(10, 10, 4, -1, 1))
    with pytest.raises(PlanError, match="1 pixel or more"):
        list(tiles.windows(10, 10, 0, 1, 1))


@dataclass
class Memory:
    """Rows in memory that can be read once, from top to bottom."""

    raw: np.ndarray
    header: Header
    position: int = 0

    def read(self, top: int, bottom: int) -> np.ndarray:
        assert top >= self.position, "the stream went back"
        self.position = bottom
        return self.raw[top:bottom]


@given(
    height=sides,
    width=sides,
    tile=st.sampled_from([8, 20, 64]),
    halo=st.sampled_from([32, 45]),
    strip=st.sampled_from([1, 4000, 1 << 22]),
    depth=st.sampled_from([8, 16]),
)
@settings(max_examples=15, deadline=None)
def test_a_stream_equals_the_whole(
    network: SmallUNet, height: int, width: int, tile: int, halo: int, strip: int, depth: int
) -> None:
    kind = np.uint8 if depth == 8 else np.uint16
    raw = np.random.default_rng(height).integers(0, 2**depth, (height, width, 4)).astype(kind)
    reader = Memory(raw, Header("tiff", width, height, 3, depth, has_alpha=True))
    sources: list[np.ndarray] = []
    results: list[Tensor] = []
    shares: list[float] = []

    def keep(rows: np.ndarray, result: Tensor) -> None:
        sources.append(rows)
        results.append(result)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "STRIP_PIXELS", strip)
        patch.setattr(tiles, "PIECE_BYTES", 5000)
        tiles.stream(
            reader,
            lambda pixels, window: {"picture": network(pixels), "unwanted": pixels},
            {"picture": keep},
            tile=tile,
            halo=halo,
            multiple_of=network.multiple_of,
            progress=shares.append,
        )
    np.testing.assert_array_equal(np.concatenate(sources), raw)
    expected = whole(network, decode(raw, reader.header)[None])[0]
    torch.testing.assert_close(torch.cat(results, 1), expected, atol=1e-5, rtol=0)
    assert shares == sorted(shares) and shares[-1] == 1.0


@given(width=st.integers(1, 400_000), tile=st.integers(8, 1024), halo=st.integers(0, 128))
@settings(max_examples=100, deadline=None)
def test_wide_pictures_get_flatter_tiles_of_the_same_area(width: int, tile: int, halo: int) -> None:
    rows, columns = tiles.strip_shape(width, tile, halo, 8)
    assert rows % 8 == columns % 8 == 0 and rows >= 8 and columns >= 8
    assert rows <= max(tile, 8)
    assert rows * columns >= min(tile * tile // 2, 64)
    assert (rows + 2 * halo) * width <= tiles.STRIP_PIXELS or rows <= 64
