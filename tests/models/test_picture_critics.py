"""Critics of whole pictures: one score each, of its own picture, with gradients to pixels and weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vasari.foundation.errors import PlanError
from vasari.models.cards import NETWORKS
from vasari.models.losses import gradient_penalty
from vasari.models.picture_critics import DcganCritic, ResidualCritic

SMALL = {
    "dcgan-critic": {"px": 32, "width": 8, "normalization": "none"},
    "residual-critic": {"widths": (24, 16, 16)},
}


def small(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name].build(**SMALL[name])


def pictures(count: int = 4) -> Tensor:
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", SMALL)
def test_a_picture_gets_one_score_whatever_its_company(name: str) -> None:
    critic, shown = small(name), pictures()
    scores = critic(shown)
    assert scores.shape == (4,) and scores.dtype == torch.float32
    torch.testing.assert_close(scores, torch.cat([critic(one[None]) for one in shown]))
    assert float(scores.std()) > 0


@pytest.mark.parametrize("name", SMALL)
def test_every_weight_and_every_pixel_has_a_gradient(name: str) -> None:
    critic, shown = small(name), pictures().requires_grad_(True)
    critic(shown).square().sum().backward()
    still = [key for key, one in critic.named_parameters() if one.grad is None or not one.grad.abs().max() > 0]
    assert still == []
    assert shown.grad is not None and (shown.grad.abs().amax((1, 2, 3)) > 0).all()


@pytest.mark.parametrize("name", SMALL)
def test_the_gradient_penalty_reaches_the_weights(name: str) -> None:
    critic, shown = small(name), pictures().requires_grad_(True)
    gradient_penalty(critic(shown), shown).backward()
    moved = [key for key, one in critic.named_parameters() if one.grad is not None and one.grad.abs().max() > 0]
    assert {key for key, one in critic.named_parameters() if one.ndim == 4} <= set(moved)


@pytest.mark.parametrize("name", SMALL)
def test_bfloat16_and_channels_last_give_nearly_the_same(name: str) -> None:
    critic, shown = small(name), pictures()
    with torch.no_grad():
        expected = critic(shown)
        critic = critic.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        torch.testing.assert_close(critic(shown), expected, atol=1e-4, rtol=1e-4)
        with torch.autocast("cpu", torch.bfloat16):
            made = critic(shown)
    assert made.dtype == torch.float32
    assert float((made - expected).abs().max()) < 0.05 * max(1.0, float(expected.abs().max()))


def test_scores_with_batch_normalization_depend_on_the_batch_and_without_do_not() -> None:
    torch.manual_seed(0)
    shown = pictures()
    normalized = DcganCritic(px=32, width=8, normalization="batch")
    assert float((normalized(shown)[:2] - normalized(shown[:2])).abs().max()) > 1e-4
    assert not any(isinstance(one, nn.BatchNorm2d) for one in small("dcgan-critic").modules())
    convolutions = [one for one in normalized.stack if isinstance(one, nn.Conv2d)]
    assert [one.out_channels for one in convolutions] == [8, 16, 32, 1]


def test_critics_that_cannot_be_built_are_refused() -> None:
    with pytest.raises(PlanError, match="no resolution"):
        ResidualCritic(widths=())
    with pytest.raises(PlanError, match="power of two"):
        DcganCritic(px=20)
    with pytest.raises(PlanError, match="normalization"):
        DcganCritic(px=16, width=4, normalization="group")
