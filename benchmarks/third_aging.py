"""A third simulator of how photographs age, for judging restorers: no weights were trained on it or chosen by it.

It was written from what conservators describe, by somebody who had read neither of the other two. A picture becomes a
sheet of densities; the camera, the negative, the chemistry of the image, the surface and the scan change it in the
order in which they did, each by steps of a literal table. What the processes suffer from follows Reilly, Severson and
McCabe 1982 (albumen), Weaver 2008 (gelatin silver), Wilhelm and Brower 1993 (color) and Lavedrine 2003. What it showed
when it was first used led to decision 28, whose one constant was chosen by the second simulator.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import third_aging_image as image
import third_aging_surface as surface
from third_aging_image import Sheet, density_of
from third_aging_scan import decoded, scan

LEVELS = {1: 0.42, 2: 0.7, 3: 1.0}
LIKELIER = {1: 0.55, 2: 0.8, 3: 1.0}
LUMA = np.array([0.299, 0.587, 0.114])

Way = Callable[[Sheet, np.random.Generator, float], Sheet]


class Step(NamedTuple):
    """One thing that may happen: its chance and its strength at severity 3."""

    way: Way
    chance: float = 1.0
    amount: float = 1.0


class Material(NamedTuple):
    """A kind of photograph: scored on luma when `grey`; paper or base density; how deep its blacks are; its steps."""

    grey: bool
    base: tuple[float, float, float]
    blacks: float
    steps: tuple[Step, ...]


GREY_NEGATIVE = (Step(image.soft, 1.0, 1.1), Step(image.grain, 1.0, 0.8))
PRINT = Step(image.printed)

ERAS: dict[str, Material] = {
    "albumen print": Material(
        grey=True,
        base=(0.04, 0.06, 0.1),
        blacks=1.8,
        steps=(
            Step(image.soft, 1.0, 1.0),
            Step(image.shaken, 0.2, 0.6),
            Step(image.vignetted, 0.5, 0.8),
            Step(surface.negative_dust, 0.4, 0.5),
            PRINT,
            Step(image.rough_paper, 1.0, 0.8),
            Step(image.silver_faded, 1.0, 1.0),
            Step(image.yellowed, 1.0, 1.0),
            Step(surface.crazed, 0.6),
            Step(surface.foxed, 0.75),
            Step(surface.tide_line, 0.35),
            Step(surface.abraded, 0.5, 0.7),
            Step(surface.creased, 0.35, 0.9),
            Step(surface.chipped, 0.5, 0.8),
            Step(surface.glued, 0.3),
            Step(surface.print_dust, 0.6, 0.6),
        ),
    ),
    "cabinet card": Material(
        grey=True,
        base=(0.05, 0.07, 0.11),
        blacks=1.9,
        steps=(
            Step(image.soft, 1.0, 0.9),
            Step(image.out_of_focus, 0.25, 0.6),
            Step(image.vignetted, 0.4, 1.0),
            PRINT,
            Step(image.silver_faded, 1.0, 0.75),
            Step(image.sulfided, 0.6),
            Step(image.yellowed, 1.0, 0.8),
            Step(image.light_struck, 0.4),
            Step(surface.foxed, 0.5),
            Step(surface.fingered, 0.35),
            Step(surface.molded, 0.25, 0.7),
            Step(surface.abraded, 0.8),
            Step(surface.chipped, 0.4, 0.6),
            Step(surface.mounted, 0.9),
            Step(surface.print_dust, 0.6, 0.7),
        ),
    ),
    "gelatin silver print": Material(
        grey=True,
        base=(0.03, 0.04, 0.06),
        blacks=2.0,
        steps=(
            *GREY_NEGATIVE,
            Step(image.shaken, 0.2, 0.8),
            Step(surface.negative_dust, 0.7, 0.6),
            Step(surface.negative_scratches, 0.35, 0.7),
            PRINT,
            Step(image.silver_faded, 0.7, 0.6),
            Step(image.sulfided, 0.4, 0.7),
            Step(image.mirrored, 0.6),
            Step(image.yellowed, 0.8, 0.6),
            Step(surface.fingered, 0.35),
            Step(surface.tide_line, 0.25),
            Step(surface.cracked, 0.3),
            Step(surface.creased, 0.7),
            Step(surface.chipped, 0.5, 0.8),
            Step(surface.taped, 0.35),
            Step(surface.abraded, 0.5, 0.8),
            Step(surface.print_dust, 0.7, 0.7),
        ),
    ),
    "plate or nitrate negative": Material(
        grey=True,
        base=(0.02, 0.02, 0.03),
        blacks=2.1,
        steps=(
            *GREY_NEGATIVE,
            Step(image.out_of_focus, 0.2, 0.7),
            Step(image.tarnished_negative, 0.7, 0.8),
            Step(surface.molded, 0.3, 0.8),
            Step(surface.negative_dust, 1.0, 1.2),
            Step(surface.negative_scratches, 0.7),
            Step(surface.lifted_emulsion, 0.6),
            Step(surface.broken_plate, 0.3),
            Step(surface.fingered, 0.3, 0.8),
            PRINT,
            Step(image.vignetted, 0.3, 0.8),
        ),
    ),
    "halftone page": Material(
        grey=True,
        base=(0.05, 0.07, 0.13),
        blacks=2.2,
        steps=(
            Step(image.soft, 1.0, 0.9),
            PRINT,
            Step(image.screened, 1.0, 1.0),
            Step(image.rough_paper, 1.0, 1.3),
            Step(image.yellowed, 1.0, 0.9),
            Step(surface.foxed, 0.35, 0.8),
            Step(surface.creased, 0.6, 0.8),
            Step(surface.tide_line, 0.2, 0.8),
            Step(surface.taped, 0.25, 0.8),
            Step(surface.print_dust, 0.5, 0.5),
        ),
    ),
    "chromogenic print": Material(
        grey=False,
        base=(0.04, 0.05, 0.07),
        blacks=2.0,
        steps=(
            Step(image.soft, 1.0, 1.1),
            Step(image.out_of_focus, 0.2, 0.7),
            Step(image.dye_clouds, 1.0, 0.9),
            Step(image.leaked, 0.2, 0.8),
            Step(surface.negative_dust, 0.7, 0.7),
            Step(surface.negative_scratches, 0.3, 0.7),
            PRINT,
            Step(image.kept_dark, 0.9),
            Step(image.displayed, 0.35, 0.8),
            Step(image.rough_paper, 0.4, 0.8),
            Step(surface.fingered, 0.35, 0.7),
            Step(surface.creased, 0.4, 0.8),
            Step(surface.glued, 0.25),
            Step(surface.abraded, 0.5, 0.7),
            Step(surface.print_dust, 0.7, 0.8),
        ),
    ),
    "color slide": Material(
        grey=False,
        base=(0.05, 0.05, 0.06),
        blacks=2.6,
        steps=(
            Step(image.soft, 1.0, 0.8),
            Step(image.shaken, 0.2, 0.7),
            Step(image.dye_clouds, 1.0, 0.8),
            Step(image.vignetted, 0.4, 1.0),
            Step(image.slide_stored, 0.95),
            Step(image.projected, 0.4, 0.8),
            Step(surface.slide_fungus, 0.3, 0.8),
            Step(surface.slide_scratches, 0.6),
            Step(surface.fingered, 0.2, 0.7),
            Step(surface.slide_dust, 1.0),
        ),
    ),
    "instant print": Material(
        grey=False,
        base=(0.08, 0.09, 0.12),
        blacks=1.7,
        steps=(
            Step(image.soft, 1.0, 1.5),
            Step(image.shaken, 0.3, 0.8),
            Step(image.dye_clouds, 1.0, 0.5),
            Step(image.vignetted, 0.5, 0.8),
            Step(image.leaked, 0.2, 0.6),
            Step(image.instant, 1.0),
            Step(image.displayed, 0.4, 0.7),
            Step(surface.surface_split, 0.4),
            Step(surface.fingered, 0.4, 0.7),
            Step(surface.abraded, 0.6, 0.6),
            Step(surface.print_dust, 0.8, 0.9),
        ),
    ),
}


def age(pixels: np.ndarray, era: str, severity: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture as it was, as it is now, and what covers it.

    `pixels` is RGB [rows, columns, 3], uint8 or 0..1; so are both pictures returned, float32 in 0..1, the first one
    without color where the material has none. The last is float32 [rows, columns], 0..1. `severity` is 1, 2 or 3; the
    same arguments give the same arrays. Raises `KeyError` for an unknown material or severity.
    """
    material, level = ERAS[era], LEVELS[severity]
    clean = np.asarray(pixels, dtype=np.float64) / (255 if pixels.dtype == np.uint8 else 1)
    if material.grey:
        clean = np.repeat((np.rint(clean @ LUMA * 255) / 255)[:, :, None], 3, axis=2)
    sheet = Sheet(density_of(decoded(clean)), np.zeros(clean.shape[:2]))
    for number, one in enumerate(material.steps):
        rng = np.random.default_rng([seed, number, zlib.crc32(era.encode())])
        if rng.random() < one.chance * LIKELIER[severity]:
            sheet = one.way(sheet, rng, one.amount * level)
    deep = np.clip(sheet.density, 0, None)
    deep = material.blacks * (1 - np.exp(-deep / material.blacks)) * 1.12 + np.array(material.base)
    rng = np.random.default_rng([seed, 999, zlib.crc32(era.encode())])
    aged = scan(rng, 10.0**-deep, level)
    return clean.astype(np.float32), aged.astype(np.float32), sheet.covered.astype(np.float32)
