"""Good checkpoints, kept apart, and the way back to them.

    RUN/checkpoints/good-000120000.safetensors   written at validations without trouble; the two newest are kept

A roll-back takes networks, averages, moments and counters from there. What it does not take back: the number of
roll-backs (each lowers the rate), the steps given up, what was best. Data and noise go on where they were: a step's
are numbered by the steps taken, those given up included, so that the second try is another one than the first, and
yet the same in every repetition of the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import TrainingError
from vasari.foundation.runs import RunFolder, read_checkpoint
from vasari.tasks.training_state import TrainingState, from_checkpoint

GOOD_KEPT = 2
# What a roll-back leaves as it is: of the files that were published, and of the time that was spent.
SURVIVING = ("best_value", "best_images_seen", "seconds", "skipped_steps")


def good_checkpoints(run: RunFolder) -> list[Path]:
    """The good checkpoints, oldest first."""
    return sorted((run.path / "checkpoints").glob("good-*.safetensors"))


def keep(run: RunFolder) -> Path:
    """Keep a copy of the newest checkpoint as a good one; all but the newest `GOOD_KEPT` are deleted."""
    newest = run.checkpoints()[-1]
    path = write_whole(newest.with_name(newest.name.replace("last-", "good-")), newest.read_bytes())
    for old in good_checkpoints(run)[:-GOOD_KEPT]:
        old.unlink(missing_ok=True)
    return path


def restore(state: TrainingState, run: RunFolder, recipe: Mapping[str, Any]) -> None:
    """Put the newest trusted good checkpoint into `state`; raises `TrainingError` where there is none.

    The one to which the run went back last is trusted no more when trouble comes again before there is a newer.
    """
    before = dataclasses.replace(state.counters)
    goods = [path for path in good_checkpoints(run) if images_of(path) <= before.images_seen]
    if not goods:
        raise TrainingError(
            f"There is no good checkpoint in {run.path} to roll back to.",
            remedy="train anew in another folder, with a lower train.learning_rate",
        )
    older = [path for path in goods if images_of(path) < before.rolled_back_to]
    spent = images_of(goods[-1]) == before.rolled_back_to
    from_checkpoint(state, read_checkpoint(older[-1] if spent and older else goods[-1]), recipe)
    counters = state.counters
    for name in SURVIVING:
        setattr(counters, name, getattr(before, name))
    counters.given_up_steps = before.steps_taken - counters.step
    counters.roll_backs = before.roll_backs + 1
    counters.rolled_back_to = counters.images_seen


def forget_after(run: RunFolder, images_seen: int) -> list[dict[str, Any]]:
    """Delete the checkpoints after `images_seen`, good and last, and cut the log there; returns the lines cut off."""
    for path in (*run.checkpoints(), *good_checkpoints(run)):
        if images_of(path) > images_seen:
            path.unlink(missing_ok=True)
    given_up = [line for line in run.read_log() if line["images_seen"] > images_seen]
    run.cut_log(images_seen)
    return given_up


def images_of(path: Path) -> int:
    """The images seen of a checkpoint, from its name."""
    return int(path.stem.rpartition("-")[2])
