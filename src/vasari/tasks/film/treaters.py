"""From a worker that treats pictures to what treats frames the same way: one line for each task."""

from __future__ import annotations

from typing import Any

from vasari.foundation.errors import PlanError
from vasari.tasks.film.frame_treaters import FrameTreater, InTiles, OneAfterAnother, Reduced
from vasari.tasks.film.refusals import refuse
from vasari.tasks.restore.apply import RestoreWorker
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.enlarging import Enlarging
from vasari.tasks.restore.surveyed import OVERVIEW_PX
from vasari.tasks.stylize.apply import StylizeWorker
from vasari.tasks.stylize.painter import Painter
from vasari.tasks.stylize.succession import SuccessionWorker
from vasari.tasks.translate.apply import Interpreter, TranslateWorker


def of_worker(worker: Any) -> FrameTreater:
    """What treats frames as this worker treats pictures; raises `PlanError` where it can treat pictures alone."""
    if isinstance(worker, RestoreWorker):
        return _restoring(worker.conservator)
    if isinstance(worker, SuccessionWorker):
        return OneAfterAnother(_restoring(worker.conservator), _painting(worker.painter))
    if isinstance(worker, StylizeWorker):
        return _painting(worker.painter)
    if isinstance(worker, TranslateWorker):
        return _translating(worker.interpreter)
    raise PlanError(f"{type(worker).__name__} treats no films.", remedy="treat pictures with it")


def _restoring(conservator: Conservator | Enlarging) -> FrameTreater:
    refuse(conservator.plan)
    if isinstance(conservator, Enlarging):
        raise TypeError("a plan that enlarges was not refused")
    return InTiles(
        conservator, OVERVIEW_PX, conservator.plan.tile_px, conservator.machine, looks_again=conservator.look_again
    )


def _painting(painter: Painter) -> FrameTreater:
    refuse(painter.plan)
    manner = painter.manner
    return InTiles(
        painter, manner.thumbnail_px, manner.tile_px, painter.machine, paints=True, looks_anew=painter.working_px > 0,
        fit=painter.fit,
    )  # fmt: skip


def _translating(interpreter: Interpreter) -> FrameTreater:
    if interpreter.working_px:
        return Reduced(interpreter)
    manner = interpreter.manner
    return InTiles(interpreter, manner.thumbnail_px, manner.tile_px, interpreter.machine, paints=True)
