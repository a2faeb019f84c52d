"""Training by the processes of a Ray cluster: Ray Train starts and joins them, and each runs the one loop.

    trained(RayCluster("auto"), "restore", ("photos",), Path("runs/mine"), workers=4) -> the loop's summary

Ray Train numbers the processes as `torchrun` does (RANK, WORLD_SIZE, LOCAL_RANK) and forms their group; data, noise,
checkpoints and the log are the loop's, and so is the curve. A process that is lost ends the group; it is started anew
and goes on from the newest checkpoint of the run's folder, which all machines must see.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from vasari.app.ray_cluster import RayCluster, in_a_line
from vasari.foundation.errors import PlanError, TrainingError, VasariError
from vasari.foundation.runs import RunFolder
from vasari.foundation.version import VERSION
from vasari.tasks.recipe import keep_apart, read_recipe, whole_paths

#: Groups that may be lost one after the other with no new checkpoint in between.
LOSSES = 3
#: Ray Train's own notes of a run, in the run's folder while it lasts.
NOTES = ".ray"
#: What the first process says, there.
SAID = "said.txt"
POLL_S = 0.2
#: Ray Train neither changes the folder of its processes, nor takes what they print into logs of its own.
MANNERS = {
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
}


def trained(
    cluster: RayCluster,
    recipe: str,
    data: tuple[str, ...],
    run: Path,
    settings: tuple[str, ...] = (),
    *,
    resume: bool = False,
    workers: int = 0,
    gpus: float = 0.0,
) -> dict[str, Any]:
    """Train as `tasks.recipe.train_recipe` does, in `workers` processes (0: one for each CPU there is).

    Sources and `run` are seen by all machines under the same paths. Raises what the training raises, `PlanError` where
    there is no room, and `TrainingError` where one fails by a mistake, or processes are lost again and again.
    """
    read_recipe(recipe, settings)
    keep_apart(run, data)
    folder = RunFolder(run.expanduser().absolute())
    folder.refuse_used(resume)
    workers = _fitting(cluster, workers, gpus)
    asked = {
        "recipe": str(Path(recipe).absolute()) if Path(recipe).is_file() else recipe,
        "data": list(whole_paths(data)),
        "run": str(folder.path),
        "settings": list(settings),
        "resume": resume,
        "version": VERSION,
    }
    return _until_it_ends(asked, folder, workers, gpus)


def _fitting(cluster: RayCluster, workers: int, gpus: float) -> int:
    """How many processes are to be started; a cluster that is joined may yet grow, this machine does not."""
    room = cluster.connected().cluster_resources()
    cpus, all_gpus = int(room.get("CPU", 0)), room.get("GPU", 0.0)
    wanted = workers or cpus
    if not wanted:
        raise PlanError("The cluster has no CPU as yet.", remedy="say with --workers how many processes are to train")
    fits = wanted <= cpus and wanted * gpus <= all_gpus
    if not fits and cluster.address is None:
        raise PlanError(
            f"{wanted} processes do not fit on this machine ({cpus} CPUs, {all_gpus:g} GPUs).",
            remedy="ask for fewer with --workers, or name a cluster with --address",
        )
    if not fits:
        print(f"Waiting until {wanted} processes fit in the cluster.", file=sys.stderr)
    return wanted


def _until_it_ends(asked: dict[str, Any], folder: RunFolder, workers: int, gpus: float) -> dict[str, Any]:
    """Train with one group of processes after the other, as long as each gets further than the one before."""
    lost = 0
    while True:
        before = folder.checkpoints()
        try:
            return dict(_in_the_background(asked, folder, workers, gpus))
        except Exception as error:  # of a process, or of Ray's own: it has a class of its own for each
            _raise_ours(error)
            lost = 1 if folder.checkpoints() != before else lost + 1
            reason = _reason(error)
            if lost >= LOSSES:
                raise TrainingError(
                    f"The group of processes was lost {lost} times, with nothing saved in between: {reason}.",
                    remedy="see Ray's logs on its machines; give the processes more memory, or save more often with "
                    "--set train.save_every_seconds=60",
                ) from error
            print(f"A process was lost ({reason}); on from the newest checkpoint.", file=sys.stderr)
            # What the folder holds by now is this run's own.
            asked = {**asked, "resume": True}
        finally:
            shutil.rmtree(folder.path / NOTES, ignore_errors=True)


def _in_the_background(asked: Mapping[str, Any], folder: RunFolder, workers: int, gpus: float) -> Any:
    """The summary of a group; what it says meanwhile is said here.

    In a thread: in the first one Ray would take Ctrl-C for itself, and end with success.
    """
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def fit() -> None:
        try:
            outcome.append(_trainer(asked, folder, workers, gpus).fit().return_value)
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    told = 0
    while True:
        over = not thread.is_alive()
        told = _tell(folder.path / NOTES / SAID, told)
        if over:
            break
        thread.join(POLL_S)
    if failure:
        raise failure[0]
    return outcome[0]


def _tell(said: Path, told: int) -> int:
    """Print the whole lines that are new in what the first process said; how much of it is told by now, in bytes."""
    with contextlib.suppress(OSError), said.open("rb") as file:
        file.seek(told)
        lines = file.read().rpartition(b"\n")
        sys.stderr.write((lines[0] + lines[1]).decode(errors="replace"))
        told += len(lines[0] + lines[1])
    return told


def _trainer(asked: Mapping[str, Any], folder: RunFolder, workers: int, gpus: float) -> Any:
    os.environ |= MANNERS
    from ray.train import LoggingConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchConfig, TorchTrainer

    from vasari.tasks.processes import PATIENCE

    logging.getLogger("ray.train").setLevel(logging.ERROR)
    resources = {"CPU": 1.0, **({"GPU": gpus} if gpus else {})}
    return TorchTrainer(
        _train,  # type: ignore[arg-type]  # typed by its first version, as is RunConfig
        train_loop_config=dict(asked),
        torch_config=TorchConfig(timeout_s=int(PATIENCE.total_seconds())),
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=gpus > 0, resources_per_worker=resources),
        run_config=RunConfig(
            name="train",
            storage_path=str(folder.path / NOTES),
            logging_config=LoggingConfig("ERROR"),  # type: ignore[call-arg]
        ),
    )


def _train(asked: Mapping[str, Any]) -> dict[str, Any]:
    """One process of the group."""
    from vasari.tasks.recipe import train_recipe

    if asked["version"] != VERSION:
        raise PlanError(
            f"A worker has Vasari {VERSION}, this machine {asked['version']}.", remedy="install one version everywhere"
        )
    run = Path(asked["run"])
    with contextlib.ExitStack() as stack:
        if os.environ["RANK"] == "0":
            said = stack.enter_context((run / NOTES / SAID).open("a", buffering=1, encoding="utf-8"))
            stack.enter_context(contextlib.redirect_stderr(said))
        return _mistakes_told(
            partial(train_recipe, asked["recipe"], tuple(asked["data"]), run, tuple(asked["settings"]), asked["resume"])
        )


def _mistakes_told(train: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `train` returns; raises `TrainingError` for what would only fail again.

    Where one process is lost, those that wait for it fail inside torch.distributed: with gloo that error has no class
    of its own, so that its place must tell. It is raised as it is.
    """
    from torch import distributed

    try:
        return train()
    except VasariError:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        if isinstance(error, distributed.DistError) or Path(distributed.__file__).parent in Path(last.filename).parents:
            raise
        raise TrainingError(
            f"The training failed at {Path(last.filename).name}:{last.lineno}: {type(error).__name__}: "
            f"{in_a_line(error)}.",
            remedy="where memory or a disk was full, make room and go on with --resume; else train without "
            "--engine ray to see the whole traceback, and report it",
        ) from error


def _raise_ours(error: Exception) -> None:
    """Raise the error of ours that ended a group, where there is one."""
    from ray.train import WorkerGroupError

    for one in error.worker_failures.values() if isinstance(error, WorkerGroupError) else ():
        if isinstance(one, VasariError):
            raise one from None


def _reason(error: Exception) -> str:
    """What is said first of why a group ended: rather by Ray, which knows who is gone, than by who waited for it."""
    from ray.train import WorkerGroupError

    failures = list(error.worker_failures.values()) if isinstance(error, WorkerGroupError) else []
    by_ray = [one for one in failures if type(one).__module__.partition(".")[0] == "ray"]
    return in_a_line(next(iter(by_ray or failures), error))
