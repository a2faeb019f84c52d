"""A whole profile: the subject, the machine's peak, the layers, and a folder's forecast, as plain values."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vasari.foundation.picture import Picture
from vasari.tasks.profile.forecast import Forecast, forecast
from vasari.tasks.profile.measuring import Layer, Measurement, measured, parameters
from vasari.tasks.profile.peak import Peak, measured_peak
from vasari.tasks.profile.plan import ProfilePlan
from vasari.tasks.profile.subjects import Subject, subject


@dataclass(frozen=True)
class Profile:
    """What was measured of a subject, on what machine; `share` is that of the machine's peak in its precision."""

    name: str
    precision: str
    width: int
    height: int
    parameters: int
    measurement: Measurement
    peaks: tuple[Peak, ...]
    share: float
    machine: dict[str, Any]
    folder: Forecast | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = self.measurement
        return {
            "name": self.name,
            "precision": self.precision,
            "picture_px": [self.width, self.height],
            "parameters": self.parameters,
            "operations": found.operations,
            "seconds": found.seconds,
            "all_seconds": list(found.all_seconds),
            "peak_memory_bytes": found.peak_bytes,
            "machine_peaks": [asdict(one) for one in self.peaks],
            "share_of_peak": self.share,
            "stages": [asdict(one) for one in found.stages()],
            "layers": [asdict(one) for one in found.layers],
            "machine": self.machine,
            "forecast": asdict(self.folder) if self.folder else None,
        }


def profile(named: str, plan: ProfilePlan, folder: Path | None = None) -> Profile:
    """Measure what `named` is (a task, a model, a file); raises `PlanError`, `WeightsError`."""
    ready = subject(named, plan)
    side = max(8, round((plan.megapixels * 1e6) ** 0.5))
    picture = Picture(torch.rand(3, side, side, generator=torch.Generator().manual_seed(plan.seed)))
    precisions = (torch.float32, torch.bfloat16)
    peaks = tuple(measured_peak(one, ready.device) for one in precisions)
    found = measured(ready, picture, plan.runs)
    reached = found.operations / found.seconds / peaks[precisions.index(ready.precision)].operations_per_second
    return Profile(
        ready.name, str(ready.precision).removeprefix("torch."), side if ready.sized else 0, side if ready.sized else 0,
        parameters(ready), found, peaks, reached, machine(ready),
        forecast(ready, folder, plan) if folder is not None else None,
    )  # fmt: skip


def machine(ready: Subject) -> dict[str, Any]:
    """What a timing depends on, the load before it among that."""
    load = os.getloadavg()[0] if os.name == "posix" else float("nan")
    return {
        "device": ready.device.type,
        "processor": platform.processor() or platform.machine(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": round(load, 2),
    }


def busiest(layers: tuple[Layer, ...], count: int) -> list[Layer]:
    """The layers that took the most time."""
    return sorted(layers, key=lambda one: -one.seconds)[:count]
