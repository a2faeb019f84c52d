"""Matrix profiles (a curve a channel, then a 3×3 matrix; or one grey curve) by table and formula.

Most scans and photographs carry one: Adobe RGB, ProPhoto, Display P3, a gamma of grey. They need no
color engine, and a table is many times faster than one. Profiles with lookup tables between their
channels (A2B) are left to lcms. Source: ICC.1:2022, 8.3 and 10.5 curveType, 10.18 parametricCurveType.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

#: Linear sRGB to the profile connection space: CIE XYZ under D50 (Bradford), Y of white = 1.
SRGB_TO_PCS = np.array(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
#: Steps of the inverse curves, spaced by the square root of the light.
INVERSE_STEPS = 1 << 18
LOOKUP_TAGS = frozenset({b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2"})
Curve = Callable[[np.ndarray], np.ndarray]


class _Unsuitable(Exception):
    """Not a matrix profile, or a damaged one; lcms has the last word on it."""


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """Curves and matrix of a profile.

    `curves`: one for grey, three for RGB, device value 0..1 to light 0..1. `to_srgb`: [3, 3] from the
    channels' light to linear sRGB (D65); None for grey.
    """

    curves: tuple[Curve, ...]
    to_srgb: np.ndarray | None

    def light_tables(self, depth: int) -> list[np.ndarray]:
        """For each channel the light of every raw value of 8 or 16 bits: float32 [2**depth]."""
        values = np.linspace(0.0, 1.0, 1 << depth)
        return [curve(values).astype(np.float32) for curve in self.curves]

    def inverse_tables(self, depth: int) -> list[np.ndarray]:
        """For each channel the raw value for light (i / (INVERSE_STEPS - 1))²: integers [INVERSE_STEPS]."""
        top = (1 << depth) - 1
        light = np.linspace(0.0, 1.0, INVERSE_STEPS) ** 2
        device = np.linspace(0.0, 1.0, 1 << 16)
        kind = np.uint8 if depth == 8 else np.uint16
        return [np.rint(np.interp(light, curve(device), device) * top).astype(kind) for curve in self.curves]


def matrix_profile(icc: bytes, channels: int) -> MatrixProfile | None:
    """The profile's curves and matrix, or None where it is of another kind or does not make sense."""
    try:
        tags = _tags(icc)
        if LOOKUP_TAGS & tags.keys() or icc[20:24] != b"XYZ ":
            return None
        names = (b"kTRC",) if channels == 1 else (b"rTRC", b"gTRC", b"bTRC")
        curves = tuple(_curve(tags[name]) for name in names)
        if channels == 1:
            return MatrixProfile(curves, None)
        to_pcs = np.stack([_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")], axis=1)
        if abs(float(np.linalg.det(to_pcs))) < 1e-4:
            return None
        return MatrixProfile(curves, np.linalg.inv(SRGB_TO_PCS) @ to_pcs)
    except (_Unsuitable, KeyError, struct.error):
        return None


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """The tag table; tags that lie outside the profile are left out."""
    count = struct.unpack_from(">I", icc, 128)[0]
    if count > 200:
        raise _Unsuitable
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * index) for index in range(count))
    return {name: icc[start : start + size] for name, start, size in entries if start + size <= len(icc)}


def _xyz(tag: bytes) -> np.ndarray:
    if tag[:4] != b"XYZ ":
        raise _Unsuitable
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536.0


def _curve(tag: bytes) -> Curve:
    """A tone curve that rises from 0..1 to 0..1."""
    if tag[:4] == b"curv":
        curve = _sampled(tag)
    elif tag[:4] == b"para":
        curve = _parametric(tag)
    else:
        raise _Unsuitable
    ends = curve(np.linspace(0.0, 1.0, 257))
    if not np.isfinite(ends).all() or (np.diff(ends) < 0).any() or ends[-1] - ends[0] < 0.5:
        raise _Unsuitable
    return lambda values: np.clip(curve(values), 0.0, 1.0)


def _sampled(tag: bytes) -> Curve:
    count = struct.unpack_from(">I", tag, 8)[0]
    if count == 0:
        return lambda values: values
    if count == 1:
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256.0
        return lambda values: values**gamma
    samples = np.frombuffer(tag, ">u2", count, 12) / 65535.0 if 12 + 2 * count <= len(tag) else None
    if samples is None:
        raise _Unsuitable
    places = np.linspace(0.0, 1.0, count)
    return lambda values: np.interp(values, places, samples)


def _parametric(tag: bytes) -> Curve:
    kind = struct.unpack_from(">H", tag, 8)[0]
    count = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind)
    if count is None:
        raise _Unsuitable
    numbers = np.zeros(7)
    numbers[:count] = np.array(struct.unpack_from(f">{count}i", tag, 12)) / 65536.0
    g, a, b, c, d, e, f = (float(number) for number in numbers)
    if kind == 0:
        return lambda values: values**g
    if a == 0:
        raise _Unsuitable

    def powered(values: np.ndarray) -> np.ndarray:
        return np.maximum(a * values + b, 0.0) ** g

    if kind == 1:
        return lambda values: np.where(values >= -b / a, powered(values), 0.0)
    if kind == 2:
        return lambda values: np.where(values >= -b / a, powered(values) + c, c)
    return lambda values: np.where(values >= d, powered(values) + e, c * values + f)
