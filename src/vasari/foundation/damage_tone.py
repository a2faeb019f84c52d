"""What age does to tones and colors: fading of silver and dyes, casts, paper, uneven light.

Every damage takes a `Plate` and an amount 0..1 and changes the plate's pixels in place. Densities are
decimal optical densities, D = -log10(linear light), as in sensitometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vasari.foundation import fields

Array = np.ndarray
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass
class Plate:
    """A picture while it ages.

    `pixels` float32 [3, rows, columns], sRGB-encoded 0..1; `mask` [rows, columns], the share of each
    pixel that a defect hides; `rng` decides everything; `grey` where the era knows no color; `scale` is
    the size of a defect of one millimeter, relative to a picture 512 px across.
    """

    pixels: Array
    mask: Array
    rng: np.random.Generator
    grey: bool
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[2])


def to_linear(encoded: Array) -> Array:
    """sRGB-encoded 0..1 to linear light (IEC 61966-2-1, the pure 2.2 power, close enough to draw with)."""
    return np.clip(encoded, 0, 1) ** np.float32(2.2)


def to_encoded(linear: Array) -> Array:
    """Linear light to sRGB-encoded (the pure 2.2 power)."""
    return np.clip(linear, 0, 1) ** np.float32(1 / 2.2)


def _vary(plate: Plate, low: float, high: float, apart: float) -> Array:
    """[3, 1, 1]: one uniform draw for all channels, moved by up to `apart` for each where there is color."""
    common = plate.rng.uniform(low, high)
    own = plate.rng.uniform(-apart, apart, 3) if not plate.grey else np.zeros(3)
    return (common + own).astype(np.float32).reshape(3, 1, 1)


def fade_density(plate: Plate, amount: float) -> None:
    """Silver or dye is lost: density shrinks and a fog is added, by channel in color material."""
    density = -np.log10(np.maximum(to_linear(plate.pixels), 0.002))
    keep = np.clip(1 - amount * _vary(plate, 0.2, 0.7, 0.15), 0.2, 1.0)
    fog = np.clip(amount * _vary(plate, 0.0, 0.2, 0.08), 0, 0.5)
    plate.pixels = to_encoded(np.float32(10.0) ** -(density * keep + fog))


def fade_dyes(plate: Plate, amount: float) -> None:
    """One dye goes first: the density of one channel shrinks most, and some of it leaks into the others."""
    density = -np.log10(np.maximum(to_linear(plate.pixels), 0.002))
    loss = plate.rng.uniform(0.0, 0.3, 3)
    loss[plate.rng.choice(3, p=[0.5, 0.2, 0.3])] += plate.rng.uniform(0.2, 0.6)
    leak = np.eye(3) + amount * plate.rng.uniform(-0.03, 0.14, (3, 3)) * (1 - np.eye(3))
    matrix = (leak * (1 - amount * np.clip(loss, 0, 0.8))[:, None]).astype(np.float32)
    stain = amount * plate.rng.uniform(0, 0.15, 3) * np.array([0.4, 0.7, 1.0])
    mixed = np.tensordot(matrix, density, 1) + stain.astype(np.float32).reshape(3, 1, 1)
    plate.pixels = to_encoded(np.float32(10.0) ** -mixed)


def compress_levels(plate: Plate, amount: float) -> None:
    """Blacks lift and whites sink, by channel in color material, with a gamma: prints re-photographed or faded."""
    low = amount * np.abs(_vary(plate, 0.02, 0.34, 0.09))
    high = 1 - amount * np.abs(_vary(plate, 0.02, 0.36, 0.09))
    gamma = np.exp(amount * _vary(plate, -0.22, 0.22, 0.07))
    plate.pixels = low + (high - low) * np.clip(plate.pixels, 0, 1) ** gamma


def bend_curve(plate: Plate, amount: float) -> None:
    """A random smooth monotone curve, as an unknown emulsion, copy or scanner setting leaves it."""
    knots = np.exp(amount * plate.rng.normal(0, 0.3, 6))
    values = np.concatenate([[0], np.cumsum(knots)])
    values = values / values[-1]
    grid = np.linspace(0, 1, 7)
    plate.pixels = np.interp(plate.pixels, grid, values).astype(np.float32)


def cast(plate: Plate, amount: float) -> None:
    """A color cast: gains and gammas by channel."""
    gain = np.exp(amount * plate.rng.normal(0, 0.15, (3, 1, 1))).astype(np.float32)
    gamma = np.exp(amount * plate.rng.normal(0, 0.08, (3, 1, 1))).astype(np.float32)
    plate.pixels = np.clip(plate.pixels, 0, 1) ** gamma * (gain / max(1.0, float(gain.max()) * 0.97))


def desaturate(plate: Plate, amount: float) -> None:
    """Colors lose chroma towards their luma."""
    share = np.float32(1 - amount * plate.rng.uniform(0.1, 0.7))
    luma = np.tensordot(LUMA, plate.pixels, 1)[None]
    plate.pixels = luma + (plate.pixels - luma) * share


def tint_monochrome(plate: Plate, amount: float) -> None:
    """Sepia, selenium, cyanotype or plain warm paper: luma becomes a path from a dark to a light tint.

    A no-op on color material, which has no single tint.
    """
    if not plate.grey:
        return
    warm = plate.rng.random() < 0.85
    tint = np.array([1.0, 0.86, 0.62] if warm else [0.7, 0.85, 1.0]) ** (amount * plate.rng.uniform(0.1, 1.1))
    middle = np.array([0.12, 0.02, -0.1] if warm else [-0.1, 0.0, 0.1]) * amount * plate.rng.uniform(-0.2, 1.0)
    luma = plate.pixels
    bump = 4 * luma * (1 - luma)
    colored = luma * tint.reshape(3, 1, 1) + bump * middle.reshape(3, 1, 1)
    plate.pixels = colored.astype(np.float32)


def yellow_paper(plate: Plate, amount: float) -> None:
    """The base yellows: lights are multiplied by a cream, unevenly, most at the borders."""
    rows, columns = plate.shape
    cream = np.array([0.97, 0.88, 0.68]) ** (amount * plate.rng.uniform(0.1, 1.0))
    where = 1 + 0.35 * fields.smooth_field(plate.rng, rows, columns, plate.rng.uniform(1, 4))
    field = np.clip(where, 0.2, 1.8)[None]
    plate.pixels = plate.pixels * np.exp(np.log(cream).reshape(3, 1, 1) * field).astype(np.float32)


def uneven_light(plate: Plate, amount: float) -> None:
    """Uneven exposure, fading from one side, or a vignette: a smooth gain over the picture."""
    rows, columns = plate.shape
    kind = plate.rng.integers(3)
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    if kind == 0:
        field = 0.6 * fields.smooth_field(plate.rng, rows, columns, plate.rng.uniform(1, 3))
    elif kind == 1:
        center = plate.rng.uniform(-0.4, 0.4, 2)
        field = 0.4 - ((x - center[0]) ** 2 + (y - center[1]) ** 2) * plate.rng.uniform(0.3, 1.0)
    else:
        angle = plate.rng.uniform(0, 2 * np.pi)
        field = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    if plate.rng.random() < 0.5:
        plate.pixels = plate.pixels * np.exp(np.float32(0.28 * amount) * field)[None].astype(np.float32)
    else:  # loss of density: towards white where the field is high
        veil = np.clip(0.18 * amount * (field + plate.rng.uniform(0, 0.8)), 0, 0.6)[None].astype(np.float32)
        plate.pixels = plate.pixels + (0.95 - plate.pixels) * veil


def silver_mirroring(plate: Plate, amount: float) -> None:
    """A bluish metallic sheen over the shadows, strongest at the edges of the sheet."""
    rows, columns = plate.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j].astype(np.float32)
    edge = np.clip(np.maximum(np.abs(x), np.abs(y)) - 0.5, 0, 1) * 2
    field = edge * np.clip(0.6 + 0.5 * fields.rough_field(plate.rng, rows, columns, 4), 0, 1)
    luma = np.tensordot(LUMA, np.clip(plate.pixels, 0, 1), 1)
    sheen = np.array([0.55, 0.6, 0.66], np.float32).reshape(3, 1, 1)
    share = (amount * plate.rng.uniform(0.2, 0.7) * field * (1 - luma) ** 2)[None].astype(np.float32)
    plate.pixels = plate.pixels + (sheen - plate.pixels) * share
