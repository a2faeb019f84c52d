"""A set of decoded pictures that may hold more than memory: views into one memory-mapped file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.data.report import DataReport


@dataclass(frozen=True)
class Place:
    """Where a picture lies in the file of pixels: byte offset, rows and columns."""

    offset: int
    rows: int
    columns: int


class PictureSet(Sequence[np.ndarray]):
    """Pictures as kept: `[i]` is a view uint8 [rows, columns, 3]; with their names, labels and a report.

    Pickled, it takes the place of its file along and not the pixels; the file is opened when it is first asked.
    """

    def __init__(
        self, pixels: Path, places: Sequence[Place], names: Sequence[str], labels: Sequence[str], report: DataReport
    ) -> None:
        self._pixels_path, self._places = Path(pixels), tuple(places)
        self.names, self.labels, self.report = tuple(names), tuple(labels), report
        self._samples: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        place = self._places[index]
        end = place.offset + place.rows * place.columns * 3
        return self._opened()[place.offset : end].reshape(place.rows, place.columns, 3)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_samples": None}

    def tensor(self, index: int, px: int) -> Tensor:
        """The middle square of a picture, as large as it fits, as float32 [3, px, px] in 0..1."""
        picture = self[index]
        rows, columns, _ = picture.shape
        side = min(rows, columns)
        return square(picture, (rows - side) // 2, (columns - side) // 2, side, px)

    def select(self, indices: Sequence[int]) -> PictureSet:
        """A set of some of the pictures, from the same file; its report is still that of the whole."""
        places = [self._places[one] for one in indices]
        names, labels = [self.names[one] for one in indices], [self.labels[one] for one in indices]
        return PictureSet(self._pixels_path, places, names, labels, self.report)

    def _opened(self) -> np.ndarray:
        if self._samples is None:
            try:
                mapped = np.memmap(self._pixels_path, np.uint8, mode="r")
            except (OSError, ValueError) as error:
                raise TrainingError(
                    f"The decoded pictures {self._pixels_path} cannot be read: {error}.",
                    remedy="start again; they are decoded anew",
                ) from error
            self._samples = np.asarray(mapped)  # a plain view: faster to slice than a memmap
        return self._samples


def square(picture: np.ndarray, top: int, left: int, side: int, px: int, mirrored: bool = False) -> Tensor:
    """A square of a picture uint8 [rows, columns, 3], resized, as float32 [3, px, px] in 0..1.

    Reduced by Lanczos' filter over all pixels it covers, enlarged by cubic interpolation, copied where it fits.
    """
    cut = picture[top : top + side, left : left + side]
    if side != px:
        how = Image.Resampling.LANCZOS if side > px else Image.Resampling.BICUBIC
        cut = np.asarray(Image.fromarray(cut).resize((px, px), how, reducing_gap=3.0))
    if mirrored:
        cut = cut[:, ::-1]
    return torch.from_numpy(np.ascontiguousarray(cut.transpose(2, 0, 1))).float().div_(255.0)


def require(pictures: Sequence[Any], at_least: int, purpose: str = "this training") -> None:
    """Raise `TrainingError` where a set has fewer pictures than `purpose` needs."""
    if len(pictures) < at_least:
        raise TrainingError(
            f"{purpose} needs {at_least} pictures or more; there are {len(pictures)}.",
            remedy="name more pictures with --data",
        )


def check_batch(pictures: Sequence[Any], batch: int) -> None:
    """Raise `PlanError` where a batch would show a picture twice: for objectives to which that is harmful."""
    if batch > len(pictures):
        raise PlanError(
            f"train.batch={batch} is more than the {len(pictures)} pictures there are.",
            remedy=f"use --set train.batch={max(1, len(pictures))}, or name more pictures with --data",
        )
