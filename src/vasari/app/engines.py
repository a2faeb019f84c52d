"""Where the work of a command is done: in this process, or by the workers of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vasari.foundation.errors import PlanError
from vasari.foundation.execute import Executor
from vasari.foundation.plans import check, option

LOCAL, RAY = "local", "ray"


@dataclass(frozen=True)
class EnginePlan:
    """Where work is done; nothing here changes a result, but for how many processes train: each draws its own noise."""

    engine: str = option(LOCAL, "where the work is done: in this process, or by workers of Ray", choices=(LOCAL, RAY))
    address: str | None = option(
        None, "--engine ray: auto or HOST:PORT of the cluster this machine is of; else Ray is started here"
    )
    workers: int = option(0, "--engine ray: processes at work, a CPU each; 0: one for each CPU there is", minimum=0)
    worker_gpus: float = option(0.0, "--engine ray: GPUs, or parts of one, for each worker", minimum=0.0)

    def __post_init__(self) -> None:
        check(self)
        asked = self.address is not None or self.workers > 0 or self.worker_gpus > 0
        if self.engine == LOCAL and asked:
            raise PlanError("A cluster's options are given, and not its engine.", remedy="add --engine ray")


@contextmanager
def executor_of(plan: EnginePlan) -> Iterator[Executor | None]:
    """The executor that a plan means; None for this process."""
    if plan.engine == LOCAL:
        yield None
        return
    from vasari.app.ray_executor import RayExecutor

    with RayExecutor(plan.address, plan.workers, plan.worker_gpus) as executor:
        yield executor


def trained_by(
    plan: EnginePlan, recipe: str, data: tuple[str, ...], run: Path, settings: tuple[str, ...], resume: bool
) -> dict[str, Any]:
    """Train where a plan means, as `tasks.recipe.train_recipe` does and tells."""
    if plan.engine == LOCAL:
        from vasari.tasks.recipe import train_recipe

        return train_recipe(recipe, data, run, settings, resume)
    from vasari.app.ray_cluster import RayCluster
    from vasari.app.ray_training import trained

    with RayCluster(plan.address, plan.workers) as cluster:
        return trained(cluster, recipe, data, run, settings, resume=resume, workers=plan.workers, gpus=plan.worker_gpus)
