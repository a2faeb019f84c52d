"""Several training processes as one: what `torchrun` or Ray Train starts, joined by averaged gradients."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as distributed
from torch import Tensor, nn

# A validation in the first process keeps the others waiting.
PATIENCE = datetime.timedelta(hours=2)


@dataclass(frozen=True)
class World:
    """This process's number among `size`; every method does nothing where there is one alone."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """True in the process that logs and saves."""
        return self.rank == 0

    def average(self, values: Tensor) -> Tensor:
        """The mean of `values` over the processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
            values /= self.size
        return values

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes, in one message."""
        gradients = [one.grad for one in parameters if one.grad is not None]
        if self.size == 1 or not gradients:
            return
        flat = self.average(torch.cat([one.reshape(-1) for one in gradients]))
        for gradient, part in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
            gradient.copy_(part.view(gradient.shape))

    def share_from_first(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the first one's `tensors`."""
        if self.size > 1:
            for tensor in tensors:
                value = tensor.detach().contiguous()
                distributed.broadcast(value, 0)
                tensor.detach().copy_(value)

    def wait(self) -> None:
        """Wait for the other processes."""
        if self.size > 1:
            distributed.barrier()

    def any(self, flag: bool, device: torch.device) -> bool:
        """True where `flag` is true in any process."""
        return bool(self.average(torch.tensor(float(flag), device=device)).item() > 0) if self.size > 1 else flag


@contextlib.contextmanager
def joined(device_name: str) -> Iterator[World]:
    """Join the processes that `torchrun` started (RANK, WORLD_SIZE, LOCAL_RANK); alone without it.

    Where they are joined already, as Ray Train joins its own, that group is used, and left to who made it.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    if distributed.is_initialized():
        yield _numbered(size)
        return
    # Imported now, and not by the first optimizer step: its functions take the group that exists at their import as a
    # default and would keep it, and gloo's threads, alive into the interpreter's end, where they can abort.
    importlib.import_module("torch.distributed.nn")
    uses_cuda = device_name in ("auto", "cuda") and torch.cuda.is_available()
    world = _numbered(size)
    if uses_cuda:
        torch.cuda.set_device(world.local_rank)
    distributed.init_process_group("nccl" if uses_cuda else "gloo", timeout=PATIENCE)
    try:
        yield world
        # All leave together: one that ends early would make torchrun end the others.
        world.wait()
    finally:
        distributed.destroy_process_group()


def _numbered(size: int) -> World:
    rank = os.environ["RANK"]
    return World(int(rank), size, int(os.environ.get("LOCAL_RANK", rank)))
