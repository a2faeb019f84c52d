"""Generators: shapes, what the code of a layer decides, gradients everywhere, bfloat16 and channels_last."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.models.cards import NETWORKS
from vasari.models.generators import DcganGenerator, Generator, ResidualGenerator, doublings_of

SMALL = {
    "dcgan": {"px": 32, "latent": 12, "width": 8},
    "residual-generator": {"widths": (24, 16, 16), "latent": 12, "code": 10},
}
GENERATORS = [name for name, card in NETWORKS.items() if card.task == "generate"]


def small(name: str, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    return NETWORKS[name].build(**SMALL[name])


def noise(count: int, latent: int = 12, seed: int = 5) -> Tensor:
    return torch.randn(count, latent, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", GENERATORS)
def test_noise_becomes_codes_and_codes_become_pictures(name: str) -> None:
    generator = small(name)
    codes = generator.map(noise(3))
    assert isinstance(generator, Generator)
    assert codes.shape[:2] == (3, generator.layers) and codes.ndim == 3
    pictures = generator.paint(codes).detach()
    assert pictures.shape == (3, 3, generator.px, generator.px) == (3, 3, 32, 32)
    assert pictures.dtype == torch.float32
    torch.testing.assert_close(generator(noise(3)).detach(), pictures)
    # Mid-grey on the average at birth, and no two alike.
    assert 0.3 < float(pictures.mean()) < 0.7
    assert float((pictures[0] - pictures[1]).abs().mean()) > 1e-3


@pytest.mark.parametrize("name", GENERATORS)
def test_every_weight_has_a_gradient(name: str) -> None:
    generator = small(name)
    target = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    (generator(noise(4)) - target).square().mean().backward()
    still = [key for key, one in generator.named_parameters() if one.grad is None or not one.grad.abs().max() > 0]
    assert still == []


@pytest.mark.parametrize("name", GENERATORS)
def test_bfloat16_and_channels_last_give_nearly_the_same(name: str) -> None:
    generator = small(name).eval()
    with torch.no_grad():
        expected = generator(noise(2))
        moved = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.testing.assert_close(moved(noise(2)), expected, atol=1e-5, rtol=0)
        with torch.autocast("cpu", torch.bfloat16):
            made = moved(noise(2)).float()
    assert float((made - expected).abs().max()) < 0.03


def test_dcgan_stays_in_range_and_its_noise_is_its_code() -> None:
    generator = small("dcgan")
    pictures = generator(10 * noise(4)).detach()
    assert 0 <= float(pictures.min()) and float(pictures.max()) <= 1
    assert torch.equal(generator.map(noise(4)), noise(4)[:, None])


def test_dcgan_is_the_paper_s_at_its_size() -> None:
    """Radford et al. 2016, section 3 and figure 1, at the common width of 64 (the figure's is twice that)."""
    generator = DcganGenerator(px=64, latent=100, width=64)
    convolutions = [one for one in generator.stack if isinstance(one, torch.nn.ConvTranspose2d)]
    assert [one.out_channels for one in convolutions] == [512, 256, 128, 64, 3]
    assert sum(one.weight.numel() for one in convolutions) == 16 * (100 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 192)
    assert float(convolutions[1].weight.detach().std()) == pytest.approx(0.02, rel=0.01)
    norms = [one for one in generator.stack if isinstance(one, torch.nn.BatchNorm2d)]
    assert len(norms) == 4 and all(abs(float(one.weight.detach().mean()) - 1) < 0.02 for one in norms)


@pytest.mark.parametrize("normalization", ["batch", "instance", "none"])
def test_dcgan_with_each_normalization(normalization: str) -> None:
    torch.manual_seed(0)
    generator = DcganGenerator(px=16, latent=12, width=4, normalization=normalization)
    assert generator(noise(2)).shape == (2, 3, 16, 16)
    biased = [one.bias is not None for one in generator.stack if isinstance(one, torch.nn.ConvTranspose2d)]
    assert biased == [normalization == "none"] * (len(biased) - 1) + [True]


def test_each_layer_of_codes_decides_something_and_fine_ones_least_of_the_whole() -> None:
    generator = small("residual-generator").eval()
    with torch.no_grad():
        one, two = generator.map(noise(1)), generator.map(noise(1, seed=6))
        assert torch.equal(one[:, 0], one[:, 2])  # one code, given to every layer
        rest = generator.paint(one)
        changes = []
        for layer in range(generator.layers):
            mixed = one.clone()
            mixed[:, layer] = two[:, layer]
            change = (generator.paint(mixed) - rest)[0]
            changes.append(float(torch.nn.functional.avg_pool2d(change, 8).abs().mean()))
    assert all(change > 0 for change in changes)
    assert changes[0] == max(changes)


def test_the_length_of_noise_does_not_count_where_it_is_mapped() -> None:
    generator = small("residual-generator").eval()
    with torch.no_grad():
        torch.testing.assert_close(generator(3 * noise(2)), generator(noise(2)), atol=1e-5, rtol=0)


def test_sizes_double_from_four_pixels() -> None:
    assert [ResidualGenerator(widths=(8,) * count).px for count in (1, 2, 4)] == [8, 16, 64]
    assert [doublings_of(px) for px in (8, 64, 128)] == [1, 4, 5]
    for px in (0, -8, 4, 48, 65):
        with pytest.raises(PlanError, match="power of two"):
            DcganGenerator(px=px)
    with pytest.raises(PlanError, match="no resolution"):
        ResidualGenerator(widths=())
    with pytest.raises(PlanError, match="normalization"):
        DcganGenerator(px=16, width=4, normalization="layer")
