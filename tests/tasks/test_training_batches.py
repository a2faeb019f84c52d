"""Batches: every item once, the same for any number of workers and processes; errors told."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch

from vasari.foundation.errors import TrainingError
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_batches import collate, micro_batch_indices, steps_of_batches, to_device


@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_processes_together_show_every_item_once(world: int) -> None:
    plan = TrainPlan(images=48, batch=12, micro_batches=2)
    for step in range(plan.steps):
        parts = [part for rank in range(world) for part in micro_batch_indices(plan, step, rank, world)]
        assert sorted(index for part in parts for index in part) == list(range(step * 12, (step + 1) * 12))


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(TrainingError, match="does not divide") as caught:
        micro_batch_indices(TrainPlan(batch=8, micro_batches=2), 0, 0, 3)
    assert "train.batch=12" in caught.value.remedy


def test_workers_and_the_first_step_change_no_batch(toys: ModuleType) -> None:
    plans = [TrainPlan(images=40, batch=8, micro_batches=2, workers=workers) for workers in (0, 2)]
    alone, helped = (list(steps_of_batches(toys.Pairs(3), plan, 0, 0, 1)) for plan in plans)
    later = list(steps_of_batches(toys.Pairs(3), plans[0], 3, 0, 1))
    assert len(alone) == len(helped) == 5 and len(later) == 2
    for steps, others in ((alone, helped), (alone[3:], later)):
        for step, other in zip(steps, others, strict=True):
            for batch, same in zip(step, other, strict=True):
                assert all(torch.equal(batch[name], same[name]) for name in batch)


class Broken:
    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        if index >= 4:
            raise TrainingError("No photograph was found in X.", remedy="name a folder of pictures")
        return {"pixels": torch.zeros(3, 4, 4)}


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_in_the_data_is_told_from_any_process(workers: int) -> None:
    steps = steps_of_batches(Broken(), TrainPlan(images=40, batch=4, workers=workers), 0, 0, 1)
    next(steps)
    with pytest.raises(TrainingError, match="No photograph") as caught:
        next(steps)
    assert caught.value.remedy == "name a folder of pictures"


def test_items_that_differ_are_refused() -> None:
    with pytest.raises(TrainingError, match="Items of one batch differ"):
        collate([{"a": torch.zeros(3, 4, 4)}, {"a": torch.zeros(3, 4, 5)}])


def test_pictures_come_in_channels_last() -> None:
    batch = {"pixels": torch.rand(2, 3, 4, 5), "window": torch.rand(2, 4)}
    ready = to_device(batch, torch.device("cpu"), channels_last=True)
    assert ready["pixels"].is_contiguous(memory_format=torch.channels_last)
    assert all(torch.equal(ready[name], batch[name]) for name in batch)
