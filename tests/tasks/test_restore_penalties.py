"""What holds the critic of a restorer: R1 beside spectral norm, the penalty of WGAN-GP, or clipping."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data
from torch import nn

from vasari.foundation.errors import PlanError
from vasari.models.restorers import Restorer
from vasari.tasks.restore.objective import RestoreObjective, RestoreObjectivePlan


def objective_of(folder: Path, **options: object) -> RestoreObjective:
    Image.fromarray(data.astronaut()[:160, :160]).save(folder / "one.png")
    torch.manual_seed(0)
    restorer = Restorer(widths=(8, 8, 8), depths=(1, 1, 1, 1, 1), context=8)
    return RestoreObjective(restorer, {}, (folder,), RestoreObjectivePlan(adversarial="wgan", **options))  # type: ignore[arg-type]


def critic_terms(objective: RestoreObjective) -> dict[str, torch.Tensor]:
    return dict(objective.turns[0].losses(made_batch()))


def restorer_terms(objective: RestoreObjective) -> dict[str, torch.Tensor]:
    return dict(objective.turns[1].losses(made_batch()))


def made_batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    batch = {name: torch.rand(2, 3, 32, 32, generator=generator) for name in ("aged", "clean")}
    batch |= {"mask": torch.zeros(2, 1, 32, 32), "window": torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(2, 4)}
    batch |= {f"{name}_thumbnails": torch.rand(2, 1, 3, 48, 48, generator=generator) for name in ("aged", "clean")}
    return batch | {"aged_evidence": torch.zeros(2, 1, 103)}


def is_spectral(critic: nn.Module) -> bool:
    return any("parametrizations" in name for name, _ in critic.named_parameters())


def test_wgan_gp_pays_for_slopes_that_are_not_1_at_every_step(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, penalty="wgan-gp")
    critic = objective.networks["critic"]
    assert not is_spectral(critic) and objective.weights["penalty"] == 10.0
    for step in (0, 1):
        objective.begin_step(step, 8 * step + 8)
        penalty = critic_terms(objective)["penalty"]
        # A fresh critic is nearly flat: its slope of about 0 lies 1 away from 1.
        assert 0.5 < float(penalty.detach()) <= 1.0
    penalty.backward()
    assert any(one.grad is not None and one.grad.abs().sum() > 0 for one in critic.parameters())
    with torch.no_grad():  # a critic that is a constant pays 1 exactly
        for one in critic.parameters():
            one.zero_()
    assert float(critic_terms(objective)["penalty"].detach()) == pytest.approx(1.0, abs=1e-4)


def test_clip_keeps_the_weights_small_and_pays_nothing(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, penalty="clip", clip=0.02)
    critic = objective.networks["critic"]
    assert not is_spectral(critic) and max(float(one.detach().abs().max()) for one in critic.parameters()) > 0.02
    objective.begin_step(1, 8)
    assert max(float(one.detach().abs().max()) for one in critic.parameters()) == pytest.approx(0.02)
    assert float(critic_terms(objective)["penalty"]) == 0.0


def test_r1_comes_at_every_nth_step_beside_spectral_norm(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, penalty_every=2)
    assert is_spectral(objective.networks["critic"]) and objective.weights["penalty"] == 1.0
    paid = []
    for step in range(4):
        objective.begin_step(step, 8 * step + 8)
        paid.append(float(critic_terms(objective)["penalty"]) > 0)
    assert paid == [False, True, False, True]


def test_a_projected_critic_adds_the_perceptual_loss_and_keeps_its_encoder(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, critic="projected", penalty_every=0)
    critic, heads = objective.networks["critic"], "heads"
    terms = critic_terms(objective)
    terms["critic"].backward()
    assert {name.split(".")[0] for name, one in critic.named_parameters() if one.grad is not None} == {heads}
    favors = objective._critique.favor(*(torch.full((1, 3, 32, 32), one) for one in (0.0, 1.0, 0.5)))  # type: ignore[union-attr]
    assert set(favors) == {"adversarial", "perceptual"} and set(favors) < set(objective.weights)
    assert float(favors["perceptual"]) > 0.1


def test_a_penalty_in_place_of_the_spectral_norm_needs_a_critic_that_learns_all() -> None:
    with pytest.raises(PlanError, match="learns all by itself"):
        RestoreObjectivePlan(adversarial="wgan", critic="projected", penalty="clip")


def test_a_projected_critic_without_a_loss_is_refused() -> None:
    with pytest.raises(PlanError, match="nothing to judge"):
        RestoreObjectivePlan(critic="projected")


def test_another_penalty_is_refused() -> None:
    with pytest.raises(PlanError, match="r2"):
        RestoreObjectivePlan(penalty="r2")


def test_a_conditional_critic_judges_what_was_changed(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, critic="projected", conditional=True, penalty_every=1)
    terms = critic_terms(objective)
    assert float(terms["penalty"]) > 0  # r1 sees both pictures, too
    terms["critic"].backward()
    assert objective.networks["critic"].heads[0][0].weight.shape[1] == 24  # type: ignore[index,union-attr]


def test_what_was_given_is_not_moved_to_please_the_critic(tmp_path: Path) -> None:
    objective = objective_of(tmp_path, critic="projected", conditional=True, penalty_every=0)
    generator = torch.Generator().manual_seed(3)
    clean, made, given = (torch.rand(2, 3, 32, 32, generator=generator) for _ in range(3))
    made.requires_grad_(True)
    given.requires_grad_(True)
    objective._critique.favor(clean, made, given)["adversarial"].backward()  # type: ignore[union-attr]
    assert made.grad is not None and given.grad is None


def test_what_needs_a_critic_is_refused_without_it() -> None:
    with pytest.raises(PlanError, match="projected critic"):
        RestoreObjectivePlan(adversarial="wgan", conditional=True)
    with pytest.raises(PlanError, match="adversarial loss"):
        RestoreObjectivePlan(steady=True)


def test_a_steady_critic_pulls_alike_however_steep_it_is(tmp_path: Path) -> None:
    pulls = []
    for steepness in (1.0, 50.0):
        objective = objective_of(tmp_path, critic="projected", penalty_every=0, steady=True)
        critic = objective.networks["critic"]
        with torch.no_grad():
            for one in critic.heads:  # type: ignore[union-attr]
                one[-1].weight.mul_(steepness)
        generator = torch.Generator().manual_seed(2)
        clean, made, given = (torch.rand(2, 3, 32, 32, generator=generator) for _ in range(3))
        made.requires_grad_(True)
        objective._critique.favor(clean, made, given)["adversarial"].backward()  # type: ignore[union-attr]
        assert made.grad is not None
        pulls.append(made.grad)
    assert torch.allclose(pulls[0], pulls[1], atol=1e-6)
    assert float(2 * pulls[0].flatten(1).norm(dim=1).mean()) == pytest.approx(1.0, rel=1e-4)


def test_texture_is_asked_for_by_three_terms(tmp_path: Path) -> None:
    for asked in (True, False):
        objective = objective_of(tmp_path, critic="projected", penalty_every=0, texture=asked)
        terms = restorer_terms(objective)
        assert ({"energy", "chroma", "alternation"} <= set(terms)) is asked and set(terms) <= set(objective.weights)
