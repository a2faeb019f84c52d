"""A run as the process that trains it is told it: a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vasari.foundation.plans import from_dict
from vasari.tasks.sweep.plan import SweepPlan


@dataclass(frozen=True)
class Job:
    """A run as its process is told it; `before` are the keys of the runs that come before it in the plan."""

    key: str
    recipe: Mapping[str, Any]
    data: tuple[str, ...]
    before: tuple[str, ...]
    metric: str
    direction: str
    plan: SweepPlan
    threads: int = 1


def job_from(text: str) -> Job:
    """A job from its line of JSON."""
    values = json.loads(text)
    plan = from_dict(SweepPlan, values.pop("plan"), where="plan")
    return Job(**{**values, "data": tuple(values["data"]), "before": tuple(values["before"]), "plan": plan})
