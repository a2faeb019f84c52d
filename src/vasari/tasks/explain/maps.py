"""A map over a picture, as every explanation gives it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

SHOWN_SHARE = 0.998  # of a map's values lie within its scale; those beyond have the color of its end


@dataclass(frozen=True, eq=False)
class Map:
    """A map [h, w] by name, the ends of its scale, what it shows, and whether its colors part at 0."""

    name: str
    values: Tensor
    low: float
    high: float
    words: str
    around: bool = False


def end_of(values: Tensor, least: float = 1.0) -> float:
    """The end of a scale: what all but a few of the values stay below; a few must not darken all the rest."""
    return max(float(np.quantile(np.abs(values.numpy()), SHOWN_SHARE)), least)
