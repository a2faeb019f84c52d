"""The photographs that benchmarks are run on."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

HELD_OUT = Path(__file__).parent / "held_out_photos.txt"
KINDS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}


def choose(folders: list[Path], count: int, names_file: Path | None = HELD_OUT) -> list[Path]:
    """`count` photographs of `folders`: those that `names_file` lists, or all; taken at even distances.

    Exits with a message where a listed name is in none of the folders.
    """
    found = {path.name: path for folder in folders for path in sorted(folder.iterdir()) if path.suffix.lower() in KINDS}
    names = sorted(found)
    if names_file is not None:
        names = names_file.read_text(encoding="utf-8").split("\n")
        names = [name for name in names if name]
        missing = [name for name in names if name not in found]
        if missing:
            raise SystemExit(f"{len(missing)} photographs of {names_file.name} are in no --photos folder: {missing[0]}")
    if count >= len(names):
        return [found[name] for name in names]
    return [found[names[index * len(names) // count]] for index in range(count)]


def load(path: Path, long_side: int | None = None) -> np.ndarray:
    """A photograph as uint8 [rows, columns, 3] RGB, reduced by area averaging to `long_side`."""
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path} cannot be read as a picture.")
    factor = (long_side or max(pixels.shape[:2])) / max(pixels.shape[:2])
    if factor < 1:
        pixels = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels[:, :, ::-1])


def planes(pixels: np.ndarray) -> Tensor:
    """[rows, columns, 3], uint8 or float 0..1, to a float32 tensor [3, rows, columns], 0..1."""
    scale = 255.0 if pixels.dtype == np.uint8 else 1.0
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32) / scale)


def rows(pixels: Tensor) -> np.ndarray:
    """A tensor [3, rows, columns] to float32 [rows, columns, 3]."""
    return pixels.permute(1, 2, 0).contiguous().numpy()
