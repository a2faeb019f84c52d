"""What colors a picture has: moments of lightness and chroma, colorfulness, and a palette to search by."""

from __future__ import annotations

import numpy as np

from vasari.archive.features.reduced import Reduced

#: C*ab below which a pixel counts as grey.
GREY_BELOW = 5.0
#: Sides of the Lab boxes of the palette's entropy: L* from 0 in steps of 10, a* and b* from 0 in steps of 20.
ENTROPY_STEPS = (10.0, 20.0, 20.0)
#: The places of the palette's soft bins: close together near grey, where most pixels of paintings lie.
PALETTE_LIGHTNESS = tuple(np.arange(0.0, 101.0, 12.5).tolist())
PALETTE_AXIS = (-75.0, -45.0, -25.0, -11.0, 0.0, 11.0, 25.0, 45.0, 75.0)

_FINE_LOW, _FINE_STEPS, _FINE_SIZES = (0.0, -128.0, -128.0), (2.5, 4.0, 4.0), (41, 64, 64)


def color(picture: Reduced) -> np.ndarray:
    """The 14 numbers of the table's columns of `color`, float32."""
    lightness, red_green, yellow_blue = (plane.ravel() for plane in picture.lab.astype(np.float64))
    chroma = picture.chroma.ravel().astype(np.float64)
    spread = lightness.std()
    # A flat picture leans to no side; its deviation is rounding, and the quotient would be too.
    skewness = ((lightness - lightness.mean()) ** 3).mean() / spread**3 if spread > 1e-3 else 0.0
    return np.array(
        [
            lightness.mean(),
            spread,
            skewness,
            *np.percentile(lightness, (5, 50, 95)),
            chroma.mean(),
            chroma.std(),
            red_green.mean(),
            yellow_blue.mean(),
            (warmth(chroma, red_green, yellow_blue) > 0).mean(),
            (chroma < GREY_BELOW).mean(),
            colorfulness(picture.pixels.numpy()),
            palette_entropy(picture.lab),
        ],
        np.float32,
    )


def warmth(chroma: np.ndarray, red_green: np.ndarray, yellow_blue: np.ndarray) -> np.ndarray:
    """How warm people call a color: above 0 warm, below 0 cool or neutral; of C*ab, a* and b* alike in shape.

    Source: Ou, Luo, Woodcock and Wright, "A study of colour emotion and colour preference, part I", 2004:
    WC = -0.5 + 0.02 (C*ab)^1.07 cos(h_ab - 50°).
    """
    hue = np.arctan2(yellow_blue, red_green)
    return -0.5 + 0.02 * chroma**1.07 * np.cos(hue - np.deg2rad(50))


def colorfulness(pixels: np.ndarray) -> float:
    """How colorful people find a picture, sRGB [3, rows, columns] in 0..1: 0 for grey, about 109 for "extremely".

    Source: Hasler and Süsstrunk, "Measuring colourfulness in natural images", 2003, equation for M^(3), with
    sRGB in 0..255.
    """
    red, green, blue = pixels.astype(np.float64) * 255
    first, second = red - green, (red + green) / 2 - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))


def palette_entropy(lab: np.ndarray) -> float:
    """Shannon entropy in bits of the shares of pixels [3, rows, columns] in boxes of `ENTROPY_STEPS`."""
    steps = np.array(ENTROPY_STEPS, np.float32)[:, None, None]
    # Neutral pixels sit amid a box, not on a border where rounding would decide.
    offset = np.array([0.0, 0.5, 0.5], np.float32)[:, None, None]
    boxes = np.floor(lab / steps + offset).astype(np.int64) + 16
    counts = np.bincount(((boxes[0] * 32 + boxes[1]) * 32 + boxes[2]).ravel())
    shares = counts[counts > 0] / boxes[0].size
    return float(-(shares * np.log2(shares)).sum() + 0.0)


def palette(picture: Reduced) -> np.ndarray:
    """Square roots of the shares of a picture's pixels in 729 soft bins of Lab: float32 [729], of length 1.

    Every pixel is shared out over the eight places around it, trilinearly, so that a slight cast moves the
    palette a little, never from one bin into the next as a whole. The Euclidean distance of two palettes is √2 times
    their Hellinger distance. Colors are first counted in boxes of 2.5 × 4 × 4, taken at their centers.
    """
    low = np.array(_FINE_LOW, np.float32)[:, None, None]
    steps = np.array(_FINE_STEPS, np.float32)[:, None, None]
    top = np.array(_FINE_SIZES)[:, None, None] - 1
    boxes = np.clip(np.rint((picture.lab - low) / steps).astype(np.int64), 0, top)
    flat = (boxes[0] * _FINE_SIZES[1] + boxes[1]) * _FINE_SIZES[2] + boxes[2]
    counts = np.bincount(flat.ravel(), minlength=int(np.prod(_FINE_SIZES))).reshape(_FINE_SIZES)
    for axis, places in enumerate((PALETTE_LIGHTNESS, PALETTE_AXIS, PALETTE_AXIS)):
        centers = _FINE_LOW[axis] + _FINE_STEPS[axis] * np.arange(_FINE_SIZES[axis])
        counts = np.moveaxis(np.tensordot(_shared(centers, places), counts, (0, axis)), 0, axis)
    return np.sqrt(counts / counts.sum()).ravel().astype(np.float32)


def _shared(values: np.ndarray, places: tuple[float, ...]) -> np.ndarray:
    """How values are shared out linearly over the two places around them: [values, places], rows sum to 1."""
    identity = np.eye(len(places))
    return np.stack([np.interp(values, places, row) for row in identity], 1)
