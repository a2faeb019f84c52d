"""What emulsion, lens, press, file format and scanner do: grain, blur, screens, compression, noise."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from vasari.foundation import fields
from vasari.foundation.damage_tone import LUMA, Plate


def grain(plate: Plate, amount: float) -> None:
    """Silver grain: correlated noise, stronger in the middle tones; the same in all channels of grey material."""
    rows, columns = plate.shape
    channels = 1 if plate.grey or plate.rng.random() < 0.3 else 3
    noise = plate.rng.standard_normal((channels, rows, columns), dtype=np.float32)
    size = plate.rng.uniform(0.0, 1.1)
    if size > 0.25:
        noise = fields.blur(noise, size)
        noise /= noise.std() + 1e-6
    luma = np.clip(np.tensordot(LUMA, plate.pixels, 1), 0, 1)[None]
    depends = plate.rng.uniform(0, 1)
    strength = 1 - depends + depends * 2.2 * luma * (1 - luma) * 2
    plate.pixels = plate.pixels + np.float32(amount * plate.rng.uniform(0.01, 0.13)) * strength * noise


def white_noise(plate: Plate, amount: float) -> None:
    """Independent Gaussian noise in every channel: a scanner's sensor."""
    sigma = np.float32(amount * plate.rng.uniform(0.005, 0.12))
    plate.pixels = plate.pixels + sigma * plate.rng.standard_normal(plate.pixels.shape, dtype=np.float32)


def starch_grain(plate: Plate, amount: float) -> None:
    """The dyed potato starch of an autochrome: a mosaic of orange, green and violet specks."""
    rows, columns = plate.shape
    size = plate.rng.uniform(1.0, 2.2)
    small = (max(4, int(rows / size)), max(4, int(columns / size)))
    kinds = plate.rng.integers(0, 3, small)
    colors = np.array([[1.2, 0.9, 0.75], [0.85, 1.12, 0.85], [0.92, 0.9, 1.3]], np.float32)
    mosaic = colors[kinds].transpose(2, 0, 1)
    mosaic = fields.resize(mosaic, rows, columns, "bilinear")
    share = np.float32(amount * plate.rng.uniform(0.15, 0.7))
    plate.pixels = plate.pixels * (1 + share * (mosaic - 1))


def lens_blur(plate: Plate, amount: float) -> None:
    """Defocus (a disc), a soft lens (Gaussian), or both."""
    radius = amount * plate.rng.uniform(0.2, 2.4)
    if plate.rng.random() < 0.6:
        plate.pixels = fields.blur(plate.pixels, 0.8 * radius)
        return
    reach = int(np.ceil(radius)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    plate.pixels = fields.convolve(plate.pixels, disc / disc.sum())


def motion_blur(plate: Plate, amount: float) -> None:
    """The camera moved along a short straight line."""
    length = 1 + amount * plate.rng.uniform(0.5, 6)
    angle = plate.rng.uniform(0, np.pi)
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    along = np.linspace(-length / 2, length / 2, 25)
    x, y = reach + along * np.cos(angle), reach + along * np.sin(angle)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            share = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
            np.add.at(kernel, (top + dy, left + dx), share.astype(np.float32))
    plate.pixels = fields.convolve(plate.pixels, kernel / kernel.sum())


def low_resolution(plate: Plate, amount: float) -> None:
    """Scanned too coarsely and enlarged again."""
    rows, columns = plate.shape
    factor = 1 + amount * plate.rng.uniform(0.2, 1.6)
    small = fields.resize(plate.pixels, max(8, int(rows / factor)), max(8, int(columns / factor)), "area")
    mode = "bicubic" if plate.rng.random() < 0.6 else "bilinear"
    plate.pixels = fields.resize(small, rows, columns, mode)


def halftone(plate: Plate, amount: float) -> None:
    """A press screen: dots on a turned grid whose area follows the tone, softened by ink and scanner."""
    rows, columns = plate.shape
    pitch = plate.rng.uniform(2.4, 5.5)
    angle = np.deg2rad(plate.rng.choice([45.0, 15.0, 75.0, 0.0])) + plate.rng.normal(0, 0.03)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    u = (x * np.cos(angle) + y * np.sin(angle)) * np.float32(2 * np.pi / pitch)
    v = (-x * np.sin(angle) + y * np.cos(angle)) * np.float32(2 * np.pi / pitch)
    screen = (0.5 + 0.25 * (np.cos(u) + np.cos(v)))[None].astype(np.float32)
    soft = plate.rng.uniform(0.15, 0.6)
    dots = np.clip((plate.pixels - screen) / soft + 0.5, 0, 1)
    dots = fields.blur(dots, plate.rng.uniform(0.4, 1.0))
    share = np.float32(amount * plate.rng.uniform(0.15, 0.7))
    plate.pixels = plate.pixels + (dots - plate.pixels) * share


def jpeg(plate: Plate, amount: float) -> None:
    """JPEG once or twice, the second time on a shifted grid."""
    for _ in range(1 + int(plate.rng.random() < 0.25)):
        quality = int(np.clip(95 - amount * plate.rng.uniform(5, 75), 12, 98))
        shift = plate.rng.integers(0, 8, 2)
        moved = np.roll(plate.pixels, tuple(shift), (1, 2))
        array = (np.clip(moved, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "JPEG", quality=quality, subsampling=int(plate.rng.choice([0, 2])))
        back = np.asarray(Image.open(buffer), np.float32).transpose(2, 0, 1) / 255
        plate.pixels = np.roll(back, tuple(-shift), (1, 2))


def scanner_lines(plate: Plate, amount: float) -> None:
    """Stripes along one direction: a dirty or badly calibrated line sensor."""
    rows, columns = plate.shape
    across = plate.rng.random() < 0.5
    length = columns if across else rows
    stripe = plate.rng.standard_normal((3, length)).astype(np.float32)
    if plate.rng.random() < 0.5:
        stripe *= plate.rng.random((1, length)) < 0.05
        stripe *= 2
    stripe = stripe[:, None, :] if across else stripe[:, :, None]
    plate.pixels = plate.pixels + np.float32(amount * plate.rng.uniform(0.004, 0.035)) * stripe


def sharpen(plate: Plate, amount: float) -> None:
    """Unsharp masking that a scanner's software applied too eagerly."""
    soft = fields.blur(plate.pixels, plate.rng.uniform(0.7, 2.0))
    plate.pixels = plate.pixels + np.float32(amount * plate.rng.uniform(0.2, 1.0)) * (plate.pixels - soft)
