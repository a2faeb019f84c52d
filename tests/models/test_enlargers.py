"""The enlarger: what it adds, how far it sees, and that grey stays grey."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.enlargers import FACTORS, Enlarger, interpolated
from vasari.tasks.metrics import luma, peak_signal_noise_ratio


def planes(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.fixture
def network(tiny_enlarger) -> Enlarger:
    loaded = hub.load(tiny_enlarger).network
    assert isinstance(loaded, Enlarger)
    return loaded


@pytest.mark.parametrize("factor", FACTORS)
def test_a_fresh_network_is_cubic_interpolation_as_pillow_does_it(factor: int) -> None:
    torch.manual_seed(0)
    whole = data.astronaut()[40:77, 100:141]
    size = (factor * whole.shape[1], factor * whole.shape[0])
    expected = planes(np.array(Image.fromarray(whole).resize(size, Image.Resampling.BICUBIC)))
    with torch.no_grad():
        fresh = Enlarger(width=8, depth=1)(planes(whole), factor)
    assert fresh.shape == expected.shape
    assert (interpolated(planes(whole), factor).clamp(0, 1) - expected).abs().max() <= 1.5 / 255  # it rounds twice
    assert (fresh.clamp(0, 1) - expected).abs().max() <= 3 / 255


@pytest.mark.parametrize("factor", FACTORS)
def test_grey_stays_grey_and_color_gets_detail_of_color(network: Enlarger, factor: int) -> None:
    grey = planes(np.repeat(data.camera()[:40, :50, None], 3, axis=2))
    color = planes(data.astronaut()[:40, 150:200])
    with torch.no_grad():
        made, colored = network(grey, factor), network(color, factor)
    assert torch.equal(made[:, 0], made[:, 1]) and torch.equal(made[:, 0], made[:, 2])
    added = colored - interpolated(color, factor)
    assert (added - added.mean(1, keepdim=True)).abs().mean() > 1e-3
    assert (made - interpolated(grey, factor)).abs().mean() > 1e-3


@pytest.mark.parametrize("factor", FACTORS)
def test_it_sees_no_farther_than_the_halo_of_its_card(factor: int) -> None:
    torch.manual_seed(1)
    network, halo = Enlarger(), NETWORKS["enlarger"].halo
    for tail in network.tails.values():
        torch.nn.init.normal_(tail.weight, std=0.05)
    pixels = torch.rand(1, 3, 2 * halo + 3, 2 * halo + 3, requires_grad=True)
    middle = factor * (halo + 1)
    network(pixels, factor)[..., middle : middle + factor, middle : middle + factor].square().sum().backward()
    seen = pixels.grad.abs().sum((0, 1)).nonzero() - (halo + 1)
    assert 2 * 10 <= seen.abs().max() <= halo


def test_another_factor_is_refused(network: Enlarger) -> None:
    with pytest.raises(PlanError) as caught:
        network(torch.zeros(1, 3, 8, 8), 3)
    assert caught.value.remedy


@pytest.mark.parametrize(("factor", "gain"), [(2, 2.0), (4, 1.2)])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_the_bundled_weights_are_ahead_of_lanczos(name: str, factor: int, gain: float) -> None:
    whole = getattr(data, name)()[:256, 100:356]
    side = 256 // factor
    small = Image.fromarray(whole).resize((side, side), Image.Resampling.BICUBIC)
    usual = planes(np.array(small.resize((256, 256), Image.Resampling.LANCZOS)))
    with torch.inference_mode():
        made = hub.load("enlarge").network(planes(np.array(small)), factor).clamp(0, 1)
    truth = planes(whole)
    scores = [float(peak_signal_noise_ratio(luma(one), luma(truth))) for one in (made, usual)]
    assert scores[0] - scores[1] > gain
