"""Where scratches, dust, cracks and stains cover a picture: found once on a reduction of it, and told for every tile.

Marks are found by a network that does nothing else, and at one scale, whatever the resolution of the scan: a restorer
that must do everything at once dims marks where it should remove them. A tile needs no larger halo for it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.blocks import whole_window, window_field
from vasari.models.detectors import Detector, found_marks
from vasari.models.restorers import Restorer
from vasari.models.surveyor import Survey

# Long side at which marks are sought: about the scale that the detector learned at (docs/decisions/0030), and again in
# a reduction, where wide ones are as narrow as it has learned them (docs/decisions/0033).
MARKS_PX = 768
REDUCED = 2 / 3
# Share of the detector in the map of damage; the rest is the restorer's own, which sees single pixels of large scans.
DETECTOR_SHARE = 0.75


def marks_of(detector: Detector, overview: Tensor, restorer: Restorer, survey: Survey) -> Tensor:
    """The probability [1, 1, h', w'] of a mark in a picture [3, h, w] on the CPU, at most `MARKS_PX` long.

    Sought where fading and casts are undone, as scratches of a yellowed print are white to whoever knows its tone.
    """
    largest = min(MARKS_PX, max(overview.shape[1:]))
    toned = []
    for long_side in (largest, round(REDUCED * largest)):
        pixels = image_files.shrink(overview, long_side)[None].to(survey.start.device)
        toned.append(restorer.tone(pixels, survey, whole_window(pixels)))
    return sought(detector, *toned)


def sought(detector: Detector, toned: Tensor, reduced: Tensor) -> Tensor:
    """The probability [N, 1, h, w] of a mark in pictures [N, 3, h, w] in their restored tone, sought at two scales.

    `reduced` are the same, `REDUCED` as large. The root mean square of both, so that who is sure counts more.
    """
    fine, coarse = (found_marks(detector, pixels.clamp(0, 1)).float() for pixels in (toned, reduced))
    coarse = window_field(coarse, whole_window(fine), *fine.shape[2:])
    return ((fine.square() + coarse.square()) / 2).sqrt()


def both_opinions(marks: Tensor, damage: Tensor) -> Tensor:
    """The map of damage: what the detector tells, and by a quarter what the restorer tells by the way; 0..1."""
    return torch.lerp(damage, marks, DETECTOR_SHARE)


def load_detector(name_or_path: str | Path, restorer: hub.Loaded) -> Detector:
    """The detector of a bundled name or a path; raises `WeightsError`, also for another than the restorer knows."""
    loaded = hub.load(name_or_path)
    if not isinstance(loaded.network, Detector):
        kind = loaded.recipe["network"]["name"]
        raise WeightsError(
            f"{loaded.name} is a {kind}, which finds no marks.", remedy="name a model of the task detect"
        )
    if restorer.recipe.get("detector", {}).get("digest", loaded.digest) != loaded.digest:
        raise WeightsError(
            f"{restorer.name} goes with another detector than {loaded.name}.",
            remedy="name the one it goes with: --detector PATH",
        )
    return loaded.network
