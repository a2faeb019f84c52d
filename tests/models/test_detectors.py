"""The detector: what it is given and gives, and how far it sees."""

from __future__ import annotations

import torch

from vasari.models.cards import NETWORKS
from vasari.models.detectors import RARE, Detector


def test_a_fresh_one_takes_damage_for_rare_everywhere() -> None:
    made = Detector()(torch.rand(2, 3, 24, 40))
    assert made.shape == (2, 1, 24, 40) and made.dtype == torch.float32
    assert bool((made == RARE).all())


def test_it_sees_around_a_pixel_and_no_farther_than_the_halo_of_its_card() -> None:
    """Not exactly none beyond: what is left there is less than a two-hundredth part of what is near."""
    torch.manual_seed(1)
    network, halo = Detector(), NETWORKS["detector"].halo
    torch.nn.init.normal_(network.tail.weight, std=0.05)
    side, middle = 2 * halo + 64, halo + 32
    pixels = torch.rand(1, 3, side, side, requires_grad=True)
    network(pixels)[..., middle, middle].square().sum().backward()
    seen = pixels.grad.abs().sum((0, 1))
    near = seen[middle - halo : middle + halo + 1, middle - halo : middle + halo + 1].sum()
    assert near > 0 and (seen.sum() - near) < near / 200
    assert seen[middle - 16 : middle + 17, middle - 16 : middle + 17].sum() > 0
