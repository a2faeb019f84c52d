"""Where the repair begins: the picture in the tone of its survey, without what is surely a mark.

Training begins where use does; what the repair never saw lifted off it took for a part of the picture
(docs/decisions/0034-taught-where-it-begins.md).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.blocks import whole_window
from vasari.models.detectors import Detector
from vasari.models.restorers import Restored, Restorer
from vasari.models.surveyor import Survey
from vasari.tasks.restore.lifting import lifted
from vasari.tasks.restore.marks import REDUCED, sought


def from_their_beginning(
    restorer: Restorer, detector: Detector | None, pixels: Tensor, survey: Survey, window: Tensor
) -> Restored:
    """Patches [N, 3, h, w] in 0..1 sRGB restored as `Surveyed.restored` does tiles.

    Departs from it in that marks are sought in the patch alone, that the patch itself must be worn for them to be
    lifted off (`lifted`), and that there is no draft. window [N, 4]: where the patches lie in the pictures that were
    surveyed, in fractions; without a detector no marks are sought.
    """
    toned = restorer.tone(pixels, survey, window)
    if detector is None:
        return restorer.repaired(toned, survey)
    with torch.no_grad():
        size = [max(1, round(REDUCED * side)) for side in toned.shape[2:]]
        marks = sought(detector, toned, functional.interpolate(toned, size, mode="area"))
        freed = lifted(pixels, toned, marks)
    begun = toned
    if freed is not None:
        begun = restorer.tone(freed.taken_off(pixels, whole_window(pixels)), survey, window)
    return replace(restorer.repaired(begun, survey, marks), toned=toned)
