"""What the demo's page shows of a picture: JPEG copies for the browser, and maps in color."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from vasari.foundation.atomic_files import write_whole
from vasari.tasks.metrics import luma

if TYPE_CHECKING:
    from torch import Tensor

QUALITY = 92
# Black, plum, red, amber, pale yellow: rises evenly in lightness, so that it also reads without color.
HEAT = np.array([[6, 5, 10], [74, 22, 84], [173, 50, 66], [236, 137, 48], [252, 246, 196]], np.float32) / 255
MARK = np.array([0.62, 0.05, 0.07], np.float32)


def write_view(pixels: Tensor, path: Path) -> None:
    """Write [1 or 3, rows, columns], 0..1, as a JPEG."""
    array = (pixels.clamp(0, 1).expand(3, -1, -1).permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    write_whole(path, buffer.getvalue())


def damage_view(damage: Tensor, picture: Tensor) -> Tensor:
    """The damage map [1, rows, columns] 0..1 laid in red over the pale, grey picture: [3, rows, columns]."""
    pale = (0.5 + 0.5 * luma(picture.clamp(0, 1))).expand(3, -1, -1)
    mark = torch.from_numpy(MARK).reshape(3, 1, 1)
    return pale + (mark - pale) * damage


def change_view(change: Tensor) -> Tensor:
    """The change map [1, rows, columns] as heat, its largest change palest: [3, rows, columns]."""
    share = (change / change.max().clamp(min=1e-6)).clamp(0, 1)[0].numpy()
    grid = np.linspace(0, 1, len(HEAT))
    return torch.from_numpy(np.stack([np.interp(share, grid, HEAT[:, c]) for c in range(3)]).astype(np.float32))
