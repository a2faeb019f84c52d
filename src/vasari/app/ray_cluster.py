"""The Ray cluster that a command works on: joined at its address, or started here and ended with the command.

Only `ray_*.py` of this folder imports Ray.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from vasari.foundation.errors import MissingExtraError, PlanError

#: What Ray keeps for objects on a machine that it is started on here, in bytes: records are small.
STORE_BYTES = 200 << 20
#: Longer folders leave no room for the names of Ray's sockets.
LONGEST_FOLDER = 40


@dataclass
class RayCluster:
    """A connection to Ray, made when it is first needed.

    `address` is "auto" or HOST:PORT of a cluster that this machine belongs to; None starts Ray on this machine alone,
    with `cpus` CPUs (0: its own), and ends it with `close`. Raises `PlanError` for an address that is none.
    """

    address: str | None = None
    cpus: int = 0
    _ours: bool = field(default=False, init=False)
    _folder: Path | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        host, _, port = (self.address or "").rpartition(":")
        if self.address not in (None, "auto") and not (host and "/" not in host and port.isdigit()):
            raise PlanError(
                f"The address {self.address} is not understood.",
                remedy="give auto, or HOST:PORT of the cluster's head; this machine must belong to the cluster",
            )

    def connected(self) -> ModuleType:
        """Ray, connected; where it is already, that connection is used, and left open.

        Raises `MissingExtraError` without the extra `cluster`, `PlanError` where it cannot be joined or started.
        """
        ray = imported()
        if ray.is_initialized():
            return ray
        told = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if self.address is None:
                self._start_here(ray, told)
            else:
                ray.init(address=self.address, **told)
        except Exception as error:  # Ray has no class of its own for what cannot be started or joined
            where = f"The Ray cluster at {self.address} cannot be joined" if self.address else "Ray cannot be started"
            raise PlanError(
                f"{where}: {in_a_line(error)}.",
                remedy="run this on a machine of the cluster (ray start --address=HEAD:6379), with Ray of one version"
                if self.address
                else "try again when this machine is less busy; the same command goes on where it was",
            ) from error
        self._ours = True
        return ray

    def close(self) -> None:
        """Leave the cluster; end Ray where it was started for this."""
        if self._ours:
            imported().shutdown()
            self._ours = False
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def __enter__(self) -> RayCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start_here(self, ray: ModuleType, told: Mapping[str, Any]) -> None:
        """Start Ray on this machine, without its dashboard, its files in a folder that goes with it."""
        folder = Path(tempfile.mkdtemp(prefix="ray-"))
        self._folder = folder
        ray.init(
            address="local",
            num_cpus=self.cpus or None,
            include_dashboard=False,
            object_store_memory=STORE_BYTES,
            _system_config={"worker_niceness": 0},
            _temp_dir=str(folder) if len(str(folder)) <= LONGEST_FOLDER else None,
            **told,
        )


def imported() -> ModuleType:
    """Ray, told to report nothing to anyone, and to leave stdout to us; raises `MissingExtraError`."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # It prints of each worker that is lost, to stdout, where --json has its outcome.
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")
    logging.getLogger("ray").setLevel(logging.ERROR)
    try:
        import ray
    except ModuleNotFoundError as error:
        raise MissingExtraError("The engine ray", "cluster") from error
    return ray


def in_a_line(error: Exception) -> str:
    """The first line of what Ray tells that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".") if lines else type(error).__name__
