"""Where the arithmetic is done, and with how many bits: the machine is asked once, plainly."""

from __future__ import annotations

import functools
from pathlib import Path

import torch

from vasari.foundation.errors import PlanError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")


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
