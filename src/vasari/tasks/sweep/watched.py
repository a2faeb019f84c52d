"""An objective that ends its own run where the curves of the others say that it is hopeless."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from vasari.foundation.errors import TrainingError
from vasari.tasks.objectives import Examples, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.sweep.jobs import Job
from vasari.tasks.sweep.outcomes import curve, read_outcome
from vasari.tasks.sweep.pruning import Curve, hopeless


class Watched(Objective):
    """An objective that asks at each validation whether it is worth going on, and ends its run where not."""

    def __init__(self, inner: Objective, recipe: Recipe, job: Job, folder: Path) -> None:
        self._inner, self._recipe, self._job, self._folder = inner, recipe, job, folder
        self._images_seen = 0
        self.pruned = False

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        found = self._inner.validate(networks)
        if self._job.metric not in found.metrics:
            raise TrainingError(
                f"The validation returned no {self._job.metric!r}, which judges the trials.",
                remedy=f"judge by one of: {', '.join(sorted(found.metrics))}",
            )
        if self._images_seen < self._recipe.train.images and self._is_hopeless(float(found.metrics[self._job.metric])):
            self.pruned = True
            os.kill(os.getpid(), signal.SIGTERM)  # as by hand: the loop ends its step, saves and stops
        return found

    def _is_hopeless(self, value: float) -> bool:
        job = self._job
        own = self._curve(job.key, value)
        others = [one for one in (self._curve(key) for key in job.before) if one.points]
        return bool(own.points) and hopeless(own, others, job.plan, job.direction)

    def _curve(self, key: str, *latest: float) -> Curve:
        """The finite validations of a run by their number, and of `latest` ones that its log does not have yet."""
        values = [*(value for _, value in curve(self._folder, key, self._job.metric)), *latest]
        points = [(number, value) for number, value in enumerate(values, 1) if math.isfinite(value)]
        ended = read_outcome(self._folder, key)
        return Curve(points, ended.state if ended else "")

    def begin_step(self, step: int, images_seen: int) -> None:
        self._images_seen = images_seen + self._recipe.train.batch
        self._inner.begin_step(step, images_seen)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return self._inner.networks

    @property
    def turns(self) -> Sequence[Turn]:
        return self._inner.turns

    @property
    def weights(self) -> Mapping[str, float]:
        return self._inner.weights

    def examples(self, seed: int) -> Examples:
        return self._inner.examples(seed)

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return self._inner.fixed

    @property
    def averaged(self) -> tuple[str, ...]:
        return self._inner.averaged

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return self._inner.published

    @property
    def best(self) -> tuple[str, str] | None:
        return self._inner.best

    @property
    def data_report(self) -> Sequence[str]:
        return self._inner.data_report
