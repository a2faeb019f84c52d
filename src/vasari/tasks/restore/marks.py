"""Where scratches, dust, cracks and stains cover a picture: found once on a reduction of it, and told for every tile.

Marks are found by a network that does nothing else, and at one scale, whatever the resolution of the scan: a restorer
that must do everything at once dims marks where it should remove them. A tile needs no larger halo for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.blocks import window_field
from vasari.models.detectors import Detector, found_marks
from vasari.models.restorers import OVERVIEW_PX as SURVEYED_PX
from vasari.models.restorers import Restorer
from vasari.models.surveyor import Survey

# Long side of the overview that marks are sought on: about the scale that the detector learned at.
OVERVIEW_PX = 1536
# Share of the detector in the map of damage; the rest is the restorer's own, which sees single pixels of large scans.
DETECTOR_SHARE = 0.75
# Channels that differ by less are the same, in sRGB: a grey pixel comes so near through the profile of another space.
GREY_WITHIN = 1 / 1024


@dataclass(frozen=True)
class Surveyed:
    """What is known of a whole picture: its survey, and the probability of marks [1, 1, h, w]; None: nobody looked.

    `is_grey`: red, green and blue are the same all over it.
    """

    survey: Survey
    marks: Tensor | None
    is_grey: bool

    @classmethod
    @torch.inference_mode()
    def of(cls, overview: Tensor, restorer: Restorer, detector: Detector | None) -> Surveyed:
        """Of a picture [3, h, w] on the CPU in 0..1 sRGB, its long side `OVERVIEW_PX` or smaller; on their device."""
        device = next(restorer.parameters()).device
        reduced = image_files.shrink(overview, SURVEYED_PX)
        marks = found_marks(detector, overview[None].to(device)) if detector else None
        return cls(restorer.survey(reduced[None].to(device)), marks, bool(neutral(overview[None]).all()))

    def marks_in(self, window: Tensor, height: int, width: int) -> Tensor | None:
        """The probability of marks [1, 1, height, width] of a tile; window [1, 4] in fractions of the picture."""
        return None if self.marks is None else window_field(self.marks, window, height, width)


def neutral(pixels: Tensor) -> Tensor:
    """Where red, green and blue [N, 3, h, w] are the same within `GREY_WITHIN`: bool [N, 1, h, w]."""
    return pixels.amax(1, keepdim=True) - pixels.amin(1, keepdim=True) <= GREY_WITHIN


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
