"""The encoder: four depths, nothing global, and its card's halo holds."""

import pytest
import torch

from vasari.foundation import tiles
from vasari.models.cards import NETWORKS
from vasari.models.encoders import Encoder

CARD = NETWORKS["encoder"]


def small() -> Encoder:
    torch.manual_seed(0)
    return Encoder((8, 8, 12, 16)).eval()


def test_four_depths_at_halving_sizes_whatever_the_size() -> None:
    found = small()(torch.rand(2, 3, 50, 70))
    assert [tuple(one.shape) for one in found] == [(2, 8, 32, 40), (2, 8, 16, 20), (2, 12, 8, 10), (2, 16, 4, 5)]
    assert all(float(one.detach().min()) >= 0 for one in found)


@torch.no_grad()
def test_a_tile_with_its_halo_has_the_features_of_the_whole() -> None:
    encoder, pixels = small(), torch.rand(1, 3, 320, 320)
    whole = encoder(pixels)[3]

    def cut(tile: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
        deepest = encoder(tile)[3]
        return torch.nn.functional.interpolate(deepest, scale_factor=16.0, mode="nearest")[:, :3]

    tiled = tiles.in_tiles(cut, pixels, tile=64, halo=tiles.checked_halo(CARD.halo), multiple_of=CARD.multiple_of)
    shown = torch.nn.functional.interpolate(whole, scale_factor=16.0, mode="nearest")[:, :3]
    torch.testing.assert_close(tiled, shown, atol=1e-5, rtol=1e-4)


def test_wrong_options_are_told() -> None:
    with pytest.raises(ValueError, match="four widths"):
        Encoder((8, 8, 8))
