"""The colorizer: shapes, what is said and what is not, and its distribution of palettes."""

from __future__ import annotations

import math

import pytest
import torch

from vasari.foundation.errors import PlanError
from vasari.foundation.tiles import checked_halo
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.colorizers import CHROMA_UNIT, Colorizer, PaletteGuess, as_palette, palette_of
from vasari.models.encoders import Encoder

NOTHING, NO_PALETTE = torch.zeros(1, 3, 48, 64), torch.zeros(1, 5)


@pytest.fixture
def network(tiny_colorizer: dict[str, str]) -> Colorizer:
    loaded = hub.load(tiny_colorizer["model"]).network
    assert isinstance(loaded, Colorizer)
    return loaded


@pytest.fixture
def encoder(tiny_colorizer: dict[str, str]) -> Encoder:
    loaded = hub.load(tiny_colorizer["encoder"]).network
    assert isinstance(loaded, Encoder)
    return loaded


@pytest.fixture
def light() -> torch.Tensor:
    return torch.rand(1, 1, 48, 64, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_chroma_and_error_come_at_half_the_size(network: Colorizer, encoder: Encoder, light: torch.Tensor) -> None:
    features = encoder(light.expand(-1, 3, -1, -1))
    made = network(light, features, NOTHING, NO_PALETTE)
    assert (made.chroma.shape, made.error.shape) == ((1, 2, 24, 32), (1, 1, 24, 32))
    assert made.chroma.dtype == made.error.dtype == torch.float32
    assert made.error.min() >= 0.5 and made.error.max() <= 60
    guess = network.palettes(features)
    assert (guess.mean.shape, guess.factor.shape) == ((1, 4), (1, 4, 4))


@torch.no_grad()
def test_what_is_not_known_is_not_said_and_a_hint_of_grey_is(
    network: Colorizer, encoder: Encoder, light: torch.Tensor
) -> None:
    features = encoder(light.expand(-1, 3, -1, -1))
    unsaid = NOTHING.clone()
    unsaid[:, :2] = 0.7  # a color of which nothing is known
    grey = NOTHING.clone()
    grey[:, 2, 16:32, 16:32] = 1.0
    without, still, with_grey = (network(light, features, one, NO_PALETTE).chroma for one in (NOTHING, unsaid, grey))
    assert torch.equal(without, still)
    assert (with_grey - without).abs().amax() > 0.1
    assert (with_grey - without).abs()[..., 8:16, 8:16].mean() > (with_grey - without).abs()[..., :4].mean()


@torch.no_grad()
def test_a_palette_moves_the_colors(network: Colorizer, encoder: Encoder, light: torch.Tensor) -> None:
    features = encoder(light.expand(-1, 3, -1, -1))
    warm, cold = (
        torch.cat([as_palette(torch.tensor([mean]), torch.tensor([[8.0, 8.0]])), torch.ones(1, 1)], 1)
        for mean in ((20.0, 30.0), (-10.0, -30.0))
    )
    apart = network(light, features, NOTHING, warm).chroma - network(light, features, NOTHING, cold).chroma
    assert apart.abs().mean() > 1


def test_the_surprise_of_palettes_is_that_of_a_normal_distribution() -> None:
    generator = torch.Generator().manual_seed(1)
    factor = torch.randn(5, 4, 4, generator=generator).tril()
    factor.diagonal(dim1=1, dim2=2).abs_().add_(0.2)
    mean, palettes = torch.randn(5, 4, generator=generator), torch.randn(5, 4, generator=generator)
    guess = PaletteGuess(mean, factor)
    expected = -torch.distributions.MultivariateNormal(mean, scale_tril=factor).log_prob(palettes)
    torch.testing.assert_close(guess.surprise(palettes) + 2 * math.log(2 * math.pi), expected)


def test_palettes_are_drawn_with_the_covariance_that_is_told() -> None:
    factor = torch.tensor([[0.5, 0, 0, 0], [0.3, 0.4, 0, 0], [0, -0.2, 0.6, 0], [0.1, 0, 0, 0.2]])
    guess = PaletteGuess(torch.arange(4.0).expand(4000, -1), factor.expand(4000, -1, -1))
    drawn = guess.drawn(torch.randn(4000, 4, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(guess.drawn(torch.zeros(4000, 4)), guess.mean)
    torch.testing.assert_close(drawn.mean(0), torch.arange(4.0), atol=0.05, rtol=0)
    torch.testing.assert_close(torch.cov(drawn.T), factor @ factor.T, atol=0.03, rtol=0)


def test_a_palette_is_mean_and_deviation() -> None:
    chroma = torch.tensor([[[[10.0, 20.0]], [[-4.0, -4.0]]]])
    expected = as_palette(torch.tensor([[15.0, -4.0]]), torch.tensor([[5.0, 0.0]]))
    torch.testing.assert_close(palette_of(chroma), expected)
    assert expected[0, 0] == 1.0 and CHROMA_UNIT == 50


def test_it_has_no_finite_halo_and_says_so() -> None:
    card = NETWORKS["colorizer"]
    assert card.halo is None and card.multiple_of == 16
    with pytest.raises(PlanError, match="halo"):
        checked_halo(card.halo)
