"""The canvas: faint, the same at a place whatever tile shows it, its ends meeting."""

import torch

from vasari.models.canvas import DEVIATION, PERIOD_PX, on_canvas


def test_a_tile_shows_the_part_of_the_canvas_where_it_lies() -> None:
    whole = on_canvas(torch.zeros(1, 3, 96, 1100))
    torch.testing.assert_close(on_canvas(torch.zeros(1, 1, 40, 60), 30, 1000)[0, 0], whole[0, 0, 30:70, 1000:1060])
    torch.testing.assert_close(whole[..., :76], whole[..., PERIOD_PX : PERIOD_PX + 76])


def test_the_tooth_is_faint_and_without_a_seam() -> None:
    tooth = on_canvas(torch.full((1, 1, PERIOD_PX, PERIOD_PX), 0.5))[0, 0] - 0.5
    assert abs(float(tooth.mean())) < 1e-4 and abs(float(tooth.std()) - DEVIATION) < 1e-3
    steps = (tooth - tooth.roll(1, 0)).abs().mean(1)
    assert abs(float(steps[0] - steps[1:].mean())) < 4 * float(steps[1:].std())
