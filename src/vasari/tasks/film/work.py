"""What the treatment of films says of itself, in plans and in records. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata as packages
from typing import TYPE_CHECKING, Any

from vasari.foundation.treatment import ModelFacts, Stage
from vasari.tasks.batch.work import Work
from vasari.tasks.film.film_plan import FilmedPlan, FilmPlan
from vasari.tasks.film.refusals import refuse

if TYPE_CHECKING:
    from vasari.tasks.film.frame_treaters import FrameTreater

#: The operation of a film is that of pictures with this ending.
OPERATION_ENDING = "-film"


@dataclass(frozen=True)
class FilmWork:
    """The work of a task on pictures, done to the frames of films."""

    work: Work
    film: FilmPlan

    def __post_init__(self) -> None:
        """Raises `PlanError` for a work that is for pictures alone."""
        refuse(self.work.plan)

    @property
    def operation(self) -> str:
        """The command, as job keys and records tell it: "restore-film"."""
        return self.work.operation + OPERATION_ENDING

    @property
    def plan(self) -> FilmedPlan:
        """All that decides the bytes of a result, beside source and models."""
        return FilmedPlan(self.work.plan, self.film)

    @property
    def models(self) -> tuple[ModelFacts, ...]:
        """The models with the digests of their files."""
        return self.work.models

    def stages(self, numbers: Mapping[str, float]) -> tuple[Stage, ...]:
        """What was done, in words, with what was measured."""
        film = self.film
        done = []
        if film.fusion:
            share = {"specks_share": numbers["specks_share"]} if "specks_share" in numbers else {}
            words = "each frame laid over with its neighbors along the motion: specks taken off, grain lowered"
            done.append(Stage("fusion", words, share))
        done += self.work.stages()
        rest = {key: value for key, value in numbers.items() if key != "specks_share"}
        if film.steady:
            done.append(Stage("steady", f"results carried along the motion, steadiness {film.steady:g} of 1", rest))
        else:
            done.append(Stage("film", "each frame treated by itself", rest))
        return tuple(done)

    def ready(self, machine: Mapping[str, str]) -> FrameTreater:
        """Load the weights, with the precision and on the device of `machine` where it names them.

        Raises `WeightsError`, and `PlanError` where the plan is for pictures alone.
        """
        from vasari.tasks.film.treaters import of_worker

        return of_worker(self.work.ready(machine))


def machine_of(treater: Any) -> dict[str, str]:
    """What the arithmetic of a film depends on, for the record."""
    from vasari.foundation.video_files import pyav

    return {
        **treater.machine,
        "pyav": str(pyav().__version__),
        "ffmpeg": str(pyav().ffmpeg_version_info),
        "opencv": _opencv_version(),
    }


def _opencv_version() -> str:
    for name in ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"):
        try:
            return packages.version(name)
        except packages.PackageNotFoundError:
            continue
    return "none"
