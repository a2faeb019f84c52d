"""What a run tells while it trains: a line on the terminal, `log.jsonl`, curves, grids and `report.html`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.runs import Checkpoint, RunFolder
from vasari.tasks import training_page
from vasari.tasks.objectives import Validation
from vasari.tasks.stability import Verdict
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_state import Counters
from vasari.tasks.validation_pictures import grid


class Report:
    """Writes the log of one process's run; a `quiet` one (all processes but the first) writes nothing."""

    def __init__(self, run: RunFolder, plan: TrainPlan, counters: Counters, quiet: bool) -> None:
        self._run, self._plan, self._counters, self._quiet = run, plan, counters, quiet
        self._curves = None if quiet else _curves(run, counters)
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

    def data(self, lines: Sequence[str]) -> None:
        """Keep what was read to train on, in plain words, as `data.txt`."""
        if lines and not self._quiet:
            write_whole(self._run.path / training_page.DATA_FILE, "".join(f"{line}\n" for line in lines).encode())

    def event(self, event: str, **facts: Any) -> None:
        """Log what happened beside the numbers ("trouble", "over", "roll-back"), and say it."""
        if self._quiet:
            return
        counters = self._counters
        self._run.log({"images_seen": counters.images_seen, "step": counters.step, "event": event, **facts})
        self.say(f"{counters.images_seen} images: {event}: {facts['kind']}: {facts['words']}.")

    def rolled_back(self, troubles: Sequence[Verdict], before: int, given_up: Sequence[Mapping[str, Any]]) -> None:
        """Log a roll-back from `before` images, with the lines that were given up; the curves go on from there."""
        kinds, words = (", ".join(dict.fromkeys(found)) for found in zip(*((one.kind, one.words) for one in troubles)))
        share = self._plan.roll_back_rate**self._counters.roll_backs
        words += f"; back from {before} images, on with {share:g} of the rate"
        self.event("roll-back", kind=kinds, words=words, from_images=before, given_up=list(given_up))
        self.close()
        self._curves = _curves(self._run, self._counters)
        self._since = (time.monotonic(), self._counters.images_seen)

    def page(self) -> None:
        """Write `report.html`; where that fails, it is said, and the run goes on."""
        if self._quiet:
            return
        try:
            write_whole(self._run.path / "report.html", training_page.page(self._run).encode())
        except Exception as error:  # whatever it is: a page is not worth a training
            self.say(f"report.html could not be written: {error}")

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
            f"{self._counters.images_seen} images ({share:.1f} %) {shown} {speed:.1f} images/s, {clock(left)} left"
        )


def say_how_it_goes_on(run: RunFolder, checkpoint: Checkpoint | None, recipe: Mapping[str, Any]) -> None:
    """Tell on stderr what `--resume` found: no run to go on with, or one that saw other data."""
    if checkpoint is None:
        print(f"There is no run in {run.path} to go on with; this is its beginning.", file=sys.stderr)
        return
    before, now = (one.get("data") for one in (checkpoint.facts["recipe"], recipe))
    if before != now:
        print(f"The data were {before} and are {now}: the curve will be another one.", file=sys.stderr)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _curves(run: RunFolder, counters: Counters) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None  # the extra `training` is not installed: log.jsonl holds the same numbers
    # What was drawn after the checkpoint that the run goes on from is hidden.
    later = counters.images_seen + 1 if counters.images_seen else None
    folder = run.path / "tensorboard"
    _wait_for_a_later_name(folder)
    return SummaryWriter(str(folder), purge_step=later)  # type: ignore[no-untyped-call]


def _wait_for_a_later_name(folder: Path) -> None:
    """Let the second of the newest file of curves pass, a second at most.

    TensorBoard reads files in the order of their names (events.out.tfevents.SECOND.HOST.PROCESS.NUMBER), and of two
    that began in one second, as around a roll-back, the later may come first.
    """
    begun = [name.split(".")[3] for name in sorted(one.name for one in folder.glob("events.out.tfevents.*.*"))]
    newest = max((int(one) for one in begun if one.isdecimal()), default=0)
    left = newest + 1 - time.time()
    if 0 < left <= 1:
        time.sleep(left)
