"""Grids of pictures."""

from __future__ import annotations

import numpy as np
import torch

from vasari.tasks.validation_pictures import GAP_PX, grid


def test_pictures_lie_in_rows_and_columns() -> None:
    pictures = torch.rand(2, 3, 3, 5, 7)
    made = grid(pictures)
    assert made.shape == (2 * 5 + GAP_PX, 3 * 7 + 2 * GAP_PX, 3) and made.dtype == np.uint8
    expected = (pictures[1, 2] * 255).round().byte().permute(1, 2, 0).numpy()
    assert np.array_equal(made[5 + GAP_PX :, 2 * (7 + GAP_PX) :], expected)
    assert (made[5 : 5 + GAP_PX] == 255).all()


def test_grey_strange_and_single_rows_are_shown() -> None:
    made = grid(torch.tensor([0.5, 2.0, -1.0, float("nan")]).reshape(4, 1, 1, 1).expand(4, 1, 2, 2))
    assert made.shape == (2, 4 * 2 + 3 * GAP_PX, 3)
    assert [int(made[0, column * (2 + GAP_PX), 0]) for column in range(4)] == [128, 255, 0, 0]
