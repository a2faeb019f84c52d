"""A second simulator of aging, for validation only: written apart from the one that training uses.

It shares no code and no recipe with `vasari.foundation.damage`: dyes and silver fade in optical
density, marks are random walks, Voronoi cracks and thresholded noise drawn by OpenCV, and the scan
is taken last. A network that has merely learned the training simulator does badly here.

Everything is drawn from one seed. Sizes are relative to the picture's long side, so a picture looks
the same at every resolution; `REFERENCE_PX` is the size the numbers below are stated for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from second_aging_marks import MARKS, Layer, grain, smooth_field

REFERENCE_PX = 640
# How much of an era's full damage a severity brings. Calibrated on the held-out photographs at a long
# side of 512: mean inputs of about 25, 21 and 18.9 dB (see docs/benchmarks.md).
SEVERITIES = {1: 0.38, 2: 0.73, 3: 1.0}
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)

Range = tuple[float, float]
Channels = tuple[Range, Range, Range]


@dataclass(frozen=True)
class Era:
    """What a kind of print suffers at severity 3; all ranges are drawn uniformly.

    `fade`: share of the image's density lost in red, green and blue light (cyan, magenta, yellow dye).
    `stain`: density of the paper and of residues, per channel. `crossover`: difference in contrast
    between highlights and shadows. `blur_px`, `grain` (deviation, encoded values), `grain_px`.
    `uneven`: deviation of the density across the print. `marks`: expected numbers by kind.
    """

    grey: bool
    fade: Channels
    stain: Channels
    common_fade: Range = (0.0, 0.25)
    crossover: float = 0.12
    blur_px: Range = (0.3, 1.4)
    grain: Range = (0.01, 0.05)
    grain_px: Range = (0.4, 1.2)
    uneven: Range = (0.02, 0.12)
    pattern: str = "none"
    mirroring: float = 0.0
    marks: dict[str, float] = field(default_factory=dict)


ERAS: dict[str, Era] = {
    "albumen": Era(
        grey=True,
        fade=((0.12, 0.38), (0.07, 0.27), (0.0, 0.14)),
        stain=((0.0, 0.05), (0.03, 0.11), (0.12, 0.30)),
        blur_px=(0.4, 1.5),
        marks={"foxing": 22, "craquelure": 0.7, "stain": 0.8, "scratch": 3, "dust": 30, "loss": 0.5, "crease": 0.4},
    ),
    "gelatin-silver": Era(
        grey=True,
        fade=((0.05, 0.30), (0.05, 0.30), (0.05, 0.30)),
        stain=((0.0, 0.04), (0.0, 0.06), (0.02, 0.14)),
        mirroring=0.5,
        grain=(0.015, 0.07),
        marks={
            "scratch": 7,
            "dust": 45,
            "hair": 1.5,
            "crack": 0.6,
            "fold": 0.6,
            "crease": 0.7,
            "stain": 0.4,
            "fingerprint": 0.3,
            "loss": 0.5,
        },
    ),
    "autochrome": Era(
        grey=False,
        fade=((0.0, 0.2), (0.0, 0.2), (0.05, 0.3)),
        stain=((0.02, 0.10), (0.02, 0.12), (0.02, 0.16)),
        common_fade=(0.05, 0.35),
        pattern="starch",
        blur_px=(0.4, 1.6),
        grain=(0.005, 0.02),
        marks={"dust": 35, "scratch": 2, "spot": 5, "stain": 0.4, "loss": 0.4},
    ),
    "chromogenic-1970s": Era(
        grey=False,
        fade=((0.05, 0.45), (0.0, 0.15), (0.0, 0.3)),
        stain=((0.0, 0.03), (0.0, 0.06), (0.02, 0.12)),
        crossover=0.2,
        marks={"scratch": 5, "dust": 30, "hair": 1, "crease": 0.6, "fingerprint": 0.5, "stain": 0.25, "spot": 2},
    ),
    "newspaper": Era(
        grey=True,
        fade=((0.0, 0.2), (0.0, 0.2), (0.0, 0.15)),
        stain=((0.02, 0.10), (0.04, 0.14), (0.10, 0.30)),
        common_fade=(0.1, 0.3),
        pattern="halftone",
        grain=(0.01, 0.04),
        marks={"fold": 1.2, "crease": 1, "stain": 0.4, "dust": 15, "loss": 0.3},
    ),
    "modern-print": Era(
        grey=False,
        fade=((0.0, 0.12), (0.0, 0.12), (0.0, 0.12)),
        stain=((0.0, 0.05), (0.0, 0.05), (0.0, 0.08)),
        grain=(0.01, 0.06),
        marks={"scratch": 3, "dust": 25, "hair": 1, "fingerprint": 0.4, "crease": 0.4, "fold": 0.2},
    ),
}


def age(clean: np.ndarray, era: str, severity: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Age a clean photograph.

    `clean`: [rows, columns, 3] uint8, or float 0..1, sRGB. Returns float32 arrays: the target (the
    clean picture, for grey eras its luma three times), the aged picture in 8-bit steps, and the mask
    [rows, columns], 0..1, of what marks cover. `ERAS` names the eras; severity is 1, 2 or 3.
    """
    kind, amount = ERAS[era], SEVERITIES[severity]
    rng = np.random.default_rng([seed, list(ERAS).index(era), severity])
    target = clean.astype(np.float32) / (255 if clean.dtype == np.uint8 else 1)
    if kind.grey:
        target = np.repeat((target @ LUMA)[:, :, None], 3, axis=2)
    unit = max(target.shape[:2]) / REFERENCE_PX
    # Prints differ: the same severity is now more fading, now more scratches, now more noise.
    tone, wear, texture = (amount * rng.uniform(0.6, 1.4) for _ in range(3))

    pixels = blurred(rng, target, kind, texture, unit)
    pixels = PATTERNS[kind.pattern](rng, pixels, texture, unit)
    pixels = with_grain(rng, pixels, kind, texture, unit)
    pixels = faded(rng, pixels, kind, tone)
    layer = Layer(pixels, unit)
    for name, expected in kind.marks.items():
        for _ in range(rng.poisson(expected * wear * rng.uniform(0.5, 2.4))):
            MARKS[name](rng, layer, wear)
    aged = scanned(rng, layer.pixels, kind, texture, unit)
    return target.astype(np.float32), aged, layer.mask.astype(np.float32)


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """One draw, skewed to the low end: bad cases are rarer than mild ones."""
    return within(bounds, rng.beta(1.3, 1.6))


def within(bounds: Range, share: float) -> float:
    """The value at `share` (0..1) of the way through a range."""
    low, high = bounds
    return float(low + (high - low) * share)


def shares(rng: np.random.Generator, together: float) -> np.ndarray:
    """Three draws of 0..1, one a channel; `together` 1 makes them equal, 0 independent."""
    return together * rng.beta(1.3, 1.6) + (1 - together) * rng.beta(1.3, 1.6, 3)


# ---------------------------------------------------------------------------------- tone


def to_linear(encoded: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, decoding."""
    encoded = np.clip(encoded, 0, 1)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_encoded(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, encoding."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def faded(rng: np.random.Generator, pixels: np.ndarray, kind: Era, amount: float) -> np.ndarray:
    """Fading, stains, crossover, unevenness, mirroring and exposure, in optical density."""
    height, width = pixels.shape[:2]
    deepest = 2.2
    density = np.clip(-np.log10(to_linear(pixels) + 10**-deepest), 0, deepest)
    # Light and air reach the edges first; a mount may have protected one side.
    place = smooth_field(rng, (height, width), 0.6) * uniform(rng, kind.uneven) * amount * 5
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    radius = np.sqrt((rows - rng.normal(0, 0.25)) ** 2 + (columns - rng.normal(0, 0.25)) ** 2)
    edge = np.clip(radius - 0.5, 0, None) ** 2
    edge_fade = edge * rng.uniform(0, 0.35) * amount
    common = uniform(rng, kind.common_fade)
    steeper = rng.normal(0, kind.crossover, 3) * amount
    if kind.grey:
        steeper[:] = steeper.mean()
    # One silver image fades as a whole, three dyes each in their own way.
    lost_share, paper_share = shares(rng, 0.85 if kind.grey else 0.3), shares(rng, 0.85)
    result = np.empty_like(density)
    for channel in range(3):
        lost = (1 - (1 - within(kind.fade[channel], lost_share[channel])) * (1 - common)) * amount * 0.85
        kept = np.clip(1 - lost * (1 + place) - edge_fade, 0.15, 1.2)
        shape = 1 + steeper[channel] * (density[:, :, channel] / deepest * 2 - 1)
        paper = within(kind.stain[channel], paper_share[channel]) * amount * (1 + 0.5 * place)
        result[:, :, channel] = density[:, :, channel] * kept * shape + paper
    vignette = edge * rng.normal(0.05, 0.12) * amount
    light = 10 ** -(result + vignette[:, :, None])
    encoded = to_encoded(light * 10 ** (rng.normal(0.01, 0.05) * amount))
    encoded = encoded ** np.float32(2 ** (rng.normal(0, 0.26) * amount))
    if kind.mirroring and rng.random() < kind.mirroring:
        encoded = mirrored(rng, encoded, edge, amount)
    return np.clip(encoded, 0, 1).astype(np.float32)


def mirrored(rng: np.random.Generator, encoded: np.ndarray, edge: np.ndarray, amount: float) -> np.ndarray:
    """Silver that has crept to the surface: a cool sheen in the dark parts near the edges."""
    patches = np.clip(smooth_field(rng, encoded.shape[:2], 0.15) + edge * 2 - 0.2, 0, 1)
    dark = np.clip(1 - encoded.mean(axis=2) * 1.6, 0, 1)
    sheen = (patches * dark * rng.uniform(0.1, 0.45) * amount)[:, :, None]
    return encoded * (1 - sheen) + sheen * np.array([0.62, 0.66, 0.72], dtype=np.float32)


# ------------------------------------------------------------------------------- texture


def blurred(rng: np.random.Generator, pixels: np.ndarray, kind: Era, amount: float, unit: float) -> np.ndarray:
    """An old lens: softness, more of it away from the center, sometimes a shaken hand."""
    # Only up to half of the softness follows severity: there were bad lenses in every good album.
    deviation = uniform(rng, kind.blur_px) * unit * (0.4 + 0.6 * amount)
    soft = cv2.GaussianBlur(pixels, (0, 0), max(deviation, 0.2))
    if rng.random() < 0.3:
        softer = cv2.GaussianBlur(pixels, (0, 0), max(deviation * 1.8, 0.3))
        height, width = pixels.shape[:2]
        rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
        outer = np.clip((rows**2 + columns**2) * 0.7, 0, 1)[:, :, None].astype(np.float32)
        soft = soft * (1 - outer) + softer * outer
    if rng.random() < 0.15:
        length, angle = rng.uniform(2, 5) * unit * amount, rng.uniform(0, np.pi)
        soft = shaken(soft, length, angle)
    return soft


def shaken(pixels: np.ndarray, length: float, angle: float) -> np.ndarray:
    """Motion blur along a line of `length` px."""
    size = int(np.ceil(length)) // 2 * 2 + 3
    kernel, center = np.zeros((size, size), np.float32), (size - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = [tuple(round((center + sign * step) * 16) for step in reach) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def with_grain(rng: np.random.Generator, pixels: np.ndarray, kind: Era, amount: float, unit: float) -> np.ndarray:
    """Silver or dye-cloud grain: clumped, strongest in the middle tones."""
    shape = pixels.shape[:2]
    size = uniform(rng, kind.grain_px) * unit
    deviation = uniform(rng, kind.grain) * (0.3 + 0.7 * amount)
    noise = grain(rng, shape, size) * 0.75 + grain(rng, shape, size * 2.2) * 0.7
    noise = np.repeat(noise[:, :, None], 3, axis=2)
    if not kind.grey:
        dyes = np.stack([grain(rng, shape, size * 1.3) for _ in range(3)], axis=2)
        noise = 0.7 * noise + 0.6 * dyes
    level = pixels.mean(axis=2, keepdims=True)
    return pixels + noise * deviation * (0.35 + 2.6 * level * (1 - level))


def starch(rng: np.random.Generator, pixels: np.ndarray, amount: float, unit: float) -> np.ndarray:
    """An autochrome's filter of dyed potato starch: orange, green and violet grains, seen from afar."""
    height, width = pixels.shape[:2]
    cell = rng.uniform(1.0, 1.8) * max(unit, 0.5)
    small = (int(np.ceil(height / cell)), int(np.ceil(width / cell)))
    dyes = np.array([[0.95, 0.45, 0.25], [0.40, 0.75, 0.35], [0.45, 0.35, 0.85]], np.float32)
    mosaic = dyes[rng.integers(0, 3, small)] * rng.uniform(0.75, 1.25, (*small, 1)).astype(np.float32)
    mosaic = cv2.resize(mosaic, (width, height), interpolation=cv2.INTER_CUBIC)
    mosaic = cv2.GaussianBlur(mosaic, (0, 0), 0.5 * cell)
    mosaic = mosaic / mosaic.mean(axis=(0, 1))
    # Grains too fine for the scan average out; saturation suffers from the unfiltered light.
    grey = (pixels @ LUMA)[:, :, None]
    dull = pixels + (grey - pixels) * rng.uniform(0.05, 0.35) * amount
    return np.clip(dull * (1 + (mosaic - 1) * rng.uniform(0.1, 0.35) * (0.3 + 0.7 * amount)), 0, 1)


def halftone(rng: np.random.Generator, pixels: np.ndarray, amount: float, unit: float) -> np.ndarray:
    """A newspaper's screen of ink dots, run together and half resolved by the scanner."""
    height, width = pixels.shape[:2]
    pitch, angle = rng.uniform(2.6, 5.0) * max(unit, 0.7), np.deg2rad(rng.uniform(35, 55))
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    along = (columns * np.cos(angle) + rows * np.sin(angle)) * (2 * np.pi / pitch)
    across = (rows * np.cos(angle) - columns * np.sin(angle)) * (2 * np.pi / pitch)
    screen = 0.5 + 0.25 * (np.cos(along) + np.cos(across))
    spread = smooth_field(rng, (height, width), 0.05) * 0.04
    ink = 1 / (1 + np.exp(-(pixels + spread[:, :, None] - 1 + screen[:, :, None]) * rng.uniform(4, 9)))
    ink = cv2.GaussianBlur(ink.astype(np.float32), (0, 0), pitch * rng.uniform(0.22, 0.42))
    share = rng.uniform(0.35, 0.8) * min(0.35 + 0.65 * amount, 1)
    return pixels * (1 - share) + ink * share


def no_pattern(rng: np.random.Generator, pixels: np.ndarray, amount: float, unit: float) -> np.ndarray:
    """Continuous tone."""
    return pixels


PATTERNS = {"none": no_pattern, "starch": starch, "halftone": halftone}


# ---------------------------------------------------------------------------------- scan


def scanned(rng: np.random.Generator, pixels: np.ndarray, kind: Era, amount: float, unit: float) -> np.ndarray:
    """The scanner and the file: resampling, noise, stripes, sharpening, JPEG once or twice."""
    height, width = pixels.shape[:2]
    if rng.random() < 0.35:
        factor = 1 - rng.uniform(0.1, 0.5) * amount
        small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 1, pixels.shape).astype(np.float32)
    if rng.random() < 0.5:
        noise = noise * 0.4 + noise.mean(axis=2, keepdims=True) * 1.3
    pixels = pixels + noise * rng.uniform(0.002, 0.028) * amount * (1.3 - pixels)
    if rng.random() < 0.15:
        pixels = pixels + rng.normal(0, 0.006 * amount, (1, width, 1)).astype(np.float32)
    if rng.random() < 0.25:
        halo = cv2.GaussianBlur(pixels, (0, 0), 1.2 * max(unit, 0.6))
        pixels = pixels + (pixels - halo) * rng.uniform(0.2, 0.7)
    if kind.grey and rng.random() < 0.35:
        pixels = np.repeat((np.clip(pixels, 0, 1) @ LUMA)[:, :, None], 3, axis=2)
    stored = np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    for _ in range(int(rng.choice([0, 1, 2], p=[0.35, 0.5, 0.15]))):
        quality = int(rng.uniform(95 - 50 * min(amount, 1), 96))
        _, coded = cv2.imencode(".jpg", stored[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        stored = np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1])
    return stored.astype(np.float32) / 255
