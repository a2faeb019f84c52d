"""The moving average against a computation by hand."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vasari.models import averaging


def test_the_average_equals_the_sum_written_out() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    average = averaging.averaged_copy(network)
    assert not any(one.requires_grad for one in average.parameters())
    by_hand = copy.deepcopy(network.state_dict())
    for step in range(1, 6):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter))
            network(torch.randn(2, 3, 8, 8))
        kept = averaging.decay(batch=4, images_seen=4 * step, half_life_images=10)
        averaging.update(average, network, kept)
        for name, value in network.state_dict().items():
            moving = name in dict(network.named_parameters())
            by_hand[name] = kept * by_hand[name] + (1 - kept) * value if moving else value.clone()
    for name, value in average.state_dict().items():
        torch.testing.assert_close(value, by_hand[name])


def test_half_of_a_step_is_forgotten_in_a_half_life() -> None:
    steps = [averaging.decay(batch=10, images_seen=10**9, half_life_images=1000)] * 100
    assert torch.tensor(steps, dtype=torch.float64).prod() == pytest.approx(0.5)


def test_the_half_life_grows_in_the_beginning() -> None:
    kept = [averaging.decay(8, images, 1000) for images in (8, 800, 8000, 20_000, 80_000)]
    assert kept == sorted(kept) and kept[-1] == kept[-2] == pytest.approx(0.5 ** (8 / 1000))
    assert averaging.decay(8, 0, 1000) == 0.0
