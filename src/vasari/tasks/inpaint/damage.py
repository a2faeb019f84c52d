"""Holes where the restorer finds damage: its probability map over a page of any size, in tiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from vasari.foundation import image_files, tiles
from vasari.tasks.inpaint.hole import Hole
from vasari.tasks.restore.conservator import Conservator
from vasari.tasks.restore.plan import RestorePlan
from vasari.tasks.restore.surveyed import OVERVIEW_PX

if TYPE_CHECKING:
    from vasari.foundation.image_files import Limits
    from vasari.tasks.inpaint.plan import InpaintPlan


def damaged_hole(path: Path, page: int, plan: InpaintPlan, limits: Limits) -> tuple[Hole, str]:
    """Where the probability of damage reaches the plan's threshold, and how it was found, in words."""
    conservator = Conservator.of(RestorePlan(precision=plan.precision, device=plan.device))
    survey = conservator.survey(image_files.thumbnail(path, OVERVIEW_PX, page=page, limits=limits))
    parts: list[np.ndarray] = []

    def keep(raw: np.ndarray, rows: Tensor) -> None:
        parts.append(np.packbits(rows[0].numpy() >= max(plan.damage_threshold, 1e-9), axis=1))

    with image_files.open_rows(path, page=page, limits=limits) as reader:
        tiles.stream(
            reader,
            lambda pixels, window: {"damage": conservator.treat(pixels, survey, window).damage},
            {"damage": keep},
            tile=plan.tile_px,
            halo=conservator.halo,
            multiple_of=conservator.multiple_of,
        )
        header = reader.header
    names = " and ".join(one.name for one in conservator.models)
    told = f"damage found by {names} with a probability of {plan.damage_threshold:g} or more"
    return Hole(np.concatenate(parts), header.height, header.width), told
