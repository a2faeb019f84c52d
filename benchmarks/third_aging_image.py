"""The image itself, for the third simulator of aging (`third_aging.py`): camera, negative, chemistry, printing screen.

A step takes a sheet, a generator and a strength (1: heavy), and returns the sheet changed. Sources are named there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

import third_aging_marks as marks
from third_aging_marks import Shape, cloud, from_edge, step, unit
from third_aging_scan import spread

# Density of red, green, blue that one unit of cyan, magenta and yellow dye has: real dyes absorb beside their band.
DYES = np.array([[1.0, 0.20, 0.08], [0.12, 1.0, 0.25], [0.02, 0.10, 1.0]])
UNDYED = np.linalg.inv(DYES)
DEEPEST = 2.6


@dataclass(frozen=True)
class Sheet:
    """A photograph: densities above white [rows, columns, 3], and how far something covers them [rows, columns]."""

    density: np.ndarray
    covered: np.ndarray

    @property
    def shape(self) -> Shape:
        return self.density.shape[0], self.density.shape[1]

    @property
    def px(self) -> float:
        return unit(self.shape)

    def laid(self, cover: np.ndarray, density: np.ndarray | float | tuple[float, ...]) -> Sheet:
        """Something opaque of this density over it, or what lies bare where the image is gone."""
        part = cover[:, :, None]
        mixed = self.density * (1 - part) + np.asarray(density) * part
        return Sheet(mixed, np.maximum(self.covered, cover))

    def stained(self, strength: np.ndarray | float, density: tuple[float, float, float]) -> Sheet:
        """Something transparent over it."""
        return replace(self, density=self.density + np.asarray(strength)[..., None] * np.array(density))

    def scaled(self, factor: np.ndarray) -> Sheet:
        return replace(self, density=self.density * factor[..., None])


def density_of(light: np.ndarray) -> np.ndarray:
    return -np.log10(np.clip(light, 10.0**-DEEPEST, None))


# --- the camera and the negative ---


def soft(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """The lens, the enlarger, and light that spreads in the emulsion."""
    light = 10.0**-sheet.density
    glow = rng.uniform(0.02, 0.12) * amount
    blurred = spread(light, amount * rng.uniform(0.6, 1.4) * sheet.px)
    return replace(sheet, density=density_of(blurred * (1 - glow) + spread(light, 7 * sheet.px) * glow))


def out_of_focus(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    radius = max(amount * rng.uniform(1.0, 2.4) * sheet.px, 0.5)
    reach = int(np.ceil(radius))
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return _through(sheet, np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1))


def shaken(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    reach = max(int(np.ceil(amount * 3 * sheet.px)), 1)
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    angle, length = rng.random() * np.pi, amount * rng.uniform(1.0, 3.0) * sheet.px
    along = rows * np.sin(angle) + columns * np.cos(angle)
    off = rows * np.cos(angle) - columns * np.sin(angle)
    return _through(sheet, np.clip(1.1 - np.abs(off), 0, 1) * np.clip(length + 0.5 - np.abs(along), 0, 1))


def vignetted(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    rows, columns = np.mgrid[-1 : 1 : sheet.shape[0] * 1j, -1 : 1 : sheet.shape[1] * 1j]
    away = (rows - rng.normal(0, 0.1)) ** 2 + (columns - rng.normal(0, 0.1)) ** 2
    return sheet.stained(amount * rng.uniform(0.05, 0.17) * away**1.3, (1, 1, 1))


def grain(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Clumped silver of a negative: strongest where the negative is dense, which is where the print is light."""
    return _grainy(sheet, rng, 0.068 * amount, rng.uniform(0.45, 0.9), same=1.0)


def dye_clouds(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Grain of color film: a cloud of dye for each layer, larger and mostly apart."""
    return _grainy(sheet, rng, 0.065 * amount, rng.uniform(0.6, 1.1), same=0.6)


def _grainy(sheet: Sheet, rng: np.random.Generator, deviation: float, size_px: float, same: float) -> Sheet:
    noise = rng.standard_normal((*sheet.shape, 3))
    noise = same * noise[:, :, :1] + np.sqrt(1 - same * same) * noise * [0.8, 0.9, 1.25]
    fine, coarse = spread(noise, size_px * sheet.px), spread(noise[::-1], 2.2 * size_px * sheet.px)
    clumps = fine / fine.std() * 0.85 + coarse / coarse.std() * 0.5
    negative = np.clip(1.9 - sheet.density.mean(axis=2, keepdims=True), 0.1, 1.9)
    faint = step(sheet.density.mean(axis=2, keepdims=True), -0.05, 0.35)
    return replace(sheet, density=sheet.density + deviation * np.sqrt(negative) * clumps * (0.45 + 0.55 * faint))


def tarnished_negative(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Silver of a plate that came out at its edges, or nitrate that yellowed: the print is light there, in patches."""
    near = np.exp(-from_edge(sheet.shape) / (rng.uniform(18, 60) * sheet.px))
    patches = np.clip(0.6 + 0.6 * cloud(rng, sheet.shape, 30 * sheet.px, 2.7), 0, 2)
    return sheet.scaled(1 - np.clip(amount * 0.5 * near * patches, 0, 0.9))


def leaked(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Light that fell on color negative from an edge: bare of density in the print, red and yellow at its border."""
    rows, columns = np.mgrid[0 : 1 : sheet.shape[0] * 1j, 0 : 1 : sheet.shape[1] * 1j]
    way = [rows, 1 - rows, columns, 1 - columns][rng.integers(4)]
    across = columns if rng.random() < 0.5 else rows
    reach = rng.uniform(0.05, 0.2) * (1 + 0.5 * np.cos(2 * np.pi * (across * rng.uniform(0.4, 1.4) + rng.random())))
    glow = amount * np.exp(-way / np.maximum(reach, 0.02))
    spared = np.clip(glow[:, :, None] * [1.1, 0.75, 0.4], 0, 0.95)
    return replace(sheet, density=sheet.density * (1 - spared))


def _through(sheet: Sheet, kernel: np.ndarray) -> Sheet:
    light, weights = 10.0**-sheet.density, kernel / kernel.sum()
    blurred = [ndimage.convolve(light[:, :, channel], weights, mode="nearest") for channel in range(3)]
    return replace(sheet, density=density_of(np.stack(blurred, axis=2)))


# --- the image and its chemistry ---


def printed(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Print of a contrast and an exposure that are not quite those of the scene."""
    contrast, exposure = np.exp(rng.normal(0, 0.08 * amount)), rng.normal(0, 0.03 * amount)
    return replace(sheet, density=np.clip(sheet.density * contrast + exposure, 0, None))


def silver_faded(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Silver oxidizes, least where it is dense, most near the edges; what is left of it is finer, so yellow."""
    near = np.exp(-from_edge(sheet.shape) / (rng.uniform(15, 60) * sheet.px))
    patches = np.clip(1 + 0.22 * cloud(rng, sheet.shape, 90 * sheet.px) + rng.uniform(0, 0.9) * near, 0.2, 2.2)
    sparse = 0.5 + 0.5 * np.exp(-np.clip(sheet.density.mean(axis=2), 0, None) / 0.5)
    lost = np.clip(amount * 0.42 * rng.uniform(0.5, 1.2) * patches * sparse, 0, 0.85)[:, :, None]
    left = sheet.density * (1 - lost) * np.array([0.92, 1.02, 1.1]) ** (amount * rng.uniform(0.2, 1.4))
    return replace(sheet, density=left + sheet.density * lost * [0.05, 0.18, 0.4])


def sulfided(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Sulfur of the fixer or the air: neutral silver turns brown, in patches."""
    patches = step(cloud(rng, sheet.shape, 70 * sheet.px), -1.2, 1.4) * amount * rng.uniform(0.4, 1)
    return replace(sheet, density=sheet.density * (1 + patches[:, :, None] * [-0.18, 0.0, 0.2]))


def mirrored(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Silver that wandered to the surface of the shadows shines bluish, inward from the edges."""
    near = np.exp(-from_edge(sheet.shape) / (rng.uniform(14, 50) * sheet.px))
    near = near * np.clip(0.7 + 0.6 * cloud(rng, sheet.shape, 20 * sheet.px, 2.6), 0, 1.6)
    dark = step(sheet.density.mean(axis=2), 0.35, 1.5)
    shine = (amount * 0.3 * rng.uniform(0.4, 1) * near * dark)[:, :, None] * [0.82, 0.95, 1.12]
    return replace(sheet, density=density_of(10.0**-sheet.density + shine))


def yellowed(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Paper, albumen or gelatin that goes yellow, more at the edges."""
    near = np.exp(-from_edge(sheet.shape) / (60 * sheet.px))
    strength = amount * rng.uniform(0.4, 1.1) * (1 + 0.5 * near + 0.12 * cloud(rng, sheet.shape, 80 * sheet.px))
    return sheet.stained(np.clip(strength, 0, None), (0.03, 0.1, 0.22))


def light_struck(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Years in a frame: the image faded and the paper browned in the opening, not under the mat."""
    inside = marks.framed(rng, sheet.shape, oval=True) * amount * rng.uniform(0.4, 1)
    return sheet.scaled(1 - 0.24 * inside).stained(inside, (0.02, 0.05, 0.11))


def kept_dark(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Dark fading of early coupler prints: cyan goes first, couplers stain yellow (Wilhelm and Brower 1993, ch. 5)."""
    return _faded(sheet, rng, amount, (0.54, 0.14, 0.23), (0.02, 0.05, 0.16))


def displayed(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Light fading of coupler prints: magenta goes first, the thin densities before the thick."""
    opened = marks.framed(rng, sheet.shape, oval=False) if rng.random() < 0.35 else np.ones(sheet.shape)
    return _faded(sheet, rng, amount * opened, (0.22, 0.5, 0.34), (0.0, 0.01, 0.05))


def slide_stored(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Early reversal film loses yellow and cyan and goes magenta; Kodachrome keeps its dyes and stains hardly."""
    if rng.random() < 0.35:
        return _faded(sheet, rng, amount, (0.04, 0.07, 0.12), (0.0, 0.01, 0.03))
    return _faded(sheet, rng, amount, (0.36, 0.1, 0.42), (0.0, 0.03, 0.05))


def projected(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Hours in the projector bleach magenta, most in the middle."""
    rows, columns = np.mgrid[-1 : 1 : sheet.shape[0] * 1j, -1 : 1 : sheet.shape[1] * 1j]
    return _faded(sheet, rng, amount * np.exp(-(rows**2 + columns**2) * 0.7), (0.08, 0.36, 0.16), (0.0, 0.0, 0.01))


def instant(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Integral film: weak blacks, dyes that wander, yellow whites, and developer spread unevenly."""
    sheet = _faded(sheet, rng, amount, (0.24, 0.15, 0.1), (0.02, 0.05, 0.15))
    bands = cloud(rng, (sheet.shape[0], 1), 60 * sheet.px) * np.ones(sheet.shape) + cloud(
        rng, sheet.shape, 90 * sheet.px
    )
    return sheet.stained(0.03 * amount * bands, (1.0, 0.75, 0.6))


def _faded(
    sheet: Sheet,
    rng: np.random.Generator,
    amount: float | np.ndarray,
    losses: tuple[float, float, float],
    stain: tuple[float, float, float],
) -> Sheet:
    """Cyan, magenta and yellow each lose their share, thin densities more of it; `stain` is added to the whites."""
    uneven = np.clip(1 + 0.12 * cloud(rng, sheet.shape, 110 * sheet.px), 0.5, 1.5) * amount
    shares = np.array(losses) * np.exp(rng.normal(0, 0.25, 3)) * rng.uniform(0.5, 1.05)
    dyes = sheet.density @ UNDYED
    thin = 0.8 + 0.35 * np.exp(-np.clip(dyes, 0, None) / 0.6)
    left = dyes * (1 - np.clip(shares * uneven[:, :, None] * thin, 0, 0.9))
    return replace(sheet, density=left @ DYES).stained(uneven * rng.uniform(0.5, 1.2), stain)


def screened(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Halftone of one ink: dots that grow from round to touching, the ink spread and mottled."""
    period, angle = (
        rng.uniform(2.6, 3.4) * sheet.px,
        np.deg2rad(rng.choice([45.0, 45.0, 15.0, 75.0]) + rng.normal(0, 1.5)),
    )
    fine = 4
    rows, columns = (np.mgrid[: sheet.shape[0] * fine, : sheet.shape[1] * fine] + 0.5) / fine
    down, side = rows * np.cos(angle) - columns * np.sin(angle), rows * np.sin(angle) + columns * np.cos(angle)
    wave = (np.cos(2 * np.pi * down / period) + np.cos(2 * np.pi * side / period)) / 2
    levels = np.quantile(wave[::7, ::7], np.linspace(0, 1, 129))
    rank = np.interp(wave, levels, np.linspace(0, 1, 129))
    ink = rng.uniform(1.15, 1.5) + 0.08 * cloud(rng, sheet.shape, 3 * sheet.px, 2.2)
    tone = spread(10.0**-sheet.density, 0.28 * period)
    asked = np.clip((1 - tone[:, :, 1]) / (1 - 10.0**-ink), 0.02, 0.985)
    dots = step(np.repeat(np.repeat(asked, fine, 0), fine, 1) - (1 - rank), -0.09, 0.09)
    dots = dots.reshape(sheet.shape[0], fine, sheet.shape[1], fine).mean(axis=(1, 3))
    share = amount * rng.uniform(0.35, 0.65)  # the rest the scanner's aperture has averaged already
    inked = np.clip(ndimage.gaussian_filter(dots, 0.5 * sheet.px) * share + asked * (1 - share), 0, 1)
    light = 1 - inked * (1 - 10.0**-ink)
    return replace(sheet, density=density_of(np.repeat(light[:, :, None], 3, 2)))


def rough_paper(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Fibers of uncoated or salted paper, or the texture of a matt surface."""
    texture = cloud(rng, sheet.shape, 1.6 * sheet.px, 2.0) + 0.5 * cloud(rng, sheet.shape, 6 * sheet.px)
    return sheet.stained(0.016 * amount * texture, (1.0, 1.05, 1.15))
