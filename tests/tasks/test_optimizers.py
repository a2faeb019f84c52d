"""Optimizers and the schedule: every entry of the table learns, resumes and obeys the plan."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from vasari.tasks.optimizers import (
    OPTIMIZERS,
    learning_rate,
    load_optimizer_state,
    make_optimizer,
    optimizer_state,
)
from vasari.tasks.train_plan import OPTIMIZER_NAMES, TrainPlan


def test_the_table_and_the_plans_choices_agree() -> None:
    assert tuple(OPTIMIZERS) == OPTIMIZER_NAMES


def network(channels_last: bool) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU(), nn.Conv2d(8, 4, 3))
    return made.to(memory_format=torch.channels_last) if channels_last else made


def fitted(name: str, channels_last: bool, resumed_at: int | None, steps: int = 12) -> tuple[nn.Module, list[float]]:
    plan = TrainPlan(optimizer=name, learning_rate=1e-2 if name != "sgd" else 0.1, weight_decay=0.01)
    model, losses = network(channels_last), []
    layout = torch.channels_last if channels_last else torch.contiguous_format
    pixels = torch.randn(4, 3, 9, 9, generator=torch.Generator().manual_seed(1)).contiguous(memory_format=layout)
    optimizer = make_optimizer(list(model.parameters()), plan)
    for step in range(steps):
        if step == resumed_at:
            tensors, values = optimizer_state(optimizer)
            stored = {key: one.detach().contiguous().clone() for key, one in tensors.items()}
            optimizer = make_optimizer(list(model.parameters()), plan)
            load_optimizer_state(optimizer, stored, values)
        optimizer.zero_grad()
        loss = (model(pixels) - 1.0).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return model, losses


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_learns_and_goes_on_exactly_from_a_stored_state(name: str, channels_last: bool) -> None:
    model, losses = fitted(name, channels_last, None)
    resumed, resumed_losses = fitted(name, channels_last, 5)
    assert losses[-1] < losses[0]
    assert resumed_losses == losses
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), resumed.parameters(), strict=True))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_layout_in_memory_changes_nothing(name: str) -> None:
    flat, last = fitted(name, False, None)[0], fitted(name, True, None)[0]
    for one, other in zip(flat.parameters(), last.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


def test_only_weights_of_two_dimensions_decay() -> None:
    model = network(False)
    optimizer = make_optimizer(list(model.parameters()), TrainPlan(optimizer="adamw", weight_decay=0.5))
    decays = {id(one): group["weight_decay"] for group in optimizer.param_groups for one in group["params"]}
    assert [decays[id(one)] for one in model.parameters()] == [0.5, 0.0, 0.5, 0.0]


def test_the_rate_rises_and_falls_with_the_images_shown() -> None:
    plan = TrainPlan(
        images=1000, batch=10, learning_rate=1.0, warmup_images=100, minimum_learning_rate_share=0.1, schedule="cosine"
    )
    assert learning_rate(plan, 0) == pytest.approx(0.1)
    assert learning_rate(plan, 40) == pytest.approx(0.5)
    assert learning_rate(plan, 100) == pytest.approx(1.0)
    assert learning_rate(plan, 550) == pytest.approx(0.1 + 0.9 / 2)
    assert learning_rate(plan, 325) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert learning_rate(plan, 1000) == learning_rate(plan, 5000) == pytest.approx(0.1)


@pytest.mark.parametrize(("schedule", "middle", "end"), [("constant", 1.0, 1.0), ("linear", 0.55, 0.1)])
def test_the_other_schedules(schedule: str, middle: float, end: float) -> None:
    plan = TrainPlan(images=1000, learning_rate=1.0, minimum_learning_rate_share=0.1, schedule=schedule)
    assert learning_rate(plan, 0) == 1.0
    assert learning_rate(plan, 500) == pytest.approx(middle)
    assert learning_rate(plan, 1000) == pytest.approx(end)


def test_the_cosine_equals_the_one_of_torch() -> None:
    plan = TrainPlan(images=800, batch=8, learning_rate=0.3, minimum_learning_rate_share=0.0)
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
    for step in range(100):
        assert learning_rate(plan, step * 8) == pytest.approx(schedule.get_last_lr()[0], abs=1e-9)
        optimizer.step()
        schedule.step()


def test_lion_steps_by_the_sign_of_the_moving_gradient() -> None:
    """Algorithm 2 of arXiv:2302.06675, two steps by hand."""
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]]))
    plan = TrainPlan(optimizer="lion", learning_rate=0.1, betas=(0.5, 0.8), weight_decay=0.01)
    optimizer = make_optimizer([weight], plan)
    value, moment = [1.0, -2.0], [0.0, 0.0]
    for gradient in ([1.0, -1.0], [-0.1, -3.0]):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        for i in range(2):
            update = math.copysign(1.0, 0.5 * moment[i] + 0.5 * gradient[i])
            value[i] -= 0.1 * (update + 0.01 * value[i])
            moment[i] = 0.8 * moment[i] + 0.2 * gradient[i]
        torch.testing.assert_close(weight.detach()[0], torch.tensor(value))
