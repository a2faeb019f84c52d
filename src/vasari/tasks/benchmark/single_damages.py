"""Pictures with and without one damage, all else equal: what a matrix of robustness is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import damage
from vasari.foundation.damage import DAMAGES, ERAS, SEVERITY_AMOUNTS, SEVERITY_CHANCES
from vasari.foundation.damage_tone import Plate
from vasari.foundation.errors import PlanError
from vasari.tasks.benchmark.cases import Case, Cases, as_saved
from vasari.tasks.benchmark.plans import RobustnessPlan
from vasari.tasks.benchmark.sources import Sources
from vasari.tasks.metrics import luma

#: Materials on which a damage comes alone, beside the eras: name -> whether grey.
ALONE = {"alone, grey": True, "alone, color": False}
BASE, ADDED, REMOVED = "base", "added", "removed"
# Of the numbers that a picture's seed is made of, those that are no damage's place in the table.
CHOICE, SIZE = 10_001, 10_002


@dataclass(frozen=True)
class Material:
    """An era, or none: whether it is grey, and how likely each of its damages is at full severity."""

    name: str
    grey: bool
    chances: dict[str, float]


def materials(plan: RobustnessPlan) -> list[Material]:
    """The eras of a plan, and both materials on which damages come alone; raises `PlanError` for damages none knows."""
    unknown = [one for one in plan.damages if one not in DAMAGES]
    if unknown:
        raise PlanError(f"There is no damage {unknown[0]!r}.", remedy=f"choose from: {', '.join(DAMAGES)}")
    found = [Material(era, ERAS[era].grey, dict(ERAS[era].chances)) for era in plan.eras]
    for name, grey in ALONE.items():
        known = {key for one in found if one.grey == grey for key in one.chances}
        if known:
            found.append(Material(name, grey, dict.fromkeys(known, 0.0)))
    if not any(damages_of(one, plan) for one in found):
        raise PlanError(
            f"No era of {', '.join(plan.eras)} knows {', '.join(plan.damages)}.",
            remedy="name other eras, or leave --damages out",
        )
    return found


def damages_of(material: Material, plan: RobustnessPlan) -> list[str]:
    """Those that a material knows and the plan wants, in the order of the table."""
    return [one for one in DAMAGES if one in material.chances and (not plan.damages or one in plan.damages)]


def single_cases(clean: Sources, plan: RobustnessPlan) -> Cases:
    """For every picture, material and severity: the picture as drawn, and once for each damage with that one toggled.

    A damage that the drawn picture has is removed, another is added; each draws from a generator of its own, so that
    all others stay as they are. Alone, the drawn picture is the clean one. What changes no pixel is left out, so that
    there may be fewer than `count`.
    """
    known = materials(plan)
    count = len(clean) * len(plan.severities) * sum(1 + len(damages_of(one, plan)) for one in known)

    def each() -> Iterator[Case]:
        for index in range(len(clean)):
            name, pixels = clean.read(index)
            for place, material in enumerate(known):
                truth = as_saved(luma(pixels).expand(3, -1, -1)) if material.grey else pixels
                for severity in plan.severities:
                    seed = [plan.seed, index, place, severity]
                    yield from _cases(name, truth, material, severity, seed, damages_of(material, plan))

    return Cases(count, each)


def _cases(
    photo: str, truth: Tensor, material: Material, severity: int, seed: list[int], wanted: Sequence[str]
) -> Iterator[Case]:
    base = drawn(material, severity, seed)
    channels = "luma" if material.grey else "rgb"
    groups = {"era": material.name, "severity": str(severity)}
    stem = f"{photo}-{material.name.replace(', ', '-')}-{severity}"
    first = aged(truth, material.grey, severity, seed, base)
    yield Case(f"{stem}-{BASE}", photo, {**groups, "damage": BASE, "toggled": BASE}, first, truth, channels)
    for one in wanted:
        given = aged(truth, material.grey, severity, seed, base ^ {one})
        if not torch.equal(given, first):
            toggled = REMOVED if one in base else ADDED
            yield Case(f"{stem}-{one}", photo, {**groups, "damage": one, "toggled": toggled}, given, truth, channels)


def drawn(material: Material, severity: int, seed: Sequence[int]) -> frozenset[str]:
    """The damages that befall a picture by chance."""
    chances = np.random.default_rng([*seed, CHOICE]).random(len(DAMAGES))
    share = SEVERITY_CHANCES[severity]
    return frozenset(
        one for one, value in zip(DAMAGES, chances, strict=True) if value < material.chances.get(one, 0.0) * share
    )


def aged(truth: Tensor, grey: bool, severity: int, seed: Sequence[int], chosen: frozenset[str]) -> Tensor:
    """truth [3, rows, columns] with the chosen damages, each by its own generator, in steps of 1/255."""
    scale = float(np.exp(np.random.default_rng([*seed, SIZE]).uniform(np.log(0.5), np.log(2.2))))
    pixels = truth.numpy().astype(np.float32)
    plate = Plate(pixels, np.zeros(pixels.shape[1:], np.float32), np.random.default_rng([*seed, SIZE]), grey, scale)
    for place, (name, befall) in enumerate(damage.DAMAGES.items()):
        if name in chosen:
            plate.rng = np.random.default_rng([*seed, place])
            befall(plate, plate.rng.uniform(*SEVERITY_AMOUNTS[severity]))
            plate.pixels = plate.pixels.astype(np.float32, copy=False)
    return as_saved(torch.from_numpy(np.ascontiguousarray(plate.pixels)))
