"""Where the arithmetic is done, and with how many bits: the machine is asked once, plainly."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from vasari.foundation.errors import PlanError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
#: Beyond it a number of threads is taken for an error: each takes memory even where it has nothing to do.
MOST_THREADS = 1024


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """The device called `name` (one of `DEVICES`); raises `PlanError` where this machine has none."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next(one for one in ("cuda", "mps", "cpu") if available[one])
    if not available.get(name, False):
        raise PlanError(f"device={name} is not available on this machine.", remedy="use --device auto")
    return torch.device("cuda", local_rank) if name == "cuda" else torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """float32 or bfloat16 for `name` (one of `PRECISIONS`).

    `auto` means bfloat16 where it is fast: CUDA with native support, CPUs with AMX or AVX-512 bf16 units.
    """
    if name == "float32":
        return torch.float32
    if name == "bfloat16":
        return torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and cpu_has_fast_bfloat16() else torch.float32


@functools.cache
def cpu_has_fast_bfloat16() -> bool:
    """True where the processor multiplies bfloat16 natively (AMX or AVX-512 BF16; read from /proc/cpuinfo)."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return False
    return bool(flags & {"amx_bf16", "avx512_bf16"})


def machine_of(device: torch.device, precision: torch.dtype) -> dict[str, str]:
    """What the arithmetic depends on, for the record; to be asked in the thread that computes.

    With other threads sums are cut elsewhere, and kernels choose other blocks: a result can differ by a level.
    """
    return {
        "precision": str(precision).removeprefix("torch."),
        "device": device.type,
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "threads": str(torch.get_num_threads()),
        "torch": torch.__version__,
    }


@contextlib.contextmanager
def threads_of(machine: Mapping[str, str]) -> Iterator[None]:
    """Compute with as many threads as `machine` of a record names, whatever the environment says; then as before.

    A record that names none changes nothing. The number holds for the calling thread and for threads that begin to
    compute meanwhile. Raises `PlanError` where the record names no number of 1 to `MOST_THREADS`.
    """
    told = machine.get("threads")
    if told is None:
        yield
        return
    if told not in map(str, range(1, MOST_THREADS + 1)):
        raise PlanError(
            f"The record's machine names {told!r} threads; a number from 1 to {MOST_THREADS} is needed.",
            remedy="replay the record as Vasari wrote it",
        )
    before = torch.get_num_threads()
    torch.set_num_threads(int(told))
    try:
        yield
    finally:
        torch.set_num_threads(before)
