"""A film looked through once before it is treated: its frames' times, its shots, the frame that stands for each."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.image_formats import Limits
from vasari.foundation.video_files import FilmReader
from vasari.tasks.film.cuts import LOOK_PX, CutFinder


@dataclass(frozen=True)
class Shot:
    """The frames start..stop-1, and the most usual of them."""

    start: int
    stop: int
    usual: int


@dataclass(frozen=True)
class Outline:
    """A film as it was found: the time stamp of each frame, the shots, and what is wrong with it, in sentences."""

    times: tuple[int, ...]
    shots: tuple[Shot, ...]
    faults: tuple[str, ...] = ()

    def shot_of(self, index: int) -> Shot:
        """The shot that a frame belongs to."""
        return next(one for one in self.shots if one.start <= index < one.stop)

    def to_json(self) -> bytes:
        """The inverse of `from_json`."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Outline:
        """Raises ValueError, KeyError or TypeError where the text is something else."""
        values = json.loads(text)
        shots = tuple(Shot(**one) for one in values["shots"])
        return cls(tuple(values["times"]), shots, tuple(values["faults"]))


def outline(path: Path, limits: Limits, advance: Callable[[], None] = lambda: None) -> Outline:
    """Look through a film; `advance` is called now and then, and may raise to stop. Raises `PictureError`."""
    finder = CutFinder()
    times: list[int] = []
    looks: list[tuple[float, ...]] = []
    with FilmReader(path, limits) as reader:
        for frame in reader.frames():
            small = frame.small(LOOK_PX)
            finder.see(small)
            times.append(frame.pts)
            looks.append((*small.mean((0, 1)).tolist(), float(small.mean(2).std())))
            advance()
        faults = tuple(reader.faults)
    borders = [0, *finder.cuts(), len(times)]
    shots = tuple(Shot(one, two, _usual(looks, one, two)) for one, two in itertools.pairwise(borders))
    return Outline(tuple(times), shots, faults)


def outline_kept(place: Path, path: Path, limits: Limits, advance: Callable[[], None] = lambda: None) -> Outline:
    """The outline that an earlier run left at `place`, or one made now and left there."""
    try:
        return Outline.from_json(place.read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        found = outline(path, limits, advance)
        write_whole(place, found.to_json())
        return found


def _usual(looks: list[tuple[float, ...]], start: int, stop: int) -> int:
    """The frame of a shot whose mean color and contrast are nearest to the median: no fade, no flash."""
    values = np.array(looks[start:stop])
    return start + int(np.abs(values - np.median(values, axis=0)).sum(1).argmin())
