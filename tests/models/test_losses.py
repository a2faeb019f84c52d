"""Each loss against a value computed by hand or by an independent implementation."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity as reference_similarity

from vasari.models import losses
from vasari.models.blocks import smoothed


def test_log_mean_square_is_minus_a_tenth_of_the_psnr():
    truth = torch.rand(2, 3, 16, 16)
    made = torch.stack([truth[0] + 0.1, truth[1] - 0.01])
    expected = np.mean([math.log10(0.1**2 + 3e-5), math.log10(0.01**2 + 3e-5)])
    assert losses.log_mean_square(made, truth, 3e-5).item() == pytest.approx(expected, rel=1e-4)


def test_structural_dissimilarity_against_scikit_image():
    generator = np.random.default_rng(0)
    a = generator.random((3, 40, 50)).astype(np.float32)
    b = np.clip(a + generator.normal(0, 0.1, a.shape), 0, 1).astype(np.float32)
    luma_a, luma_b = (np.tensordot([0.299, 0.587, 0.114], one, 1) for one in (a, b))
    _, full = reference_similarity(
        luma_a, luma_b, win_size=7, data_range=1.0, full=True, use_sample_covariance=False, gaussian_weights=False
    )
    expected = 1 - full[3:-3, 3:-3].mean()
    made = losses.structural_dissimilarity(torch.from_numpy(a)[None], torch.from_numpy(b)[None])
    assert made.item() == pytest.approx(expected, abs=1e-4)


def test_structural_dissimilarity_is_exact_under_autocast():
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    plain = losses.structural_dissimilarity(a, b)
    with torch.autocast("cpu", torch.bfloat16):
        assert losses.structural_dissimilarity(a, b).item() == pytest.approx(plain.item(), abs=1e-6)


HAND = {  # scores: real [2, -1], made [0.5, -3]
    "bce": (
        (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2
        + (math.log1p(math.exp(0.5)) + math.log1p(math.exp(-3))) / 2,
        (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(3))) / 2,
    ),
    "lsgan": (0.5 * ((1 + 4) / 2 + (0.25 + 9) / 2), 0.5 * (0.25 + 16) / 2),
    "hinge": ((0 + 2) / 2 + (1.5 + 0) / 2, 1.25),
    "wgan": (-1.25 - 0.5, 1.25),
    "rpgan": (
        (math.log1p(math.exp(0.5 - 2)) + math.log1p(math.exp(-3 + 1))) / 2,
        (math.log1p(math.exp(2 - 0.5)) + math.log1p(math.exp(-1 + 3))) / 2,
    ),
}


@pytest.mark.parametrize("kind", losses.CRITIC_LOSSES)
def test_adversarial_losses_by_hand(kind):
    real, made = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    critic, generator = HAND[kind]
    assert losses.CRITIC_LOSSES[kind](real, made).item() == pytest.approx(critic, rel=1e-5)
    assert losses.GENERATOR_LOSSES[kind](real, made).item() == pytest.approx(generator, rel=1e-5)


def test_gradient_penalty_of_a_linear_critic():
    pixels = torch.rand(4, 3, 5, 5, requires_grad=True)
    weight = torch.rand(3, 5, 5)
    penalty = losses.gradient_penalty((pixels * weight).sum((1, 2, 3)), pixels)
    assert penalty.item() == pytest.approx(0.5 * weight.square().sum().item(), rel=1e-5)


@pytest.mark.parametrize("length", [0.3, 1.0, 2.5])
def test_interpolation_penalty_of_a_linear_critic(length):
    """Its slope is the same everywhere: the penalty is (‖w‖ - 1)²."""
    torch.manual_seed(0)
    real, made = torch.rand(4, 3, 5, 5), torch.rand(4, 3, 5, 5)
    weight = torch.rand(3, 5, 5)
    weight = (weight * length / weight.norm()).requires_grad_(True)
    penalty = losses.interpolation_penalty(lambda pixels: (pixels * weight).sum((1, 2, 3)), real, made)
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-5)
    penalty.backward()
    # The gradient by w is 2 (‖w‖ - 1) w / ‖w‖: it pulls the slope towards 1.
    torch.testing.assert_close(weight.grad, 2 * (length - 1) * weight.detach() / length, atol=1e-4, rtol=1e-3)


def test_interpolation_penalty_is_measured_between_the_pictures():
    """A critic ‖x - a‖²/2 has the slope x - a: with x on the line from b to a it is shorter than ‖b - a‖."""
    torch.manual_seed(0)
    real, seen = torch.rand(64, 3, 4, 4), []
    made = real + 0.5

    def critic(pixels):
        seen.append(pixels.detach())
        return 0.5 * (pixels - real).square().sum((1, 2, 3))

    penalty = losses.interpolation_penalty(critic, real, made)
    shares = ((seen[0] - real) / 0.5).flatten(1)
    assert (shares.std(1) < 1e-5).all() and 0 <= shares.min() and shares.max() <= 1
    assert 0.35 < shares.mean() < 0.65
    lengths = 0.5 * math.sqrt(48) * shares[:, 0]
    assert penalty.item() == pytest.approx((lengths - 1).square().mean().item(), rel=1e-4)


def test_the_truth_in_the_tone_of_a_faded_picture_is_the_faded_picture():
    torch.manual_seed(0)
    truth = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8), scale_factor=8)
    matrix = torch.tensor([[0.6, 0.1, 0.0], [0.05, 0.7, 0.0], [0.0, 0.1, 0.5]])
    faded = torch.einsum("ij,njhw->nihw", matrix, truth) + 0.2
    scratched = faded.clone()
    covered = torch.zeros(2, 1, 64, 64)
    scratched[..., 20:24], covered[..., 20:24] = 1.0, 1.0
    found = losses.in_the_tone_of(truth, scratched, covered, stiffness=1e-9)
    assert (truth - faded).abs().mean() > 0.1
    assert (found - faded).abs().max() < 0.02


def test_the_truth_keeps_its_tone_where_all_is_covered():
    truth, given = torch.full((1, 3, 32, 32), 0.5), torch.full((1, 3, 32, 32), 0.6)
    torch.testing.assert_close(losses.in_the_tone_of(truth, given, torch.ones(1, 1, 32, 32)), truth)
    torch.testing.assert_close(losses.in_the_tone_of(truth, given, torch.zeros(1, 1, 32, 32)), given, atol=1e-3, rtol=0)


def test_the_tone_is_found_in_full_precision_within_autocast():
    torch.manual_seed(0)
    truth, given = torch.rand(1, 3, 32, 32), 0.3 + 0.5 * torch.rand(1, 3, 32, 32)
    alone = losses.in_the_tone_of(truth, given, torch.zeros(1, 1, 32, 32))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(losses.in_the_tone_of(truth, given, torch.zeros(1, 1, 32, 32)), alone)


def test_the_energy_of_detail_asks_how_much_not_where():
    truth = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    moved, blurred = truth.roll(2, dims=3), torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    assert float(losses.energy_apart(truth, truth)) == 0
    assert float(losses.energy_apart(moved, truth)) < 0.15 < 0.5 < float(losses.energy_apart(blurred, truth))


def test_half_the_detail_is_a_log_of_2_apart():
    fine = torch.zeros(1, 3, 64, 64)
    fine[..., ::2] = 1.0  # alternates: nothing of it is left an octave lower
    one, other = 0.5 + 0.4 * (fine - 0.5), 0.5 + 0.2 * (fine - 0.5)
    assert float(losses.energy_apart(one, other)) == pytest.approx(math.log(2) / 3, rel=0.1)  # but at the edges


@pytest.mark.parametrize("pictures", [1, 4])
def test_a_steady_gradient_has_a_mean_length_of_1_a_picture(pictures):
    pixels = torch.rand(pictures, 3, 8, 8, generator=torch.Generator().manual_seed(6)).requires_grad_(True)
    loss = 30 * pixels.pow(3).mean()
    steady = losses.with_steady_gradient(loss, pixels)
    (plain,), (scaled,) = (torch.autograd.grad(one, pixels, retain_graph=True) for one in (loss, steady))
    assert float(steady.detach()) == pytest.approx(float(loss.detach()), rel=1e-6)
    assert float(pictures * scaled.flatten(1).norm(dim=1).mean()) == pytest.approx(1.0, rel=1e-5)
    assert torch.allclose(scaled / scaled.norm(), plain / plain.norm(), atol=1e-6)


def test_checks_and_stripes_of_a_pixel_are_paid_for_and_detail_is_not():
    truth = 0.3 + 0.4 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(7))
    soft = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    checks = torch.zeros(64, 64)
    checks[::2, ::2] = checks[1::2, 1::2] = 0.1
    stripes = torch.zeros(64, 64)
    stripes[:, ::2] = 0.1
    assert float(losses.alternation_beyond(truth, truth)) == 0 and float(losses.alternation_beyond(soft, truth)) < 0.01
    for pattern in (checks, stripes, stripes.T):
        assert float(losses.alternation_beyond(soft + pattern, soft)) > 0.3
    edge = (torch.arange(64) > 31).float().expand(1, 3, 64, 64)
    assert float(losses.alternation_beyond(smoothed(edge), edge)) < 0.05
