"""Filling a hole with patches of the picture itself, from coarse to fine.

After Wexler, Shechtman & Irani 2007 (Space-Time Completion of Video, sections 2-4): every patch that touches
the hole finds its nearest patch in what is known, all that cover a pixel vote for its color, and again. The
nearest patches are found by PatchMatch (Barnes et al. 2009), here for all patches at once. Nothing is learned:
grain, brush strokes and weave are the picture's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from vasari.foundation.errors import PictureError, PictureTooLargeError
from vasari.models.inpainters import coarser, smooth_fill

Array = np.ndarray
SMALLEST_SIDE_PX = 24
# Of all patches that touch the hole, which are held at once: 1 megapixel in patches of 7×7 (about 3 GB).
MOST_PATCH_PIXELS = 1_000_000 * 7 * 7
# Rounds of search and vote at the finest level, and how many more at each coarser one.
ROUNDS, MORE_ROUNDS, MOST_ROUNDS = 3, 2, 12
SWEEPS = 2  # of PatchMatch in a round
JUMPS = (8, 1)
# What lies deep in the hole is believed less, in votes and in distances: a share for every pixel (γ = 1.3 there).
DEPTH_DECAY, LEAST_CONFIDENCE = 0.77, 0.02
# How much worse than the best a patch may be and still have a say, first and last round.
FIRST_SOFTNESS, LAST_SOFTNESS = 0.5, 0.1
# What a source at the other end of the picture has to be better by, as a mean square difference.
NEARNESS = 0.1


def fill(pixels: Array, mask: Array, patch_px: int = 7, seed: int = 0) -> Array:
    """pixels float32 [channels, rows, columns], mask bool [rows, columns], True where missing -> pixels filled.

    The same seed gives the same fill. Raises `PictureError` where no whole patch is left to copy from, and
    `PictureTooLargeError` where the hole needs more in memory than is sensible.
    """
    _check_size(mask, patch_px)
    levels = _pyramid(pixels, mask, patch_px)
    rng = np.random.default_rng(seed)
    found: Array | None = None
    below = pixels
    for depth in reversed(range(len(levels))):
        level = _Level.of(*levels[depth], patch_px)
        if found is None:
            nearest = level.peeled(_smooth(*levels[depth]), rng)
        else:
            nearest = level.enlarged_sources(found, rng)
            level.canvas[level.mask.ravel()] = _enlarged(below)[: level.rows, : level.columns][level.mask]
            level.vote(nearest, level.distances(nearest), LAST_SOFTNESS)
        rounds = min(MOST_ROUNDS, ROUNDS + MORE_ROUNDS * depth)
        for number in range(rounds):
            nearest, distances = level.search(nearest, rng)
            softness = FIRST_SOFTNESS + (LAST_SOFTNESS - FIRST_SOFTNESS) * number / max(1, rounds - 1)
            level.vote(nearest, distances, softness)
        found, below = level.as_map(nearest), level.picture().transpose(1, 2, 0)
    return level.picture()


def _check_size(mask: Array, patch_px: int) -> None:
    """Refuse a hole touched by more patches than may be held; a scattered one is touched by more than it is large."""
    patches, most = int(_within(mask, patch_px // 2).sum()), MOST_PATCH_PIXELS // patch_px**2
    if patches > most:
        raise PictureTooLargeError(
            f"The hole takes {patches / 1e6:.2f} megapixels with the border that patches of {patch_px}×{patch_px} "
            f"pixels reach; method exemplar takes {most / 1e6:.2f} at most.",
            remedy="use --method network, which works in tiles, or fill the hole part by part",
        )


def _pyramid(pixels: Array, mask: Array, patch_px: int) -> list[tuple[Array, Array]]:
    """The picture and its hole, each level half the one before, until a patch reaches across the hole.

    Smaller still, a patch would be a large part of the picture, and what it is laid on matters no more.
    """
    levels = [(pixels, mask)]
    if not _Level.of(pixels, mask, patch_px).sources.size:
        raise PictureError(
            f"The mask leaves no whole patch of {patch_px}×{patch_px} pixels to copy from.",
            remedy="use a smaller mask, or another method: --method network",
        )
    while float(_depth(levels[-1][1]).max()) > patch_px // 2:
        planes, hole = (torch.from_numpy(np.ascontiguousarray(one)) for one in levels[-1])
        small, small_hole = coarser(planes[None], hole[None, None].float())
        one = small[0].numpy(), small_hole[0, 0].numpy() > 0
        enough = min(one[1].shape) >= SMALLEST_SIDE_PX and one[1].any()
        if not enough or _Level.of(*one, patch_px).sources.size < patch_px**2:
            break
        levels.append(one)
    return levels


def _smooth(pixels: Array, mask: Array) -> Array:
    made = smooth_fill(torch.from_numpy(pixels)[None], torch.from_numpy(mask)[None, None].float())[0]
    return np.ascontiguousarray(made.numpy().transpose(1, 2, 0)).reshape(-1, len(pixels))


def _enlarged(rows: Array) -> Array:
    """[rows, columns, channels] at twice the size, every pixel four times."""
    return rows.repeat(2, 0).repeat(2, 1)


@dataclass(frozen=True, eq=False)
class _Level:
    """One size of the picture; places are flat indices, row × columns + column.

    `canvas` [rows·columns, channels] is what is painted on; `targets` are the middles of patches that touch
    the hole, `sources` those of patches wholly known; `usable` says of every place whether it is a source.
    """

    canvas: Array
    mask: Array
    targets: Array
    sources: Array
    usable: Array
    offsets: Array
    confidence: Array

    @classmethod
    def of(cls, pixels: Array, mask: Array, patch_px: int) -> _Level:
        rows, columns = mask.shape
        reach = patch_px // 2
        inside = np.zeros(mask.shape, bool)
        inside[reach : rows - reach, reach : columns - reach] = True
        near = _within(mask, reach)
        around = np.arange(-reach, reach + 1)
        offsets = (around[:, None] * columns + around[None, :]).ravel()
        canvas = np.ascontiguousarray(pixels.transpose(1, 2, 0)).reshape(rows * columns, -1).copy()
        confidence = np.maximum(DEPTH_DECAY ** _depth(mask).ravel(), LEAST_CONFIDENCE)
        usable = (inside & ~near).ravel()
        return cls(
            canvas, mask, np.flatnonzero(inside & near), np.flatnonzero(usable), usable, offsets,
            confidence.astype(np.float32),
        )  # fmt: skip

    @property
    def rows(self) -> int:
        return int(self.mask.shape[0])

    @property
    def columns(self) -> int:
        return int(self.mask.shape[1])

    def picture(self) -> Array:
        """The canvas as [channels, rows, columns]."""
        return np.ascontiguousarray(self.canvas.reshape(*self.mask.shape, -1).transpose(2, 0, 1))

    def random_sources(self, rng: np.random.Generator) -> Array:
        return self.sources[rng.integers(0, len(self.sources), len(self.targets))]

    def peeled(self, first: Array, rng: np.random.Generator) -> Array:
        """Fill the hole ring by ring inwards, each by what is known around it; returns the sources.

        A smooth fill alone would find the smoothest patches of the picture, and stay with them. `first` is the
        canvas to begin with.
        """
        self.canvas[:] = first
        depth, nearest = _depth(self.mask).ravel(), self.random_sources(rng)
        for ring in range(1, int(depth.max()) + 1):
            known = replace(self, confidence=np.where(depth < ring, 1.0, 1e-4).astype(np.float32))
            nearest, distances = known.search(nearest, rng)
            known.vote(nearest, distances, LAST_SOFTNESS, where=depth == ring)
        return nearest

    def as_map(self, nearest: Array) -> Array:
        """The source of every target, as (row, column) shifts [rows, columns, 2] from the target."""
        shifts = np.zeros((*self.mask.shape, 2), np.int64)
        moved = np.stack(np.divmod(nearest, self.columns), 1) - np.stack(np.divmod(self.targets, self.columns), 1)
        shifts.reshape(-1, 2)[self.targets] = moved
        return shifts

    def enlarged_sources(self, shifts: Array, rng: np.random.Generator) -> Array:
        """The sources of a level half as large, twice as far; at random where they fall outside."""
        rows, columns = np.divmod(self.targets, self.columns)
        below = shifts[np.minimum(rows // 2, len(shifts) - 1), np.minimum(columns // 2, shifts.shape[1] - 1)]
        rows, columns = rows + 2 * below[:, 0], columns + 2 * below[:, 1]
        good = self._are_sources(rows, columns) & below.any(1)
        return np.where(good, rows * self.columns + columns, self.random_sources(rng))

    def distances(self, nearest: Array) -> Array:
        """Mean square difference of the patches around targets and their sources, weighed by confidence."""
        given, weights = self._patches()
        return self._to(given, weights, self.targets, nearest)

    def _patches(self) -> tuple[Array, Array]:
        """The patches around the targets [targets, pixels, channels], and the weights of their pixels, of sum 1."""
        places = self.targets[:, None] + self.offsets
        weights = self.confidence[places]
        return self.canvas[places], weights / weights.sum(1, keepdims=True)

    def search(self, nearest: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """PatchMatch: better sources by what neighbors found, and by looking around; with their distances."""
        given, weights = self._patches()
        best = nearest.copy()
        distances = self._to(given, weights, self.targets, best)
        place = np.full(self.mask.size, -1)
        place[self.targets] = np.arange(len(self.targets))
        for _ in range(SWEEPS):
            for jump in JUMPS:
                for step in (jump, -jump, jump * self.columns, -jump * self.columns):
                    neighbors = place[np.clip(self.targets - step, 0, self.mask.size - 1)]
                    self._improve(given, weights, best, distances, np.where(neighbors >= 0, best[neighbors] + step, -1))
            reach = max(self.mask.shape)
            while reach >= 1:
                rows, columns = np.divmod(best, self.columns)
                rows = rows + rng.integers(-reach, reach + 1, len(best))
                columns = columns + rng.integers(-reach, reach + 1, len(best))
                good = self._are_sources(rows, columns)
                self._improve(given, weights, best, distances, np.where(good, rows * self.columns + columns, -1))
                reach //= 2
        return best, distances

    def vote(self, nearest: Array, distances: Array, softness: float, where: Array | None = None) -> None:
        """Every missing pixel (or those of `where`) becomes the weighted mean of what the patches over it hold.

        A patch whose distance is more than `softness` times the least one's above it hardly counts: with a
        common scale for all, poor matches would be averaged into a haze.
        """
        hole = np.flatnonzero(self.mask.ravel() if where is None else where)
        found = np.full(self.mask.size, np.inf, np.float32)
        found[self.targets] = distances
        source = np.zeros(self.mask.size, np.int64)
        source[self.targets] = nearest
        middles = np.clip(hole[:, None] - self.offsets, 0, self.mask.size - 1)
        apart = found[middles]
        least = apart.min(1, keepdims=True)
        weights = np.exp((least - apart) / (softness * (least + 1e-5)))
        values = self.canvas[np.where(np.isfinite(apart), source[middles] + self.offsets, 0)]
        weights /= weights.sum(1, keepdims=True)
        self.canvas[hole] = np.einsum("hp,hpc->hc", weights, values)

    def _improve(self, given: Array, weights: Array, best: Array, distances: Array, candidates: Array) -> None:
        """Take candidates (-1: none) that are sources and nearer."""
        possible = candidates >= 0
        possible[possible] = self.usable[np.minimum(candidates[possible], self.mask.size - 1)]
        chosen = np.flatnonzero(possible & (candidates != best))
        if not len(chosen):
            return
        found = self._to(given[chosen], weights[chosen], self.targets[chosen], candidates[chosen])
        nearer = found < distances[chosen]
        best[chosen[nearer]] = candidates[chosen[nearer]]
        distances[chosen[nearer]] = found[nearer]

    def _to(self, given: Array, weights: Array, targets: Array, sources: Array) -> Array:
        other = self.canvas[sources[:, None] + self.offsets]
        other -= given
        apart = np.einsum("tpc,tpc,tp->t", other, other, weights, optimize=False) / other.shape[2]
        rows, columns = np.divmod(sources, self.columns)
        own_rows, own_columns = np.divmod(targets, self.columns)
        far = np.hypot(rows - own_rows, columns - own_columns) / max(self.mask.shape)
        return apart + (NEARNESS * far).astype(np.float32)

    def _are_sources(self, rows: Array, columns: Array) -> Array:
        height, width = self.mask.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        flat = np.where(inside, rows * width + columns, 0)
        return inside & self.usable[flat]


def _within(mask: Array, by_px: int) -> Array:
    """The mask and all within `by_px` pixels of it (a square)."""
    planes = torch.from_numpy(np.ascontiguousarray(mask)).float()[None, None]
    wide = torch.nn.functional.max_pool2d(planes, 2 * by_px + 1, stride=1, padding=by_px)
    return wide[0, 0].numpy() > 0


def _depth(mask: Array) -> Array:
    """How many pixels (of a square's side) lie between a missing pixel and the border, 60 at most."""
    depth, left = np.zeros(mask.shape, np.float32), mask.copy()
    for _ in range(60):
        if not left.any():
            break
        depth += left
        left = ~_within(~left, 1)
    return depth
