"""Holes in clean pictures, filled, and scored inside the holes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.bench import Setting
from vasari.tasks.benchmark.cases import Array, Case, Cases
from vasari.tasks.benchmark.measures import HoleLikeness
from vasari.tasks.benchmark.methods import filling
from vasari.tasks.benchmark.plans import InpaintBenchPlan, band_of
from vasari.tasks.benchmark.quality import Material, held, reported, score_table
from vasari.tasks.benchmark.report import Report
from vasari.tasks.benchmark.sources import Sources, about, sources
from vasari.tasks.evaluate.files import pictures_in
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.inpaint.masks import free_form
from vasari.tasks.inpaint.plan import InpaintPlan

TRIES = 200


def run(plan: InpaintBenchPlan, setting: Setting) -> Report:
    """Scores by share of the hole; raises `PlanError`, `WeightsError`, `PeerError`."""
    ours = filling(InpaintPlan(method=plan.method, model=plan.model, precision=plan.precision, device=plan.device))
    clean, lost = sources(plan.data, plan.count, plan.long_side_px, plan.names).readable()
    drawn = f"masks given: {about(plan.masks)}" if plan.masks else "free-form masks as in training"
    told = f"{clean.told}, long side {plan.long_side_px} px; {drawn}, the hole black in what is given"
    material = Material(holed_cases(clean, plan), told, HoleLikeness(Comparer.of(plan.network)), lost)
    results = held(plan, material, [ours], setting)
    tables = [
        score_table(results, group, f"Holes of {group[1]} % of the picture")
        for group in results.groups
        if group[0] == "share"
    ]
    return reported("inpaint", "Holes filled", plan, material, results, setting, tables)


def holed_cases(clean: Sources, plan: InpaintBenchPlan) -> Cases:
    """Every picture with a hole of every band."""
    given = {band: pictures_in(Path(plan.masks).expanduser() / band) for band in plan.shares} if plan.masks else {}

    def each() -> Iterator[Case]:
        for index in range(len(clean)):
            name, pixels = clean.read(index)
            for band in plan.shares:
                rows, columns = int(pixels.shape[1]), int(pixels.shape[2])
                if given:
                    hole = _read_hole(given[band], name, rows, columns)
                else:
                    hole = drawn_hole(np.random.default_rng([plan.seed, index, *band.encode()]), rows, columns, band)
                holed = torch.where(torch.from_numpy(hole), torch.zeros(()), pixels)
                yield Case(f"{name}-{band}", name, {"share": band}, holed, pixels, hole=hole)

    return Cases(len(clean) * len(plan.shares), each)


def drawn_hole(rng: np.random.Generator, rows: int, columns: int, band: str) -> Array:
    """A free-form mask bool [rows, columns] whose share lies in a band such as "10-20"; raises `PlanError`."""
    low, high = band_of(band)
    for _ in range(TRIES):
        mask = free_form(rng, rows, columns, float(rng.uniform(low, high)))
        if low <= mask.mean() <= high:
            return np.asarray(mask, bool)
    raise PlanError(f"No mask of {band} % was drawn in {TRIES} tries.", remedy="name a wider band with --shares")


def _read_hole(masks: dict[str, Path], name: str, rows: int, columns: int) -> Array:
    """The mask of a picture, half its full scale and more missing; raises `PlanError`."""
    if name not in masks:
        raise PlanError(f"There is no mask for {name}.", remedy="write a mask BAND/NAME.png for every picture")
    with Image.open(masks[name]) as opened:
        mask = np.asarray(opened.convert("L")) >= 128
    if mask.shape != (rows, columns) or not mask.any():
        raise PlanError(
            f"The mask of {name} has {mask.shape[1]}x{mask.shape[0]} px and covers {mask.mean():.0%}; the picture has "
            f"{columns}x{rows}.",
            remedy="write masks of the pictures' size, white where something is missing",
        )
    return mask
