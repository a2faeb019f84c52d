"""Shapes of what happens to a photograph's surface, for the third simulator of aging (`third_aging.py`).

Every function draws from the generator it is given and returns float arrays [rows, columns]; a coverage is 0..1.
Lengths are in pixels of a picture whose long side has 512; `unit` says how many pixels of this picture that is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

Shape = tuple[int, int]
Line = tuple[np.ndarray, np.ndarray]  # points [n, 2] as (row, column), weights [n]


class Sides(NamedTuple):
    """Where a pixel lies beside a line across the picture: `off` it and `along` it, in pixels."""

    off: np.ndarray
    along: np.ndarray


def unit(shape: Shape) -> float:
    return max(shape) / 512


def cloud(rng: np.random.Generator, shape: Shape, feature_px: float, slope: float = 3.0) -> np.ndarray:
    """Noise of mean 0 and deviation 1 whose power falls off for details finer than `feature_px`."""
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    gain = (rows**2 + columns**2 + (1 / (2 * np.pi * feature_px)) ** 2) ** (-slope / 2)
    gain[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * gain, s=shape)
    return field / max(float(field.std()), 1e-9)


def step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    part = np.clip((values - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)


def from_edge(shape: Shape) -> np.ndarray:
    """Distance of every pixel from the nearest edge, in pixels."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    return np.minimum(np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns)).astype(float)


def wander(rng: np.random.Generator, start: tuple[float, float], angle: float, length: float, curl: float) -> Line:
    """A line of `length` pixels that turns by a random walk, `curl` radians a square root of a pixel."""
    count = max(int(length * 2), 2)
    angles = angle + np.cumsum(rng.standard_normal(count)) * curl * np.sqrt(0.5)
    steps = np.stack([np.sin(angles), np.cos(angles)], axis=1) * 0.5
    return np.asarray(start) + np.cumsum(steps, axis=0), np.ones(count)


def trace(shape: Shape, lines: list[Line], width_px: float) -> np.ndarray:
    """Coverage of lines of one width: points dropped on the grid bilinearly, spread, and thresholded."""
    dropped = np.zeros((shape[0] + 2) * (shape[1] + 2))
    for points, weights in lines:
        inside = ((points > -1) & (points < np.array(shape))).all(axis=1)
        low = np.floor(points[inside]).astype(int)
        part, kept = points[inside] - low, weights[inside] * 0.5
        for row in (0, 1):
            for column in (0, 1):
                share = np.abs(1 - row - part[:, 0]) * np.abs(1 - column - part[:, 1])
                np.add.at(dropped, (low[:, 0] + row + 1) * (shape[1] + 2) + low[:, 1] + column + 1, share * kept)
    sigma = max(width_px / 2, 0.45)
    grid = dropped.reshape(shape[0] + 2, shape[1] + 2)[1:-1, 1:-1]
    spread = ndimage.gaussian_filter(grid, sigma) * np.sqrt(2 * np.pi) * sigma
    return np.clip(spread * 1.6 * min(width_px / 0.9, 1) - 0.12, 0, 1)


def specks(rng: np.random.Generator, shape: Shape, count: int, size_px: float) -> np.ndarray:
    """Grains of dust: each some overlapping discs, sizes log-normal, gathered in drifts."""
    drift = cloud(rng, shape, 60 * unit(shape))
    cover = np.zeros(shape)
    for _ in range(count):
        spots = rng.random((4, 2)) * shape
        row, column = max(spots, key=lambda spot: drift[int(spot[0]), int(spot[1])]) if rng.random() < 0.5 else spots[0]
        radius = size_px * unit(shape) * float(np.exp(rng.normal(0, 0.55)))
        reach = int(3 * radius) + 2
        top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
        window = cover[top : int(row) + reach + 1, left : int(column) + reach + 1]
        rows, columns = np.arange(window.shape[0])[:, None] + top, np.arange(window.shape[1])[None] + left
        for _ in range(int(rng.integers(1, 5))):
            move, own = rng.normal(0, 0.7 * radius, 2), radius * rng.uniform(0.5, 1)
            away = np.hypot(rows - row - move[0], columns - column - move[1])
            np.maximum(window, np.clip(own - away + 0.5, 0, 1), out=window)
    return cover


def lint(rng: np.random.Generator, shape: Shape, count: int, length_px: float, curl: float = 0.2) -> np.ndarray:
    """Fibers and hairs, which curl; with little `curl`, single scratches."""
    cover = np.zeros(shape)
    for _ in range(count):
        length = length_px * unit(shape) * float(np.exp(rng.normal(0, 0.5)))
        start = (rng.random() * shape[0], rng.random() * shape[1])
        line = wander(rng, start, rng.random() * 2 * np.pi, length, rng.uniform(0.2 * curl, curl))
        cover = np.maximum(cover, trace(shape, [line], rng.uniform(0.5, 1.3) * unit(shape)))
    return cover


def runs(rng: np.random.Generator, shape: Shape, count: int, along_columns: bool, width_px: float) -> np.ndarray:
    """Scratches of transport: nearly straight, all in the film's direction, thick and thin by turns."""
    cover = np.zeros(shape)
    long, across = (shape[0], shape[1]) if along_columns else (shape[1], shape[0])
    for _ in range(count):
        begin = rng.uniform(-0.3, 0.7) * long if rng.random() < 0.6 else 0.0
        length = long * rng.uniform(0.25, 1.2)
        way = np.arange(begin, begin + length, 0.5)
        sway = np.interp(way, np.linspace(begin, begin + length, 9), np.cumsum(rng.normal(0, 0.5, 9)) * unit(shape))
        side = rng.random() * across + sway + (way - begin) * rng.normal(0, 0.003)
        beat = ndimage.gaussian_filter1d(rng.standard_normal(len(way)), 18 * unit(shape))
        weight = np.clip(0.55 + beat / max(float(beat.std()), 1e-9) * rng.uniform(0.15, 0.6), 0, 1.2)
        points = np.stack([way, side] if along_columns else [side, way], axis=1)
        cover = np.maximum(
            cover, trace(shape, [(points, weight)], width_px * unit(shape) * float(np.exp(rng.normal(0, 0.4))))
        )
    return cover


def scuffs(rng: np.random.Generator, shape: Shape, patches: int) -> np.ndarray:
    """Patches of short scratches in one direction, as from sliding over grit."""
    cover = np.zeros(shape)
    for _ in range(patches):
        center, angle = rng.random(2) * shape, rng.random() * 2 * np.pi
        spread, lines = rng.uniform(15, 60) * unit(shape), []
        for _ in range(int(rng.integers(8, 40))):
            start = center + rng.normal(0, spread, 2)
            points, weights = wander(
                rng,
                (start[0], start[1]),
                angle + rng.normal(0, 0.15),
                float(rng.exponential(22)) * unit(shape) + 3,
                0.015,
            )
            lines.append((points, weights * rng.uniform(0.3, 1) * np.sin(np.linspace(0.2, np.pi, len(points)))))
        cover = np.maximum(cover, trace(shape, lines, rng.uniform(0.4, 0.9) * unit(shape)))
    return cover


def crackle(
    rng: np.random.Generator, shape: Shape, cell_px: float, width_px: float, stretch: float = 1.0
) -> np.ndarray:
    """A net of cracks between cells about random seeds, bent, each crack with a width of its own."""
    cell = cell_px * unit(shape)
    angle, count = rng.random() * np.pi, max(int(2.2 * shape[0] * shape[1] / (cell * cell)), 8)
    seeds = (rng.random((count, 2)) * 1.4 - 0.2) * max(shape)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    rows += cloud(rng, shape, cell / 3) * cell * 0.13
    columns += cloud(rng, shape, cell / 3) * cell * 0.13
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle) * stretch, np.cos(angle) * stretch]])
    turned = seeds @ turn.T
    near, which = cKDTree(turned).query(np.stack([rows.ravel(), columns.ravel()], axis=1) @ turn.T, k=2)
    pair = (which.min(axis=1) * 7919 + which.max(axis=1) * 104729) % 1009 / 1009
    apart = np.hypot(*(turned[which[:, 1]] - turned[which[:, 0]]).T)
    gap = (near[:, 1] ** 2 - near[:, 0] ** 2) / (2 * np.maximum(apart, 1e-6))  # distance from the border
    width = width_px * unit(shape) * np.where(pair < 0.4, 0, 0.4 + pair)
    return np.clip(width - gap + 0.35, 0, 1).reshape(shape) * (width > 0).reshape(shape)


def across(rng: np.random.Generator, shape: Shape, rough_px: float, corner: bool = False) -> Sides:
    """A line through the picture from edge to edge, or off one corner, that strays by `rough_px`."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    if corner:
        reach = rng.uniform(0.08, 0.25) * min(shape)
        at = np.array([rng.choice([0, shape[0] - 1]), rng.choice([0, shape[1] - 1])], dtype=float)
        inward = np.where(at > 0, -1.0, 1.0) * rng.uniform(0.5, 1.5, 2)
        normal = inward / np.hypot(*inward)
        at = at + normal * reach
    else:
        at = np.array(shape) * rng.uniform(0.2, 0.8, 2)
        angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.22)
        normal = np.array([np.sin(angle), np.cos(angle)])
    off = (rows - at[0]) * normal[0] + (columns - at[1]) * normal[1]
    along = (rows - at[0]) * -normal[1] + (columns - at[1]) * normal[0]
    knots = np.linspace(-2 * max(shape), 2 * max(shape), 400)
    stray = ndimage.gaussian_filter1d(np.cumsum(rng.standard_normal(400)), 1.0)
    stray = (stray - ndimage.gaussian_filter1d(stray, 40)) * rough_px * unit(shape) * 0.4
    return Sides(off - np.interp(along, knots, stray), along)


def bites(rng: np.random.Generator, shape: Shape, depth_px: float) -> np.ndarray:
    """What is torn or worn off the edges and corners."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    corner = np.hypot(np.minimum(rows, shape[0] - 1 - rows), np.minimum(columns, shape[1] - 1 - columns))
    deep = depth_px * unit(shape)
    ragged = cloud(rng, shape, 30 * unit(shape), 2.6) + 0.25 * cloud(rng, shape, 4 * unit(shape), 2.2)
    field = deep * (ragged * 0.8 - 0.5) - from_edge(shape)
    field = np.maximum(field, deep * (1.1 + 0.5 * ragged) - corner * rng.uniform(0.7, 1.6))
    return step(field, -0.5, 0.9)


def flakes(rng: np.random.Generator, shape: Shape, share: float, size_px: float) -> np.ndarray:
    """Emulsion come off in islands, more of them where the sheet was strained; `share` of the area."""
    strain = cloud(rng, shape, 70 * unit(shape))
    field = cloud(rng, shape, size_px * unit(shape), 2.4) + 1.3 * strain
    return step(field, float(np.quantile(field, 1 - share)) - 0.03, float(np.quantile(field, 1 - share)) + 0.05)


def spots(rng: np.random.Generator, shape: Shape, count: int, radius_px: float, halo: float) -> np.ndarray:
    """Rounded spots in colonies, dense in the middle, with a faint halo; strength 0..1."""
    strength = np.zeros(shape)
    colonies = rng.random((max(count // 6, 1), 2)) * shape
    for _ in range(count):
        place = rng.random(2) * shape
        if rng.random() < 0.7:
            place = colonies[rng.integers(len(colonies))] + rng.normal(0, 35 * unit(shape), 2)
        radius = radius_px * unit(shape) * float(np.exp(rng.normal(0, 0.6)))
        reach = int(5 * radius) + 2
        top, left = max(int(place[0]) - reach, 0), max(int(place[1]) - reach, 0)
        window = strength[top : max(int(place[0]) + reach + 1, 0), left : max(int(place[1]) + reach + 1, 0)]
        rows = np.arange(window.shape[0])[:, None] + top - place[0]
        columns = np.arange(window.shape[1])[None] + left - place[1]
        angle, waves = np.arctan2(rows, columns), rng.normal(0, 0.13, 3)
        phases = rng.random(3) * 2 * np.pi
        wavy = 1 + sum(waves[k] * np.cos((k + 2) * angle + phases[k]) for k in range(3))
        away = np.hypot(rows, columns) / (radius * wavy)
        own = rng.uniform(0.35, 1) * ((1 - halo) * np.exp(-(away**3)) + halo * np.exp(-away * 0.9))
        np.maximum(window, own, out=window)
    return strength


def wetted(rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Water that came in from an edge: the wet region (0..1), and the line it left where it dried (0..1)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    angle, reach = rng.random() * 2 * np.pi, rng.uniform(0.1, 0.45)
    ramp = (rows / shape[0] - 0.5) * np.sin(angle) + (columns / shape[1] - 0.5) * np.cos(angle)
    front = ramp + 0.09 * cloud(rng, shape, 70 * unit(shape), 3.4) + 0.006 * cloud(rng, shape, 8 * unit(shape), 2.5)
    line, wet = np.zeros(shape), front > 0.5 - reach
    for back in (0.0, rng.uniform(0.03, 0.1)):
        inner = ndimage.distance_transform_edt(front > 0.5 - reach + back) / unit(shape)
        own = np.where(inner > 0, 0.55 * np.exp(-inner / 2.2) + 0.45 * np.exp(-inner / 14), 0)
        line = np.maximum(line, own * (1 if back == 0 else 0.5))
    vary = np.clip(0.75 + 0.3 * cloud(rng, shape, 25 * unit(shape)), 0.15, 1.3)
    return ndimage.gaussian_filter(wet.astype(float), unit(shape)), ndimage.gaussian_filter(line * vary, 0.6)


def fingerprint(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """The ridges of one finger, 50 to 80 px wide, unevenly pressed."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    center, angle = rng.uniform(0.08, 0.92, 2) * shape, rng.random() * np.pi
    half, period = rng.uniform(25, 40) * unit(shape), rng.uniform(2.6, 4.0) * unit(shape)
    down = (rows - center[0]) * np.cos(angle) - (columns - center[1]) * np.sin(angle)
    side = (rows - center[0]) * np.sin(angle) + (columns - center[1]) * np.cos(angle)
    bend = cloud(rng, shape, 25 * unit(shape)) * period * 0.8
    loop = np.hypot(side * 1.15, np.where(down > 0, down * 0.55, down)) + bend
    pressed = step(1 - np.hypot(down / (1.35 * half), side / half), 0.02, 0.45)
    patchy = np.clip(0.6 + 0.5 * cloud(rng, shape, 9 * unit(shape)), 0, 1)
    return pressed * patchy * step(np.sin(2 * np.pi * loop / period), -0.2, 0.7)


def strip(rng: np.random.Generator, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """A piece of tape that lies over an edge: where it was (0..1), and its darker rim (0..1)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    side = int(rng.integers(4))
    free = np.array([0.03, 0.22] if side < 2 else [0.22, 0.03])  # along the edge, not inward
    at = np.array([(0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1)][side]) * shape + rng.normal(0, free) * shape
    at = np.clip(at, 0, np.array(shape) - 1)
    angle = rng.normal(0, 0.2) + (np.pi / 2 if side < 2 else 0)
    along = (rows - at[0]) * np.sin(angle) + (columns - at[1]) * np.cos(angle)
    off = (rows - at[0]) * np.cos(angle) - (columns - at[1]) * np.sin(angle)
    ragged = cloud(rng, shape, 5 * unit(shape), 2.2) * 0.8 * unit(shape)
    length, half = rng.uniform(45, 120) * unit(shape), rng.uniform(13, 24) * unit(shape)
    inside = np.minimum(length - np.abs(along) + ragged * 2, half - np.abs(off) + ragged * 0.4)
    body = step(inside, -0.6, 0.8)
    return body, body * np.exp(-np.clip(inside, 0, None) / (3 * unit(shape)))


def hyphae(rng: np.random.Generator, shape: Shape, colonies: int, size_px: float) -> np.ndarray:
    """Mold: threads that grow outward from a point and branch."""
    cover = np.zeros(shape)
    for _ in range(colonies):
        start, size = rng.random(2) * shape, size_px * unit(shape) * float(np.exp(rng.normal(0, 0.4)))
        grown: list[Line] = []
        for angle in np.linspace(0, 2 * np.pi, int(rng.integers(6, 14)), endpoint=False):
            stem = wander(rng, (start[0], start[1]), angle + rng.normal(0, 0.3), size * rng.uniform(0.4, 1.1), 0.11)
            grown.append((stem[0], np.linspace(1, 0.3, len(stem[1]))))
            for _ in range(int(rng.integers(2, 7))):
                fork = stem[0][rng.integers(len(stem[0]))]
                turned = angle + rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
                twig = wander(rng, (fork[0], fork[1]), turned, size * rng.uniform(0.1, 0.5), 0.13)
                grown.append((twig[0], np.linspace(0.7, 0.1, len(twig[1]))))
        cover = np.maximum(cover, trace(shape, grown, rng.uniform(0.6, 1.1) * unit(shape)))
    return cover


def framed(rng: np.random.Generator, shape: Shape, oval: bool) -> np.ndarray:
    """What an overmat left open (0..1), its border soft: a rectangle or, where `oval` may be, now and then that."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(float)
    margin = rng.uniform(0.03, 0.11)
    down, side = 2 * rows / shape[0] - 1 + rng.normal(0, 0.02), 2 * columns / shape[1] - 1 + rng.normal(0, 0.02)
    if rng.random() < 0.35 and oval:
        inside = 1 - margin * 0.6 - np.hypot(down, side) / 1.12
    else:
        inside = 1 - margin - np.maximum(np.abs(down), np.abs(side))
    return step(inside + 0.004 * cloud(rng, shape, 20 * unit(shape)), -0.02, 0.02)
