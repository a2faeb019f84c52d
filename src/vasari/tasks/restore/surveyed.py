"""What is known of a whole picture before its tiles are restored: its tone, its marks, a draft where it is large."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.models.blocks import whole_window, window_field
from vasari.models.detectors import Detector
from vasari.models.restorers import OVERVIEW_PX as SURVEYED_PX
from vasari.models.restorers import Restored, Restorer
from vasari.models.surveyor import Survey
from vasari.tasks.restore import self_ensemble
from vasari.tasks.restore.drafts import Draft, draft_of, is_large
from vasari.tasks.restore.lifting import Lifted, lifted
from vasari.tasks.restore.marks import marks_of
from vasari.tasks.restore.plan import DEFAULT_WORKING_PX

# Long side of the overview that all this is found on.
OVERVIEW_PX = 1536
# Channels that differ by less are the same, in sRGB: a grey pixel comes so near through the profile of another space.
GREY_WITHIN = 1 / 1024


@dataclass(frozen=True)
class Surveyed:
    """What is known of a whole picture: its survey, and the probability of marks [1, 1, h, w]; None: nobody looked.

    `is_grey`: red, green and blue are the same all over it. `draft`: what a large picture became at the working size.
    `lifted`: what takes the place of its sure marks, where there are any.
    """

    survey: Survey
    marks: Tensor | None
    is_grey: bool
    draft: Draft | None = None
    lifted: Lifted | None = None

    @classmethod
    @torch.inference_mode()
    def of(
        cls, overview: Tensor, restorer: Restorer, detector: Detector | None, working_px: int = DEFAULT_WORKING_PX
    ) -> Surveyed:
        """Of a picture [3, h, w] on the CPU in 0..1 sRGB, its long side `OVERVIEW_PX` or smaller; on their device."""
        device = next(restorer.parameters()).device
        reduced = image_files.shrink(overview, SURVEYED_PX)
        toned = cls(restorer.survey(reduced[None].to(device)), None, bool(neutral(overview[None]).all()))
        return toned.looked_at(overview, restorer, detector, working_px)

    @torch.inference_mode()
    def looked_at(
        self, overview: Tensor, restorer: Restorer, detector: Detector | None, working_px: int = DEFAULT_WORKING_PX
    ) -> Surveyed:
        """The same tone with the marks and the draft of this picture, e.g. of one frame of a shot; see `of`."""
        marks = marks_of(detector, overview, restorer, self.survey) if detector else None
        freed = None if marks is None else self._freed(overview, restorer, marks)
        large = is_large(overview, working_px)
        draft = draft_of(overview, restorer, self.survey, marks, freed, working_px) if large else None
        return replace(self, marks=marks, draft=draft, lifted=freed)

    def _freed(self, overview: Tensor, restorer: Restorer, marks: Tensor) -> Lifted | None:
        pixels = overview[None].to(marks.device)
        return lifted(pixels, restorer.tone(pixels, self.survey, whole_window(pixels)), marks)

    def marks_in(self, window: Tensor, height: int, width: int) -> Tensor | None:
        """The probability of marks [1, 1, height, width] of a tile; window [1, 4] in fractions of the picture."""
        return None if self.marks is None else window_field(self.marks, window, height, width)

    def restored(self, restorer: Restorer, source: Tensor, window: Tensor, in_views: bool = False) -> Restored:
        """A tile [1, 3, h, w] in 0..1 sRGB restored, from the draft where there is one.

        `in_views` takes the mean of four mirrored views (`self_ensemble`); a draft is always made of one.
        """
        repair = self_ensemble.repaired_in_views if in_views else Restorer.repaired
        toned = restorer.tone(source, self.survey, window)
        if self.draft is not None:
            begun, covered = self.draft.start(toned, window)
            made = repair(restorer, begun, self.survey, covered)
            return self.draft.with_damage(replace(made, toned=toned), window)
        begun = toned
        if self.lifted is not None:
            begun = restorer.tone(self.lifted.taken_off(source, window), self.survey, window)
        made = repair(restorer, begun, self.survey, self.marks_in(window, *source.shape[2:]))
        return replace(made, toned=toned)


def neutral(pixels: Tensor) -> Tensor:
    """Where red, green and blue [N, 3, h, w] are the same within `GREY_WITHIN`: bool [N, 1, h, w]."""
    return pixels.amax(1, keepdim=True) - pixels.amin(1, keepdim=True) <= GREY_WITHIN
