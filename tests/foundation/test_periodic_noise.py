"""Noise by place: its ends meet, its deviation is 1, its correlation that of the Gaussian asked for."""

import math

import pytest
import torch

from vasari.foundation import periodic_noise


def test_what_is_read_depends_on_the_place_alone() -> None:
    noise = periodic_noise.grains(1, 1.0)
    whole = periodic_noise.at(noise, -7, 1000, 90, 120)
    torch.testing.assert_close(periodic_noise.at(noise, 13, 1050, 30, 40), whole[20:50, 50:90])
    torch.testing.assert_close(whole[:, 30:], periodic_noise.at(noise, -7, 6, 90, 90))


@pytest.mark.parametrize("size_px", [0.6, 1.0, 2.5])
def test_neighbors_correlate_as_under_a_gaussian(size_px: float) -> None:
    noise = periodic_noise.grains(2, size_px)
    assert abs(float(noise.mean())) < 1e-5 and float(noise.std()) == pytest.approx(1, abs=1e-3)
    beside = float((noise * noise.roll(1, 0)).mean())
    assert beside == pytest.approx(math.exp(-1 / (4 * size_px**2)), abs=0.03)


def test_seeds_differ() -> None:
    assert abs(float((periodic_noise.grains(1, 1.0) * periodic_noise.grains(2, 1.0)).mean())) < 0.02
