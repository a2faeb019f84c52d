"""Where a picture's lightness changes: edges, their steepness, and how evenly their directions are spread."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from vasari.archive.features.reduced import Reduced

#: Deviation of the Gaussian before the gradient, in pixels of the measured size.
SMOOTHED_PX = 1.0
#: Change of L* a pixel from which a pixel lies on an edge.
EDGE_FROM = 4.0
DIRECTIONS = 36

_RADIUS = 4


def edges(picture: Reduced) -> np.ndarray:
    """The three numbers of the table's columns of `edges`, float32."""
    down, across = gradient(picture.lab[0])
    steepness = np.hypot(down, across)
    return np.array(
        [(steepness >= EDGE_FROM).mean(), steepness.mean(), orientation_entropy(down, across)], dtype=np.float32
    )


def gradient(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The change a pixel downward and to the right of a plane [rows, columns], by derivatives of a Gaussian.

    Its deviation is `SMOOTHED_PX`; the border is repeated outward. Source: Canny, "A computational approach to
    edge detection", 1986, section V (the derivative of a Gaussian as the nearly best detector of steps).
    """
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float32)
    smooth = torch.exp(-0.5 * (offsets / SMOOTHED_PX) ** 2)
    smooth /= smooth.sum()
    # Scaled so that a ramp of 1 a pixel has the gradient 1.
    slope = offsets * smooth
    slope /= (offsets * slope).sum()
    padded = functional.pad(torch.from_numpy(plane)[None, None], (_RADIUS,) * 4, mode="replicate")

    def filtered(vertical: torch.Tensor, horizontal: torch.Tensor) -> np.ndarray:
        rows = functional.conv2d(padded, vertical[None, None, :, None])
        return functional.conv2d(rows, horizontal[None, None, None, :])[0, 0].numpy()

    return filtered(slope, smooth), filtered(smooth, slope)


def orientation_entropy(down: np.ndarray, across: np.ndarray) -> float:
    """Entropy of the gradients' directions, 0..1: 1 where all directions are alike, 0 where there is one or none.

    Directions count modulo 180° in `DIRECTIONS` bins around 0°, 5°, ..., weighted by steepness; the entropy is
    divided by that of equal shares. Source: Redies, Brachmann and Wagemans, "High entropy of edge orientations
    characterizes visual artworks from diverse cultural backgrounds", 2017, in a simpler form (no Gabor filters).
    """
    steepness = np.hypot(down, across)
    # Below this the lightness is flat but for rounding.
    steepness = np.where(steepness > 1e-3, steepness, 0.0)
    whole = float(steepness.sum(dtype=np.float64))
    if whole == 0.0:
        return 0.0
    turn = np.arctan2(down, across) / np.pi * DIRECTIONS
    bins = np.rint(turn).astype(np.int64) % DIRECTIONS
    shares = np.bincount(bins.ravel(), steepness.ravel(), DIRECTIONS) / whole
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum() / np.log(DIRECTIONS) + 0.0)
