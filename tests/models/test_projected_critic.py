"""The critic that looks through a frozen encoder."""

from __future__ import annotations

import pytest
import torch

from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.projected_critic import ProjectedCritic


@pytest.fixture
def critic() -> ProjectedCritic:
    torch.manual_seed(0)
    encoder = hub.load("encoder").network
    assert isinstance(encoder, Encoder)
    return ProjectedCritic(encoder, width=8)


def test_each_depth_counts_alike_in_the_mean_of_its_scores(critic: ProjectedCritic) -> None:
    pixels = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    scores = critic(pixels)
    assert scores.shape == (2, 4, 16, 24) and scores.dtype == torch.float32
    coarse = scores[:, 3]
    assert torch.equal(coarse[:, ::4, ::4].repeat_interleave(4, 1).repeat_interleave(4, 2), coarse)
    assert not torch.equal(scores[:, 0, ::4, ::4].repeat_interleave(4, 1).repeat_interleave(4, 2), scores[:, 0])


def test_only_the_heads_learn(critic: ProjectedCritic) -> None:
    pixels = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
    critic(pixels).mean().backward()
    assert pixels.grad is not None and float(pixels.grad.abs().sum()) > 0
    assert {name.split(".")[0] for name, one in critic.named_parameters() if one.grad is not None} == {"heads"}


def test_the_distance_is_0_for_equal_pictures_and_grows_with_what_is_lost(critic: ProjectedCritic) -> None:
    truth = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    blurred = torch.nn.functional.avg_pool2d(truth, 3, 1, 1)
    assert float(critic.distance(truth, truth)) == 0
    near, far = (float(critic.distance(torch.lerp(truth, blurred, share), truth)) for share in (0.2, 1.0))
    assert 0.05 < near < far


def test_a_conditional_critic_is_shown_what_a_picture_was_made_from() -> None:
    torch.manual_seed(0)
    encoder = hub.load("encoder").network
    assert isinstance(encoder, Encoder)
    critic = ProjectedCritic(encoder, width=8, conditional=True)
    generator = torch.Generator().manual_seed(3)
    pixels, given = (torch.rand(1, 3, 32, 32, generator=generator) for _ in range(2))
    alone, beside = critic(pixels, pixels), critic(pixels, given)
    assert not torch.equal(alone[:, 0], beside[:, 0])  # the finest head sees what was changed,
    assert torch.equal(alone[:, 1:], beside[:, 1:])  # the encoder's depths see the picture
    with pytest.raises(ValueError, match="made from"):
        critic(pixels)


def test_a_critic_without_condition_is_shown_nothing_else(critic: ProjectedCritic) -> None:
    with pytest.raises(ValueError, match="made from"):
        critic(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("depths", [(2, 3, 4, 3), (1, 1, 2, 1)])
def test_a_score_sees_as_far_as_the_critic_says_and_no_farther(depths: tuple[int, ...]) -> None:
    critic = ProjectedCritic(Encoder((2, 2, 2, 2), depths), width=2)
    for one in critic.parameters():
        one.data.fill_(1 / one[0].numel() if one.ndim == 4 else 0)  # nothing is silent, nothing cancels
    pixels = torch.ones(1, 3, 32, 256, requires_grad=True)
    critic(pixels)[0, 3, 0, 112 // 4].backward()
    assert pixels.grad is not None
    seen = pixels.grad.abs().sum((0, 1, 2)).nonzero().flatten().tolist()
    assert (112 - seen[0], seen[-1] - 112) == (critic.reach(), critic.reach() + 1)
    coarsest = pixels.grad
    pixels.grad = None
    critic(pixels)[0, :3, 0, 112 // 4].sum().backward()
    assert not bool((pixels.grad != 0)[coarsest == 0].any())
