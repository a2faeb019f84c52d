"""Where one shot ends and the next begins: hard cuts, found in small copies of the frames.

Two frames on the two sides of a cut differ in their colors and in their structure. Either alone misleads: a pan moves
the structure and keeps the colors, a flash changes the colors and keeps the structure, and both return. So
the distance of two frames is the geometric mean of both, and a cut is where it is large, larger than around it, and
still there when the frames after the cut are held against those before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

#: Long side of the copies that are looked at, in pixels.
LOOK_PX = 64
#: Distances beyond this may be cuts; those so many times the median around them are.
LEAST_DISTANCE, TIMES_AROUND = 0.28, 3.0
#: How many frames around a distance its median is taken of, on each side.
AROUND = 6
#: A flash may last so many frames.
FLASH_FRAMES = 3
#: Bins of the color histogram, a channel.
_BINS = 6
#: How far structure may have moved between frames and be known again, as a share of the sides.
_REACH = 0.25
_FLAT = 4.0


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """How unlike two small frames uint8 [rows, columns, 3] are, 0 (alike) to 1: in colors times in structure."""
    return float(np.sqrt(color_distance(first, second) * structure_distance(first, second)))


def color_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Half the sum of what two color histograms differ by, 0..1; each pixel is shared out between bins nearby."""
    return float(np.abs(_histogram(first) - _histogram(second)).sum() / 2)


def structure_distance(first: np.ndarray, second: np.ndarray) -> float:
    """1 less the best correlation of two lumas over all movements up to a quarter of the frame, 0..1.

    Brightness and contrast do not count. Where one is flat there is no structure to compare: 1, or 0 where both are.
    """
    one, two = _luma(first), _luma(second)
    flat = (one.std() < _FLAT, two.std() < _FLAT)
    if any(flat):
        return 0.0 if all(flat) else 1.0
    rows, columns = one.shape
    reach = (max(1, int(rows * _REACH)), max(1, int(columns * _REACH)))
    best = -1.0
    for down in range(-reach[0], reach[0] + 1, 2):
        for across in range(-reach[1], reach[1] + 1, 2):
            best = max(best, _correlation(_part(one, down, across), _part(two, -down, -across)))
    return float(np.clip(1 - best, 0, 1))


class CutFinder:
    """Finds the cuts of a film whose frames it is shown one by one; of each it keeps a number, of a few the pixels."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._recent: deque[np.ndarray] = deque(maxlen=2 * FLASH_FRAMES + 2)
        self._candidates: list[int] = []

    def see(self, frame: np.ndarray) -> None:
        """The next frame: uint8 [rows, columns, 3], about `LOOK_PX` long."""
        self._steps.append(distance(self._recent[-1], frame) if self._recent else 0.0)
        self._recent.append(frame)
        index = len(self._steps) - 1 - FLASH_FRAMES
        if self._may_be(index):
            self._candidates.append(index)

    def cuts(self) -> list[int]:
        """The indices of the frames with which a new shot begins, the first frame not counted; once all were seen."""
        last = range(max(0, len(self._steps) - FLASH_FRAMES), len(self._steps))
        candidates = [*self._candidates, *(one for one in last if self._may_be(one))]
        return [one for one in candidates if _stands_out(self._steps, one)]

    def _may_be(self, index: int) -> bool:
        """True where a shot may begin, and what is around does not show it to be a flash."""
        if index < 1 or self._steps[index] <= LEAST_DISTANCE:
            return False
        place = index - (len(self._steps) - len(self._recent))
        return not _is_flash(list(self._recent), place)


def _stands_out(steps: Sequence[float], index: int) -> bool:
    """Larger than what moves around it."""
    around = [*steps[max(1, index - AROUND) : index], *steps[index + 1 : index + 1 + AROUND]]
    return not around or steps[index] > TIMES_AROUND * float(np.median(around))


def _is_flash(frames: Sequence[np.ndarray], index: int) -> bool:
    """True where a frame soon after is like the one before: the light changed for a moment, not the shot.

    The end of a flash looks like a cut too: there a frame soon before is like this one.
    """
    after = frames[index + 1 : index + 1 + FLASH_FRAMES]
    before = frames[max(0, index - 1 - FLASH_FRAMES) : index - 1]
    return any(distance(frames[index - 1], later) < LEAST_DISTANCE for later in after) or any(
        distance(earlier, frames[index]) < LEAST_DISTANCE for earlier in before
    )


def _histogram(pixels: np.ndarray) -> np.ndarray:
    """[bins, bins, bins], sum 1, blurred by a neighbor on each side."""
    bins = np.minimum(pixels.reshape(-1, 3).astype(np.int64) * _BINS // 256, _BINS - 1)
    counts = np.bincount(bins @ np.array([_BINS * _BINS, _BINS, 1]), minlength=_BINS**3).astype(np.float64)
    cube = counts.reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if one == axis else (0, 0) for one in range(3)], mode="edge")
        before, after = (np.take(padded, range(start, start + _BINS), axis) for start in (0, 2))
        cube = 0.5 * cube + 0.25 * (before + after)
    return cube / cube.sum()


def _luma(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _part(pixels: np.ndarray, down: int, across: int) -> np.ndarray:
    """What a picture shares with itself moved by (down, across)."""
    rows, columns = pixels.shape
    return pixels[max(0, down) : rows + min(0, down), max(0, across) : columns + min(0, across)]


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    one, two = first - first.mean(), second - second.mean()
    size = np.sqrt((one * one).sum() * (two * two).sum())
    return float((one * two).sum() / size) if size > 0 else 0.0
