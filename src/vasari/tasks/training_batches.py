"""Batches of an endless positioned source, the same for any number of workers and of processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from vasari.foundation.errors import TrainingError, VasariError
from vasari.tasks.objectives import Batch, Examples
from vasari.tasks.train_plan import TrainPlan

PREFETCHED_PER_WORKER = 4


@dataclass(frozen=True)
class _Failure:
    """An error that crosses a process boundary."""

    message: str
    remedy: str


class _Collated(Dataset[dict[str, Tensor] | _Failure]):
    """The micro-batch for a list of indices."""

    def __init__(self, examples: Examples) -> None:
        self._examples = examples

    def __getitem__(self, indices: Sequence[int]) -> dict[str, Tensor] | _Failure:
        try:
            return collate([self._examples[index] for index in indices])
        except VasariError as error:
            return _Failure(error.message, error.remedy)


class _MicroBatchIndices(Sampler[list[int]]):
    """The lists of indices of one process, from a first step on."""

    def __init__(self, plan: TrainPlan, first_step: int, rank: int, world: int) -> None:
        self._plan, self._first_step, self._rank, self._world = plan, first_step, rank, world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self._first_step, self._plan.steps):
            yield from micro_batch_indices(self._plan, step, self._rank, self._world)


def micro_batch_indices(plan: TrainPlan, step: int, rank: int = 0, world: int = 1) -> list[list[int]]:
    """The items that `rank` of `world` processes shows at `step`, a list per micro-batch.

    Step s shows the items s × batch ... (s + 1) × batch - 1; together the processes show each once.
    Raises `TrainingError` where the batch does not divide.
    """
    parts = plan.micro_batches * world
    if plan.batch % parts:
        raise TrainingError(
            f"A batch of {plan.batch} does not divide into {plan.micro_batches} micro-batches of {world} processes.",
            remedy=f"use --set train.batch={-(-plan.batch // parts) * parts}",
        )
    size = plan.batch // parts
    starts = [step * plan.batch + (micro * world + rank) * size for micro in range(plan.micro_batches)]
    return [list(range(start, start + size)) for start in starts]


def collate(items: Sequence[Batch]) -> dict[str, Tensor]:
    """Stack named tensors; raises `TrainingError` where the items differ in names or shapes."""
    first = items[0]
    for item in items[1:]:
        if {key: one.shape for key, one in item.items()} != {key: one.shape for key, one in first.items()}:
            raise TrainingError(
                f"Items of one batch differ: {_shapes(first)} and {_shapes(item)}.",
                remedy="let the objective's examples return the same names and shapes for a whole batch",
            )
    return {key: torch.stack([item[key] for item in items]) for key in first}


def _shapes(item: Batch) -> str:
    return ", ".join(f"{key} {list(one.shape)}" for key, one in item.items())


def _prepare_worker(_: int) -> None:
    # One thread a worker (the loop needs the cores); Ctrl-C is the loop's to answer, and its own way of
    # answering SIGTERM must not be inherited, or workers could not be ended.
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def steps_of_batches(
    examples: Examples, plan: TrainPlan, first_step: int, rank: int, world: int
) -> Iterator[list[dict[str, Tensor]]]:
    """For each step from `first_step` to the end, this process's micro-batches on the CPU.

    With `plan.workers` > 0 they are prepared in other processes while the loop computes.
    """
    micro_batch_indices(plan, first_step, rank, world)
    loader: DataLoader[dict[str, Tensor] | _Failure] = DataLoader(
        _Collated(examples),
        batch_size=None,
        sampler=_MicroBatchIndices(plan, first_step, rank, world),
        num_workers=plan.workers,
        prefetch_factor=PREFETCHED_PER_WORKER if plan.workers else None,
        worker_init_fn=_prepare_worker if plan.workers else None,
    )
    step: list[dict[str, Tensor]] = []
    for micro_batch in loader:
        if isinstance(micro_batch, _Failure):
            raise TrainingError(micro_batch.message, remedy=micro_batch.remedy)
        step.append(micro_batch)
        if len(step) == plan.micro_batches:
            yield step
            step = []


def to_device(batch: Mapping[str, Tensor], device: torch.device, channels_last: bool) -> dict[str, Tensor]:
    """The batch on the device; four-dimensional tensors in channels_last where asked."""
    return {
        key: one.to(
            device,
            non_blocking=True,
            memory_format=torch.channels_last if channels_last and one.ndim == 4 else torch.preserve_format,
        )
        for key, one in batch.items()
    }
