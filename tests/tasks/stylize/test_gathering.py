"""Moments gathered in pieces are those of the whole."""

from __future__ import annotations

import pytest
import torch

from vasari.foundation.tiles import Area
from vasari.models.encoders import Encoder
from vasari.models.style import moments
from vasari.tasks.stylize.gathering import gathered


@pytest.mark.parametrize("inner", [Area(0, 400, 0, 304), Area(64, 290, 64, 165), Area(64, 65, 64, 65)])
@torch.no_grad()
def test_pieces_give_the_moments_of_the_whole(inner: Area) -> None:
    generator = torch.Generator().manual_seed(1)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        encoder = Encoder((8, 8, 12, 16), (1, 1, 1, 1)).eval()
    pixels = torch.rand(1, 3, 400, 304, generator=generator) * torch.linspace(0, 1, 304)
    whole, features = gathered(encoder, pixels, inner, 512)
    assert features is not None
    expected = []
    for depth, one in enumerate(encoder(pixels)):
        torch.testing.assert_close(features[depth], one)
        step = 2 ** (depth + 1)
        expected.append(
            one[:, :, inner.top // step : -(-inner.bottom // step), inner.left // step : -(-inner.right // step)]
        )
    torch.testing.assert_close(whole.vector(), moments(expected).vector())
    pieces, none = gathered(encoder, pixels, inner, 96)
    assert none is None
    torch.testing.assert_close(pieces.vector(), whole.vector(), atol=1e-5, rtol=1e-4)
