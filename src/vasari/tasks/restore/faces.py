"""Where faces are in a picture: a cascade of local binary patterns, asked twice. Whose they are is not asked."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata as packages
from typing import Any

import numpy as np

from vasari.foundation.errors import MissingExtraError

EXTRA = "faces"
#: Long side of the reduction in which faces are looked for, in pixels.
OVERVIEW_PX = 960
#: Smallest side of a face there, in pixels: below it too little of a face is left to compare.
SMALLEST_PX = 36
#: The window grows by this factor from size to size, and goes on pixel by pixel.
GROWTH, STEP = 1.1, 1
#: How many windows must agree. The cascade's usual 4 takes gravel for faces.
AGREEING = 6
#: A face must be found in the mirrored picture too, overlapping so much (intersection over union).
MIRRORED_OVERLAP = 0.4
#: Of two finds that overlap more than that, the larger stands.
LARGEST_OVERLAP = 0.1

Find = tuple[int, int, int]  # top, left, side


@dataclass(frozen=True)
class Box:
    """A place in a picture, in fractions of its height and width."""

    top: float
    left: float
    bottom: float
    right: float

    def stored(self, lying: bool, flipped: Sequence[int]) -> Box:
        """The place in the stored picture that one upright is; `lying` and `flipped` brought it up."""
        top, left, bottom, right = self.top, self.left, self.bottom, self.right
        if 1 in flipped:
            top, bottom = 1 - bottom, 1 - top
        if 2 in flipped:
            left, right = 1 - right, 1 - left
        return Box(left, top, right, bottom) if lying else Box(top, left, bottom, right)


def cascade() -> Any:
    """The cascade of frontal faces that scikit-image carries; raises `MissingExtraError`.

    OpenCV's, by local binary patterns (Liao et al. 2007, Learning multi-scale block local binary patterns for face
    recognition), in the scheme of Viola & Jones 2001. OpenCV's own Haar cascades left its wheel with version 5.
    """
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        raise MissingExtraError("--likeness", EXTRA) from None
    return Cascade(lbp_frontal_face_cascade_filename())


def is_installed() -> bool:
    """Whether what finds faces is installed; it is not imported."""
    return importlib.util.find_spec("skimage") is not None


def version() -> str:
    """The version of what finds faces, for the record; raises `MissingExtraError`."""
    cascade()
    return packages.version("scikit-image")


def find_faces(grey: np.ndarray) -> tuple[Box, ...]:
    """The upright frontal faces of a reduced picture, uint8 [rows, columns], from top to bottom.

    Draws no random numbers. Raises `MissingExtraError`.
    """
    rows, columns = grey.shape
    if min(rows, columns) < SMALLEST_PX:
        return ()
    stretched = _stretched(grey)
    # The cascade reads the memory row by row: a mirrored view must be a copy.
    mirrored = _found(np.ascontiguousarray(stretched[:, ::-1]))
    back = [(top, columns - left - side, side) for top, left, side in mirrored]
    kept: list[Find] = []
    for one in sorted(_found(stretched), key=lambda find: (-find[2], find)):
        agreed = any(overlap(one, other) > MIRRORED_OVERLAP for other in back)
        if agreed and all(overlap(one, other) <= LARGEST_OVERLAP for other in kept):
            kept.append(one)
    return tuple(
        Box(top / rows, left / columns, (top + side) / rows, (left + side) / columns)
        for top, left, side in sorted(kept)
    )


def overlap(first: Find, second: Find) -> float:
    """Intersection over union of two squares, 0..1."""
    height = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    width = min(first[1] + first[2], second[1] + second[2]) - max(first[1], second[1])
    shared = max(0, height) * max(0, width)
    return shared / (first[2] ** 2 + second[2] ** 2 - shared)


def _stretched(grey: np.ndarray) -> np.ndarray:
    """Contrast brought to the full range, since faded pictures hide faces from the cascade."""
    low, high = np.percentile(grey, (1, 99))
    if high - low < 1:
        return np.ascontiguousarray(grey)
    return np.clip((grey - low) * (255 / (high - low)), 0, 255).astype(np.uint8)


def _found(grey: np.ndarray) -> list[Find]:
    side = min(grey.shape)
    finds = cascade().detect_multi_scale(
        img=grey,
        scale_factor=GROWTH,
        step_ratio=STEP,
        min_size=(SMALLEST_PX, SMALLEST_PX),
        max_size=(side, side),
        min_neighbor_number=AGREEING,
    )
    return [(int(one["r"]), int(one["c"]), int(one["width"])) for one in finds]
