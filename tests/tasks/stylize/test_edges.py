"""Mirrors at the outer edge: NumPy's reflection, the same in tiles, and for pictures of one pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from vasari.foundation import tiles
from vasari.tasks.stylize.edges import MARGIN_PX, mirrored, seen_from, within_mirrors

KERNEL = torch.rand(3, 3, 9, 9, generator=torch.Generator().manual_seed(2)) / 243


def blurred(pixels: torch.Tensor) -> torch.Tensor:
    """A network with zero padding."""
    return functional.conv2d(pixels, KERNEL, padding=4)


def drawn(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(40, 70), (5, 33), (1, 1), (2, 1)])
def test_a_frame_of_mirror_images(size: tuple[int, int]) -> None:
    pixels = drawn(*size)
    made = mirrored(pixels, 32, 16)
    assert made.shape[2] % 16 == made.shape[3] % 16 == 0
    pad = [(0, 0), (0, 0), *((32, whole - 32 - one) for one, whole in zip(size, made.shape[2:]))]
    np.testing.assert_array_equal(made.numpy(), np.pad(pixels.numpy(), pad, mode="reflect"))
    moved = mirrored(pixels, 32, 16, (8, 3))
    assert moved.shape[2] % 16 == moved.shape[3] % 16 == 0
    both = min(made.shape[2], moved.shape[2] - 8), min(made.shape[3], moved.shape[3] - 3)
    assert torch.equal(moved[:, :, 8:, 3:][:, :, : both[0], : both[1]], made[:, :, : both[0], : both[1]])


@pytest.mark.parametrize("size", [(150, 90), (64, 64), (70, 200), (20, 30), (1, 1)])
@pytest.mark.parametrize("tile", [32, 512])
def test_tiles_see_the_mirrors_that_the_whole_sees(size: tuple[int, int], tile: int) -> None:
    pixels = drawn(*size)
    made = tiles.in_tiles(
        lambda part, window: within_mirrors(blurred, part, window), pixels, tile=tile, halo=16, multiple_of=16
    )
    whole = blurred(mirrored(pixels))[:, :, MARGIN_PX : MARGIN_PX + size[0], MARGIN_PX : MARGIN_PX + size[1]]
    torch.testing.assert_close(made, whole, atol=1e-6, rtol=0)


def test_what_is_seen_of_a_tile_lies_where_the_whole_has_it() -> None:
    places = torch.arange(150 * 90, dtype=torch.float32).view(1, 1, 150, 90).expand(1, 3, -1, -1)
    whole = mirrored(places, MARGIN_PX)

    def check(part: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
        row, column = seen_from(part, window)

        def paint(seen: torch.Tensor) -> torch.Tensor:
            rows = slice(row + MARGIN_PX, row + MARGIN_PX + seen.shape[2])
            columns = slice(column + MARGIN_PX, column + MARGIN_PX + seen.shape[3])
            expected = seen[:, :, : whole.shape[2] - rows.start, : whole.shape[3] - columns.start]
            torch.testing.assert_close(whole[:, :, rows, columns], expected)
            return seen

        return within_mirrors(paint, part, window)

    tiles.in_tiles(check, places, tile=32, halo=MARGIN_PX, multiple_of=1)
