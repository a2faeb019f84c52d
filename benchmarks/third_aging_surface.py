"""Marks on negatives, prints and slides, for the third simulator of aging (`third_aging.py`).

A step takes a sheet, a generator and a strength (1: heavy), and returns the sheet changed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

import third_aging_marks as marks
from third_aging_image import Sheet
from third_aging_marks import cloud, step


def _marked(sheet: Sheet, strength: np.ndarray, share: float) -> Sheet:
    """Remembers that a stain covers the picture in part."""
    return replace(sheet, covered=np.maximum(sheet.covered, np.clip(strength * share, 0, 1)))


# --- on the negative ---


def negative_dust(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Dust and hairs on the negative hold back light: white in the print, soft as the enlarger."""
    cover = marks.specks(rng, sheet.shape, int(55 * amount), 0.65)
    cover = np.maximum(cover, marks.lint(rng, sheet.shape, int(5 * amount), 28))
    return sheet.laid(ndimage.gaussian_filter(cover, 0.4) * 0.9, 0.02)


def negative_scratches(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """On the base they scatter light and print white; through the emulsion they print black."""
    upright, count = rng.random() < 0.5, max(round(7 * amount * rng.random()), 1)
    base = marks.runs(rng, sheet.shape, count, upright, 0.7)
    through = marks.runs(rng, sheet.shape, max(count // 3, 1), upright, 0.6)
    return sheet.laid(base * 0.7, 0.05).laid(through * 0.8 * (rng.random() < 0.5), 1.7)


def lifted_emulsion(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Emulsion gone from plate or film: clear there, so black in the print, its turned edge light."""
    gone = marks.flakes(rng, sheet.shape, 0.014 * amount * rng.random(), rng.uniform(6, 14))
    gone = np.maximum(gone, marks.bites(rng, sheet.shape, 7 * amount * rng.random()))
    rim = np.clip(ndimage.gaussian_filter(gone, 1.5) * 1.5 - gone, 0, 1)
    return sheet.laid(rim * 0.5, 0.15).laid(gone, rng.uniform(1.2, 1.9))


def broken_plate(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """A crack of the glass refracts light: a dark line with a light one beside it."""
    sides = marks.across(rng, sheet.shape, 1.2)
    width = (0.5 + 0.6 * amount) * sheet.px
    sheet = sheet.laid(np.clip(width * 1.7 - np.abs(sides.off - 2 * width), 0, 1) * 0.7, 0.1)
    return sheet.laid(np.clip(width + 0.3 - np.abs(sides.off), 0, 1), 1.6)


# --- on the print or the slide ---


def foxed(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    strength = marks.spots(rng, sheet.shape, int(8 + 45 * amount * rng.random()), rng.uniform(1.4, 3.8), 0.4)
    return _marked(sheet.stained(strength * (0.4 + 0.7 * amount), (0.16, 0.36, 0.64)), strength, 0.5)


def tide_line(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    wet, line = marks.wetted(rng, sheet.shape)
    sheet = sheet.scaled(1 - 0.12 * amount * wet).stained(wet * amount, (0.01, 0.03, 0.06))
    return _marked(sheet.stained(line * amount * rng.uniform(0.5, 1), (0.3, 0.46, 0.7)), line, 0.6)


def fingered(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Salts of the skin bleach and yellow the image along the ridges."""
    ridges = marks.fingerprint(rng, sheet.shape)
    sheet = sheet.scaled(1 - 0.5 * amount * ridges).stained(ridges * amount, (0.05, 0.11, 0.2))
    return _marked(sheet, ridges * amount, 0.5)


def abraded(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    rubbed = marks.scuffs(rng, sheet.shape, max(round(7 * amount * rng.random()), 1))
    rubbed = np.maximum(rubbed, marks.lint(rng, sheet.shape, int(7 * amount), 45, 0.02))
    return sheet.laid(rubbed * (0.35 + 0.4 * amount), (0.1, 0.12, 0.16))


def crazed(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Fine cracks of albumen, which dirt fills."""
    net = marks.crackle(rng, sheet.shape, rng.uniform(7, 13), 0.35, rng.uniform(1.0, 2.2))
    where = step(cloud(rng, sheet.shape, 60 * sheet.px), -0.6, 1.2)
    sheet = sheet.stained(net * where * amount * 0.24, (0.8, 1.0, 1.2))
    return _marked(sheet, net * where * amount, 0.4)


def cracked(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Wide cracks of gelatin, open to the paper."""
    net = marks.crackle(rng, sheet.shape, rng.uniform(30, 70), 0.3 + 0.35 * amount, rng.uniform(1.0, 2.5))
    where = step(cloud(rng, sheet.shape, 90 * sheet.px), 0.1, 1.0)
    return sheet.laid(net * where * 0.9, (0.11, 0.15, 0.22))


def creased(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """A fold: one slope of it light, the other dark; the emulsion broken off along the ridge."""
    for index in range(1 + int(rng.random() < 0.5 * amount)):
        sides = marks.across(rng, sheet.shape, 1.5, corner=index > 0 or rng.random() < 0.35)
        wide = rng.uniform(2.5, 6) * sheet.px
        slope = sides.off / wide * np.exp(-((sides.off / wide) ** 2))
        sheet = sheet.stained(amount * 0.16 * slope * rng.choice([-1, 1]), (1, 1, 1))
        ragged = cloud(rng, sheet.shape, 5 * sheet.px, 2.3) + 0.8 * cloud(rng, sheet.shape, 30 * sheet.px)
        open_to = (0.25 + 1.1 * amount * np.clip(0.4 + 0.7 * ragged, 0, 2)) * sheet.px
        gone = np.clip(open_to - np.abs(sides.off) + 0.35, 0, 1)
        fibers = 0.1 + 0.06 * cloud(rng, sheet.shape, 1.5, 2.0)
        sheet = sheet.laid(gone, np.clip(fibers, 0, 1)[:, :, None] * [0.9, 1.1, 1.5])
    return sheet


def chipped(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Torn edges and corners, and flakes off the face: what shows is the paper, a little dirty."""
    gone = marks.bites(rng, sheet.shape, 9 * amount * rng.uniform(0.4, 1))
    gone = np.maximum(gone, marks.flakes(rng, sheet.shape, 0.012 * amount * rng.random(), rng.uniform(3, 9)))
    shade = np.clip(ndimage.shift(gone, (1, 1), order=1, mode="nearest") - gone, 0, 1)
    paper = 0.16 + 0.05 * cloud(rng, sheet.shape, 3 * sheet.px, 2.2) + 0.05 * cloud(rng, sheet.shape, 30 * sheet.px)
    return sheet.laid(gone, np.clip(paper, 0, 1)[:, :, None] * [0.7, 1.0, 1.6]).stained(shade * 0.2, (1, 1, 1))


def taped(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Adhesive of tape that fell off: brown, darker at the rim."""
    body, rim = marks.strip(rng, sheet.shape)
    mottled = np.clip(0.8 + 0.3 * cloud(rng, sheet.shape, 12 * sheet.px, 2.6), 0, 2)
    strength = amount * (0.6 * body * mottled + 0.5 * rim) * rng.uniform(0.6, 1)
    return _marked(sheet.stained(strength, (0.13, 0.3, 0.6)), body, 0.5 * amount)


def glued(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Glue behind the corners and in daubs, which has come through."""
    daubs = marks.spots(rng, sheet.shape, int(rng.integers(2, 6)), rng.uniform(14, 26), 0.1)
    daubs = step(daubs, 0.15, 0.6) * np.clip(0.7 + 0.35 * cloud(rng, sheet.shape, 15 * sheet.px, 2.6), 0, 1.5)
    return sheet.scaled(1 - 0.12 * amount * daubs).stained(daubs * amount, (0.05, 0.11, 0.2))


def molded(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Mold on gelatin: grey threads, about them the image eaten, and a spatter of dark fruiting bodies."""
    threads = marks.hyphae(rng, sheet.shape, max(round(5 * amount * rng.random()), 1), 26)
    bodies = marks.spots(rng, sheet.shape, int(70 * amount * rng.random()), 0.9, 0.1)
    sheet = sheet.scaled(1 - 0.3 * ndimage.gaussian_filter(threads, 3 * sheet.px))
    return sheet.laid(threads * 0.65 * amount, (0.3, 0.32, 0.36)).laid(bodies * 0.7, (1.0, 1.05, 1.0))


def slide_fungus(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Threads etched into the emulsion of a slide, which bare its lower layers: light, cyan or magenta."""
    threads = marks.hyphae(rng, sheet.shape, max(round(4 * amount), 1), 34)
    return sheet.laid(threads * 0.6, rng.choice([0.1, 0.5, 0.9], 3) * 0.5)


def slide_dust(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """In light that passes through, dust and lint are dark."""
    cover = marks.specks(rng, sheet.shape, int(60 * amount), 0.7)
    cover = np.maximum(cover, marks.lint(rng, sheet.shape, int(8 * amount), 30))
    return sheet.laid(ndimage.gaussian_filter(cover, 0.35) * 0.85, 1.7)


def slide_scratches(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Scratches of the emulsion take the top dye first, deep ones all three."""
    sides = rng.random() < 0.7
    shallow = marks.runs(rng, sheet.shape, max(round(5 * amount), 1), sides, 0.7)[:, :, None]
    deep = marks.runs(rng, sheet.shape, max(round(2 * amount), 1), sides, 0.6)
    colored = replace(sheet, density=sheet.density * (1 - shallow * rng.permutation([0.1, 0.4, 0.9])))
    return _marked(colored, shallow[:, :, 0], 0.7).laid(deep * 0.8, 0.1)


def print_dust(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """Dust and lint under the scanner's lid: pale, each with a shadow."""
    cover = marks.specks(rng, sheet.shape, int(45 * amount), 0.6)
    cover = np.maximum(cover, marks.lint(rng, sheet.shape, int(5 * amount), 24))
    shadow = np.clip(ndimage.shift(cover, (1.2, 0.4), order=1, mode="nearest") - cover, 0, 1)
    return sheet.laid(cover * 0.75, (0.2, 0.2, 0.19)).stained(shadow * 0.12, (1, 1, 1))


def mounted(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """The card about a trimmed print: a strip of it in the scan, with a thin dark rule, and rubbed corners."""
    shape, tilt = sheet.shape, rng.normal(0, 0.004, 4)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    wide = rng.uniform(0.5, 5.5, 4) * sheet.px * (rng.random(4) < 0.6)
    away = [rows + columns * tilt[0], shape[0] - 1 - rows + columns * tilt[1]]
    away += [columns + rows * tilt[2], shape[1] - 1 - columns + rows * tilt[3]]
    inside = np.minimum.reduce([far - own for far, own in zip(away, wide, strict=True)])
    card = np.array([[0.1, 0.14, 0.24], [0.3, 0.42, 0.55], [0.9, 1.0, 1.1]][rng.integers(3)])
    sheet = sheet.laid(step(-inside, -0.3, 0.7), card + 0.04 * cloud(rng, shape, 3, 2.0)[:, :, None])
    return sheet.stained(np.clip(0.8 - np.abs(inside), 0, 1) * 0.25, (1, 1, 1))


def surface_split(sheet: Sheet, rng: np.random.Generator, amount: float) -> Sheet:
    """The image layer of integral film torn inside: pale branching cracks, and a worn edge."""
    net = marks.crackle(rng, sheet.shape, rng.uniform(60, 110), 0.5 * amount, rng.uniform(1.5, 3.0))
    return sheet.laid(net * step(cloud(rng, sheet.shape, 100 * sheet.px), 0.3, 1.0), (0.1, 0.13, 0.2))
