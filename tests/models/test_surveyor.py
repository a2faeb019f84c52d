"""The surveyor: curves through its quantiles, monotone; statistics on one scale; still for what it does not see."""

import pytest
import torch

from vasari.models.blocks import apply_curves
from vasari.models.evidence import evidence
from vasari.models.surveyor import Surveyor, quantiles, restrained, statistics


@pytest.fixture
def thumbnails() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(6, 3, 48, 48)


def test_quantiles_are_those_of_the_pixels(thumbnails: torch.Tensor) -> None:
    found = quantiles(thumbnails)
    assert found.shape == (6, 5, 24)
    assert (found.diff(dim=-1) >= 0).all()
    green = thumbnails[2, 1].flatten()
    expected = torch.quantile(green, torch.tensor([0.002, 0.01, 10 / 21, 0.99, 0.998]))
    torch.testing.assert_close(found[2, 1, [0, 1, 11, 22, 23]], expected, atol=1e-3, rtol=0)


def test_statistics_of_standardized_thumbnails_have_one_scale(thumbnails: torch.Tensor) -> None:
    surveyor = Surveyor()
    found = evidence(thumbnails)
    surveyor.standardize(thumbnails, found)
    known = torch.cat([statistics(thumbnails, quantiles(thumbnails)), found], 1)
    scaled = (known - surveyor.mean) / surveyor.deviation
    assert scaled.shape == (6, 150 + 103)
    assert scaled.mean(0).abs().max() < 1e-4 and scaled.std(0, correction=0).max() < 1.001


def test_a_uniform_thumbnail_has_finite_statistics() -> None:
    flat = torch.full((1, 3, 48, 48), 0.5)
    assert torch.isfinite(statistics(flat, quantiles(flat))).all()


def test_curves_pass_through_the_moved_quantiles(thumbnails: torch.Tensor) -> None:
    faded = 0.3 + 0.4 * thumbnails
    values = quantiles(faded)[:, :3]
    start, slopes = Surveyor.curves(values, quantiles(thumbnails)[:, :3] - values)
    inner = (faded > values[..., :1, None]) & (faded < values[..., -1:, None])
    error = (apply_curves(faded, start, slopes) - thumbnails)[inner].abs()
    assert error.max() < 0.08 and error.mean() < 0.015, "a linear fading is undone by a curve between its quantiles"


def test_curves_are_monotone_whatever_comes(thumbnails: torch.Tensor) -> None:
    _, slopes = Surveyor.curves(quantiles(thumbnails)[:, :3], torch.randn(6, 3, 24))
    assert (slopes > 0).all() and torch.isfinite(slopes).all()


def test_a_uniform_picture_has_finite_curves() -> None:
    values = torch.full((1, 3, 24), 0.5)
    start, slopes = Surveyor.curves(values, torch.full((1, 3, 24), 0.1))
    made = apply_curves(torch.full((1, 3, 4, 4), 0.5), start, slopes)
    torch.testing.assert_close(made, torch.full((1, 3, 4, 4), 0.6), atol=1e-5, rtol=0)


def test_small_moves_stay_and_large_ones_end_at_a_tenth() -> None:
    shape = torch.linspace(-1, 1, 24).expand(1, 3, 24) + torch.tensor([0.5, -0.2, 0.1])[None, :, None]
    for scale, kept in ((1e-3, 1.0), (0.1, None), (10.0, None)):
        moves = scale * shape
        made = restrained(moves)
        shares = made / moves
        torch.testing.assert_close(shares, shares[:, :1, :1].expand_as(shares), msg="one factor: the color stays")
        brightness = (made * torch.tensor([0.299, 0.587, 0.114])[None, :, None]).sum(1).abs().mean()
        before = (moves * torch.tensor([0.299, 0.587, 0.114])[None, :, None]).sum(1).abs().mean()
        assert brightness < 0.1 and (kept is None or brightness == pytest.approx(kept * float(before), rel=1e-3))
        assert float(brightness) == pytest.approx(float(before / (1 + (before / 0.1) ** 2).sqrt()), rel=1e-5)
    still = torch.zeros(2, 3, 24)
    assert torch.equal(restrained(still), still)


def test_the_survey_is_restrained_picture_by_picture(thumbnails: torch.Tensor) -> None:
    surveyor = Surveyor().eval()
    with torch.no_grad():
        surveyor.moves.bias.fill_(0.6)  # type: ignore[union-attr]
        survey = surveyor(0.2 + 0.1 * thumbnails, evidence(thumbnails))
        middle = torch.full((6, 3, 1, 1), 0.25)
        moved = apply_curves(middle, survey.start, survey.slopes) - middle
    assert moved.max() < 0.1 and moved.min() > 0.09


def test_tone_does_not_depend_on_the_place_of_a_pixel(thumbnails: torch.Tensor) -> None:
    torch.manual_seed(1)
    surveyor = Surveyor().eval()
    with torch.no_grad():
        surveyor.moves.weight.normal_(std=0.05)
        surveyor.color.weight.normal_(std=0.05)
        shuffled = thumbnails.flatten(2)[..., torch.randperm(48 * 48)].unflatten(2, (48, 48))
        found = evidence(thumbnails)
        one, other = surveyor(thumbnails, found), surveyor(shuffled, found)
    torch.testing.assert_close(one.slopes, other.slopes, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(one.matrix, other.matrix, atol=1e-4, rtol=1e-4)
