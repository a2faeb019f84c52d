"""A restoring network run on a whole picture in memory, without files, tiles or command line."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.models import hub
from vasari.models.blocks import whole_window
from vasari.models.detectors import Detector
from vasari.models.restorers import Restored, Restorer
from vasari.tasks.restore.marks import load_detector
from vasari.tasks.restore.plan import DEFAULT_WORKING_PX, DETECT
from vasari.tasks.restore.surveyed import OVERVIEW_PX, Surveyed

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Ready:
    """A restorer, and what finds the marks that it is told of; None where it is told of none."""

    restorer: Restorer
    detector: Detector | None


def load_restorer(name_or_path: str) -> tuple[Ready, str]:
    """The network of a bundled name or of a weights file, channels last, and its digest."""
    loaded = hub.load(name_or_path)
    if not isinstance(loaded.network, Restorer):
        raise SystemExit(f"{name_or_path} is no restorer but a {type(loaded.network).__name__}.")
    loaded.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    detector = load_detector(DETECT, loaded) if loaded.network.marked else None
    return Ready(loaded.network, detector), loaded.digest


def look_at(ready: Ready, pixels: Tensor, working_px: int = DEFAULT_WORKING_PX) -> Surveyed:
    """The survey, marks and draft of a picture [3, rows, columns], 0..1 sRGB."""
    overview = image_files.shrink(pixels, OVERVIEW_PX).clamp(0, 1)
    return Surveyed.of(overview, ready.restorer, ready.detector, working_px)


def marks_of(ready: Ready, pixels: Tensor) -> Tensor:
    """What the detector tells of every pixel [rows, columns] of a picture [3, rows, columns]; 0 without one."""
    marks = look_at(ready, pixels, working_px=0).marks_in(whole_window(pixels[None]), *pixels.shape[1:])
    return torch.zeros(pixels.shape[1:]) if marks is None else marks[0, 0].float()


@torch.inference_mode()
def run_restorer(
    ready: Ready,
    pixels: Tensor,
    precision: torch.dtype = torch.float32,
    keep_tone: bool = False,
    self_ensemble: bool = False,
    working_px: int = DEFAULT_WORKING_PX,
) -> Restored:
    """`Restored` of one picture [3, rows, columns], 0..1 sRGB: the survey, a draft where it is large, then one pass.

    `keep_tone` brings the repaired picture back into the tone given, as `--stages repair` does; `self_ensemble` takes
    the mean of four mirrored views.
    """
    batch = pixels[None].contiguous(memory_format=torch.channels_last)
    window = whole_window(batch)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
        seen = look_at(ready, pixels, working_px)
        result = seen.restored(ready.restorer, batch, window, self_ensemble)
    if not keep_tone:
        return result
    kept = ready.restorer.keep_tone(batch, result.toned.float(), result.picture.float(), seen.survey, window)
    return replace(result, picture=kept)


def as_saved(pixels: Tensor) -> Tensor:
    """Pixels as an 8-bit file would hold them: [1, 3, rows, columns] to float32 [3, rows, columns]."""
    return (pixels[0].float().clamp(0, 1) * 255).round() / 255
