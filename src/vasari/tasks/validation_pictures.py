"""Pictures of a validation as one grid to look at."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

GAP_PX = 4


def grid(pictures: Tensor) -> np.ndarray:
    """uint8 [rows, columns, 3] from [N,C,H,W] (one row) or [rows,columns,C,H,W]; C is 1 or 3, values 0..1."""
    table = pictures.detach().float().cpu()
    if table.ndim == 4:
        table = table[None]
    if table.shape[2] == 1:
        table = table.expand(-1, -1, 3, -1, -1)
    table = table.nan_to_num(0.0).clamp(0.0, 1.0)
    rows, columns, _, height, width = table.shape
    canvas = torch.ones(3, rows * (height + GAP_PX) - GAP_PX, columns * (width + GAP_PX) - GAP_PX)
    for row in range(rows):
        for column in range(columns):
            top, left = row * (height + GAP_PX), column * (width + GAP_PX)
            canvas[:, top : top + height, left : left + width] = table[row, column]
    return (canvas * 255.0).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
