"""What a number was taken on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

TELLING_FLAGS = ("amx_bf16", "amx_tile", "avx512_bf16", "avx512f", "avx2")


def described() -> dict[str, object]:
    """Processor, the flags that decide bfloat16's speed, cores, threads, versions and the load before the run."""
    cpu_info = Path("/proc/cpuinfo")
    text = cpu_info.read_text(encoding="utf-8", errors="replace") if cpu_info.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    flags = set(text.split())
    return {
        "processor": names[0] if names else platform.processor(),
        "flags": [flag for flag in TELLING_FLAGS if flag in flags],
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if os.name == "posix" else None,
    }


def in_words(machine: dict[str, object]) -> str:
    """The machine in a line."""
    flags = machine["flags"]
    shown = ", ".join(flags) if isinstance(flags, list) else ""
    amx = "" if "amx" in shown else ", without AMX"
    return (
        f"{machine['processor']} ({shown}{amx}), {machine['cores']} cores, {machine['threads']} threads, "
        f"torch {machine['torch']}, load {machine['load']}"
    )
