"""Curves and coarse fields against independent implementations."""

import numpy as np
import torch

from vasari.models.blocks import apply_curves, window_field


def test_curves_are_piecewise_linear():
    torch.manual_seed(0)
    start, slopes = torch.randn(2, 3) * 0.1, torch.rand(2, 3, 8) + 0.2
    pixels = torch.rand(2, 3, 9, 7)
    made = apply_curves(pixels, start, slopes)
    knots = np.linspace(0, 1, 9)
    for n in range(2):
        for c in range(3):
            values = start[n, c].item() + np.concatenate([[0], np.cumsum(slopes[n, c].numpy()) / 8])
            expected = np.interp(pixels[n, c].numpy(), knots, values)
            np.testing.assert_allclose(made[n, c].numpy(), expected, atol=1e-5)


def test_curves_go_on_straight_outside_the_range():
    made = apply_curves(torch.tensor([[[[-0.5, 1.5]]]]), torch.zeros(1, 1), torch.tensor([[[2.0, 3.0]]]))
    torch.testing.assert_close(made.flatten(), torch.tensor([-1.0, 2.5 + 1.5]))


def test_gradients_of_curves_are_right():
    torch.manual_seed(1)
    pixels = (torch.rand(1, 2, 4, 4, dtype=torch.float64) * 0.9 + 0.03).requires_grad_(True)
    start = torch.randn(1, 2, dtype=torch.float64, requires_grad=True)
    slopes = (torch.rand(1, 2, 5, dtype=torch.float64) + 0.3).requires_grad_(True)

    def curve(x, a, b):
        return apply_curves(x, a, b)

    # float32 inside: compare with finite differences at float32's precision
    assert torch.autograd.gradcheck(curve, (pixels, start, slopes), eps=1e-3, atol=1e-2, rtol=1e-2)


def test_a_window_of_a_field_is_a_part_of_the_whole_field():
    torch.manual_seed(2)
    field = torch.randn(1, 3, 6, 6)
    whole = window_field(field, torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 60, 80)
    part = window_field(field, torch.tensor([[0.5, 0.25, 0.75, 0.5]]), 15, 20)
    torch.testing.assert_close(part, whole[:, :, 30:45, 20:40], atol=1e-5, rtol=0)
