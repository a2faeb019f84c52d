"""From coarse to fine: a large scan is repaired at the size that was learned first, and that is carried to its own.

A scratch that training drew three pixels wide is thirty wide in a scan of 1200 dpi. There the network takes it for a
part of the picture, and coarse grain too. In a reduction both are as they were learned; what the reduction cannot hold,
fine detail, is the scan's own, but where a mark lies (docs/decisions/0030-from-coarse-to-fine.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.models.blocks import whole_window, window_field
from vasari.models.restorers import Restored, Restorer
from vasari.models.surveyor import Survey
from vasari.tasks.restore.lifting import Lifted
from vasari.tasks.restore.marks import both_opinions

#: From so many times the working size on a scan is large; what is hardly larger gains nothing by a draft.
LARGE = 1.5
#: Up to the first probability of damage a pixel keeps all of its own fine detail, from the second on none of it.
KEPT, DROPPED = 0.3, 0.65


@dataclass(frozen=True)
class Draft:
    """A whole picture at the working size; toned, repaired [1, 3, h, w], damage_logits and covered [1, 1, h, w].

    `covered` is the probability of damage by all opinions, 0..1: of the restorer's own and the detector's.
    """

    toned: Tensor
    repaired: Tensor
    damage_logits: Tensor
    covered: Tensor

    def start(self, toned: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
        """What is left to repair of a tile [1, 3, h, w] in the survey's tone: the draft, with the tile's own detail.

        With it what the draft covered there [1, 1, h, w], which the second pass is told.
        """
        height, width = toned.shape[2:]
        parts = torch.cat([self.repaired - self.toned, self.toned, self.covered], 1)
        moved, coarse, covered = window_field(parts, window, height, width).split([3, 3, 1], 1)
        dropped = ((covered - KEPT) / (DROPPED - KEPT)).clamp(0, 1)
        return toned + moved - dropped * (toned - coarse), covered

    def with_damage(self, restored: Restored, window: Tensor) -> Restored:
        """A tile that was repaired from `start`, its damage that which was found there or here."""
        logits = restored.damage_logits
        found = window_field(self.damage_logits, window, *logits.shape[2:]).to(logits.dtype)
        return Restored(restored.toned, restored.picture, torch.maximum(logits, found))


def is_large(overview: Tensor, working_px: int) -> bool:
    """True where a picture whose overview is [3, h, w] is repaired from a draft; never with a working size of 0."""
    return 0 < working_px * LARGE < max(overview.shape[1:])


def draft_of(
    overview: Tensor, restorer: Restorer, survey: Survey, marks: Tensor | None, freed: Lifted | None, working_px: int
) -> Draft:
    """A picture [3, h, w] on the CPU in 0..1 sRGB repaired at the working size.

    marks [1, 1, h', w'] of the whole picture, None where nobody looked; `freed` is what lies around the sure ones.
    """
    device = survey.start.device
    reduced = image_files.shrink(overview, working_px).clamp(0, 1)[None].to(device)
    whole = whole_window(reduced)
    toned = restorer.tone(reduced, survey, whole)
    begun = toned
    if freed is not None:
        freed_scan = freed.taken_off(overview[None].to(device), whole)[0].cpu()
        without = image_files.shrink(freed_scan, working_px).clamp(0, 1)[None].to(device)
        begun = restorer.tone(without, survey, whole)
    told = None if marks is None else window_field(marks, whole, *reduced.shape[2:])
    made = restorer.repaired(begun, survey, told)
    covered = made.damage if told is None else both_opinions(told, made.damage)
    return Draft(toned.float(), made.picture.float(), made.damage_logits.float(), covered.float())
