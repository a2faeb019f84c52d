"""A restoring network run on a whole picture in memory, without files, tiles or command line."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vasari.models import hub
from vasari.models.restorers import OVERVIEW_PX, Restored, Restorer

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load_restorer(name_or_path: str) -> tuple[Restorer, str]:
    """The network of a bundled name or of a weights file, channels last, and its digest."""
    loaded = hub.load(name_or_path)
    if not isinstance(loaded.network, Restorer):
        raise SystemExit(f"{name_or_path} is no restorer but a {type(loaded.network).__name__}.")
    loaded.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return loaded.network, loaded.digest


@torch.inference_mode()
def run_restorer(network: Restorer, pixels: Tensor, precision: torch.dtype = torch.float32) -> Restored:
    """`Restored` of one picture [3, rows, columns], 0..1 sRGB: the survey, then one forward pass."""
    batch = pixels[None].contiguous(memory_format=torch.channels_last)
    height, width = batch.shape[2:]
    scale = OVERVIEW_PX / max(height, width)
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    thumbnail = functional.interpolate(batch, size, mode="area") if scale < 1 else batch
    window = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    with torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16):
        return network(batch, network.survey(thumbnail), window)


def as_saved(pixels: Tensor) -> Tensor:
    """Pixels as an 8-bit file would hold them: [1, 3, rows, columns] to float32 [3, rows, columns]."""
    return (pixels[0].float().clamp(0, 1) * 255).round() / 255
