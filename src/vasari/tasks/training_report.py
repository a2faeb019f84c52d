"""What a run tells while it trains: a line on the terminal, `log.jsonl`, curves and grids."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import torch

from vasari.foundation.runs import RunFolder
from vasari.tasks.objectives import Validation
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_state import Counters
from vasari.tasks.validation_pictures import grid


class Report:
    """Writes the log of one process's run; a `quiet` one (all processes but the first) writes nothing."""

    def __init__(self, run: RunFolder, plan: TrainPlan, counters: Counters, quiet: bool) -> None:
        self._run, self._plan, self._counters, self._quiet = run, plan, counters, quiet
        self._curves = None if quiet else _curves(run, counters.step)
        self._since = (time.monotonic(), counters.images_seen)

    def add(self, values: Mapping[str, float]) -> None:
        """Count the values of a step towards the next line's means."""
        for name, value in values.items():
            total = self._counters.sums.setdefault(name, [0.0, 0])
            total[0] += value
            total[1] += 1

    def line(self) -> None:
        """Log the means since the last line, the speed and the time left."""
        counters = self._counters
        means = {name: total / count for name, (total, count) in counters.sums.items()}
        counters.sums.clear()
        if self._quiet:
            return
        now, (then, images_then) = time.monotonic(), self._since
        speed = (counters.images_seen - images_then) / max(now - then, 1e-9)
        self._since = (now, counters.images_seen)
        record = {
            "images_seen": counters.images_seen,
            "step": counters.step,
            **means,
            "skipped_steps": counters.skipped_steps,
            "images_per_second": round(speed, 3),
            "seconds": round(counters.seconds, 2),
        }
        self._run.log(record)
        self._draw(means | {"images_per_second": speed})
        self._say(means, speed)

    def validation(self, found: Validation) -> None:
        """Log a validation's numbers and write its pictures."""
        if self._quiet:
            return
        images_seen = self._counters.images_seen
        numbers = {name: float(value) for name, value in found.metrics.items()}
        self._run.log({"images_seen": images_seen, "step": self._counters.step, "validation": numbers})
        self._draw({f"validation/{name}": value for name, value in numbers.items()})
        for name, pictures in found.pictures.items():
            pixels = grid(pictures)
            self._run.write_picture(f"{images_seen:09d}-{name}", pixels)
            if self._curves is not None:
                self._curves.add_image(name, torch.from_numpy(pixels), images_seen, dataformats="HWC")
        self.say(" ".join(["validation", *(f"{name} {value:.4g}" for name, value in numbers.items())]))

    def say(self, text: str) -> None:
        """A line on the terminal."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Finish the curves' file."""
        if self._curves is not None:
            self._curves.close()

    def _draw(self, values: Mapping[str, float]) -> None:
        if self._curves is not None:
            for name, value in values.items():
                self._curves.add_scalar(name, value, self._counters.images_seen)

    def _say(self, means: Mapping[str, float], speed: float) -> None:
        left = max(0, self._plan.images - self._counters.images_seen) / max(speed, 1e-9)
        shown = " ".join(f"{name} {value:.4g}" for name, value in means.items())
        share = 100.0 * self._counters.images_seen / (self._plan.steps * self._plan.batch)
        self.say(
            f"{self._counters.images_seen} images ({share:.1f} %) {shown} "
            f"{speed:.1f} images/s, {clock(left)} left"
        )


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _curves(run: RunFolder, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # the extra `training` is not installed: log.jsonl holds the same numbers
    return SummaryWriter(str(run.path / "tensorboard"), purge_step=step if step else None)  # type: ignore[no-untyped-call]
