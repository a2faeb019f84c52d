"""Scans for the third simulator of aging (`third_aging.py`): sampling, sensor, sharpening, exposure and JPEG."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.fft import dctn, idctn
from skimage.transform import resize

# The example tables of ITU-T T.81 (JPEG), annex K.1.
LUMINANCE_STEPS = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
CHROMINANCE_STEPS = np.full((8, 8), 99)
CHROMINANCE_STEPS[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
# BT.601, full range, as JFIF has it.
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light 0..1 to sRGB (IEC 61966-2-1)."""
    light = np.clip(linear, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def decoded(pixels: np.ndarray) -> np.ndarray:
    """sRGB 0..1 to linear light."""
    return np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)


def spread(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of the rows and columns, not of the channels."""
    return ndimage.gaussian_filter(picture, (sigma, sigma, 0), mode="nearest") if sigma > 0 else picture


def scan(rng: np.random.Generator, light: np.ndarray, amount: float) -> np.ndarray:
    """sRGB 0..1 [rows, columns, 3] of a sheet's linear `light`, as an operator of moderate care scans it."""
    rows, columns = light.shape[:2]
    share = 1 - amount * rng.uniform(0.05, 0.5)
    lens, sharpening = rng.uniform(0.35, 0.6), rng.uniform(0.0, 0.9)
    small = (max(round(rows * share), 16), max(round(columns * share), 16))
    sampled = resize(spread(light, lens), small, order=1, anti_aliasing=True, mode="edge") if share < 0.95 else light
    sampled = exposed(rng, sampled, amount)
    seen = encoded(sampled + sensor(rng, sampled, amount))
    seen = np.clip(seen + sharpening * (seen - spread(seen, 0.9)), 0, 1)
    back = resize(seen, (rows, columns), order=3, anti_aliasing=False, mode="edge") if share < 0.95 else seen
    quality = rng.uniform(88, 96) - amount * rng.uniform(0, 34)
    return np.rint(jpeg(np.clip(back, 0, 1), quality) * 255) / 255


def exposed(rng: np.random.Generator, light: np.ndarray, amount: float) -> np.ndarray:
    """The operator draws white and black part of the way to where they belong, and misses a little in tone and hue."""
    glow = light.mean(axis=2)
    low, high = np.quantile(glow, [0.002, 0.998])
    drawn = rng.uniform(0.5, 0.9)
    black, white = drawn * 0.9 * low, 1 + drawn * (high / 0.92 - 1)
    stretched = np.clip((light - black) / max(white - black, 0.05), 0, None)
    gamma = np.exp(rng.normal(0, 0.03 + 0.04 * amount))
    hue = np.exp(rng.normal(0, 0.01 + 0.02 * amount, 3))
    return np.clip(stretched * hue, 0, 1.2) ** gamma * np.exp(rng.normal(0, 0.02 + 0.04 * amount))


def sensor(rng: np.random.Generator, light: np.ndarray, amount: float) -> np.ndarray:
    """Noise of photons and of the circuit, and cells of the line sensor that differ, which draws streaks."""
    rows, columns = light.shape[:2]
    shot, read = (0.006 + 0.012 * amount) * rng.uniform(0.5, 1.5), (0.0006 + 0.001 * amount)
    noise = rng.standard_normal(light.shape) * np.sqrt(shot**2 * np.clip(light, 0, 1) + read**2)
    uneven = (0.003 + 0.007 * amount) * rng.random() ** 2
    streaks = rng.standard_normal((1, columns, 3)) * [1, 0.7, 1.2] + ndimage.gaussian_filter1d(
        rng.standard_normal((1, columns, 3)), 3, axis=1
    )
    drift = ndimage.gaussian_filter1d(rng.standard_normal((rows, 1, 1)), 12, axis=0) * 2
    return noise + light * uneven * (streaks + drift)


def jpeg(pixels: np.ndarray, quality: float) -> np.ndarray:
    """What JPEG of this quality (scaled as the IJG's library does) leaves of `pixels`, chroma at half size."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    ycc = pixels * 255 @ TO_YCC.T
    rows, columns = pixels.shape[:2]
    small = ((rows + 1) // 2, (columns + 1) // 2)
    ycc[:, :, 0] = _quantized(ycc[:, :, 0] - 128, LUMINANCE_STEPS, percent) + 128
    for channel in (1, 2):
        half = resize(ycc[:, :, channel], small, order=1, anti_aliasing=True, mode="edge")
        kept = _quantized(half, CHROMINANCE_STEPS, percent)
        ycc[:, :, channel] = resize(kept, (rows, columns), order=1, anti_aliasing=False, mode="edge")
    return np.clip(ycc @ np.linalg.inv(TO_YCC).T / 255, 0, 1)


def _quantized(plane: np.ndarray, steps: np.ndarray, percent: float) -> np.ndarray:
    rows, columns = plane.shape
    padded = np.pad(plane, ((0, -rows % 8), (0, -columns % 8)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // 8, 8, padded.shape[1] // 8, 8).transpose(0, 2, 1, 3)
    table = np.clip(np.floor((steps * percent + 50) / 100), 1, 255)
    coded = np.rint(dctn(blocks, axes=(2, 3), norm="ortho") / table) * table
    back = idctn(coded, axes=(2, 3), norm="ortho").transpose(0, 2, 1, 3).reshape(padded.shape)
    return back[:rows, :columns]
