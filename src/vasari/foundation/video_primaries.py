"""The primaries of films and those of sRGB: in linear light, by the chromaticities of ITU-T H.273, table 2."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.image_color import srgb_decode, srgb_encode

_D65, _C, _DCI = (0.3127, 0.3290), (0.310, 0.316), (0.314, 0.351)
_Point = tuple[float, float]
#: Code point -> chromaticities (x, y) of red, green, blue and white.
PRIMARIES: dict[int, tuple[_Point, _Point, _Point, _Point]] = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    4: ((0.670, 0.330), (0.210, 0.710), (0.140, 0.080), _C),
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    8: ((0.681, 0.319), (0.243, 0.692), (0.145, 0.049), _C),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), _D65),
}
# Cone responses of the Bradford adaptation (ICC.1:2022, annex E).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def to_srgb_primaries(pixels: Tensor, primaries: int) -> Tensor:
    """Pixels [3, h, w] with the sRGB curve, from these primaries to sRGB's; unknown ones are taken for sRGB's."""
    return pixels if _same(primaries) else _mixed(pixels, matrix_to_srgb(primaries))


def from_srgb_primaries(pixels: Tensor, primaries: int) -> Tensor:
    """The inverse of `to_srgb_primaries`."""
    return pixels if _same(primaries) else _mixed(pixels, np.linalg.inv(matrix_to_srgb(primaries)))


@functools.cache
def matrix_to_srgb(primaries: int) -> np.ndarray:
    """[3, 3], from linear light of these primaries to linear sRGB, white to white."""
    return np.linalg.inv(_to_xyz(1)) @ _to_xyz(primaries)


def _same(primaries: int) -> bool:
    return primaries == 1 or primaries not in PRIMARIES


def _mixed(pixels: Tensor, matrix: np.ndarray) -> Tensor:
    linear = srgb_decode(pixels)
    weights = torch.from_numpy(matrix.astype(np.float32))
    return srgb_encode(torch.einsum("ij,jhw->ihw", weights, linear))


def _to_xyz(primaries: int) -> np.ndarray:
    """Linear RGB to CIE XYZ, adapted to D65."""
    red, green, blue, white = (np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in PRIMARIES[primaries])
    columns = np.stack([red, green, blue], 1)
    matrix = columns * np.linalg.solve(columns, white)
    x, y = _D65
    target = _BRADFORD @ np.array([x / y, 1.0, (1 - x - y) / y])
    return np.linalg.inv(_BRADFORD) @ np.diag(target / (_BRADFORD @ white)) @ _BRADFORD @ matrix
