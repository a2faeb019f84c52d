"""Measure many pictures: read and measured one by one, coded in batches of equal size, one result a picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from vasari.archive.features.coding import Coded, Coder
from vasari.archive.features.reduced import Reduced, Source, reduced
from vasari.archive.features.table import FEATURES, chosen, needs_encoder, version_of
from vasari.foundation.errors import PictureError, VasariError

#: Pictures in hand at a time for each job, among which equal sizes are looked for.
AHEAD = 8


@dataclass(frozen=True, eq=False)
class Measured:
    """One feature of one picture: float32 [dimensions], finite, with the version to store it under."""

    name: str
    version: str
    vector: np.ndarray


@dataclass(eq=False)
class Measures:
    """All that was measured of a picture, and what could not be, by name of the feature ("" for the whole picture)."""

    source: Source
    measured: list[Measured] = field(default_factory=list)
    failures: dict[str, VasariError] = field(default_factory=dict)

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """The vectors by name."""
        return {one.name: one.vector for one in self.measured}


def measure(source: Source, names: tuple[str, ...] | None = None, coder: Coder | None = None) -> Measures:
    """The features of one picture; as `measure_all`."""
    return next(measure_all([source], names, coder))


def measure_all(
    pictures: Iterable[Source],
    names: tuple[str, ...] | None = None,
    coder: Coder | None = None,
    *,
    jobs: int = 1,
    batch: int | None = None,
) -> Iterator[Measures]:
    """The features of pictures (paths, `Picture`s or arrays), in their order; `names` None for all.

    A picture that cannot be read or measured has its error in `failures`, and the rest go on. `jobs` threads read
    and measure pixels; the encoder codes at most `batch` pictures of one size at a time: 1 on a CPU, where more are
    no faster, else 8 (None). Only a few pictures are in memory. `coder` is loaded where it is needed and missing.
    Raises `PlanError` for unknown names, `WeightsError` for a damaged encoder.
    """
    names = chosen(names)
    if coder is None and needs_encoder(names):
        coder = Coder.of()
    size = batch or (1 if coder is None or coder.device.type == "cpu" else 8)
    with ThreadPoolExecutor(max(1, jobs), thread_name_prefix="vasari-measure") as pool:
        window = AHEAD * max(1, jobs, size)
        queue = iter(pictures)
        waiting: deque[Future[tuple[Measures, Reduced | None]]] = deque()
        try:
            while True:
                # While a window is coded, the next one is read.
                waiting.extend(pool.submit(_of_pixels, one, names) for one in islice(queue, window - len(waiting)))
                if not waiting:
                    return
                ready = [waiting.popleft().result() for _ in range(min(len(waiting), size * max(1, AHEAD // 2)))]
                if coder is not None:
                    _code(ready, names, coder, size)
                yield from (one for one, _ in ready)
        finally:
            for future in waiting:
                future.cancel()


def _of_pixels(source: Source, names: tuple[str, ...]) -> tuple[Measures, Reduced | None]:
    """What pixels tell, and the picture at the size of measuring for the encoder."""
    found = Measures(source)
    try:
        picture = reduced(source)
    except VasariError as error:
        found.failures[""] = error
        return found, None
    except (OSError, MemoryError, ValueError) as error:
        found.failures[""] = PictureError(f"{source} cannot be measured: {error}.", remedy="check the file")
        return found, None
    for name in names:
        compute = FEATURES[name].of_picture
        if compute is not None:
            try:
                found.measured.append(_checked(name, version_of(name, None), compute(picture)))
            except VasariError as error:
                found.failures[name] = error
    return found, picture


def _code(ready: list[tuple[Measures, Reduced | None]], names: tuple[str, ...], coder: Coder, size: int) -> None:
    """Add what the encoder tells, in batches of one shape."""
    coded = [name for name in names if FEATURES[name].of_codes is not None]
    shapes: dict[tuple[int, ...], list[tuple[Measures, Reduced]]] = {}
    for found, picture in ready if coded else ():
        if picture is not None:
            shapes.setdefault(tuple(picture.pixels.shape), []).append((found, picture))
    for group in shapes.values():
        for first in range(0, len(group), size):
            part = group[first : first + size]
            codes = Coded([picture for _, picture in part], coder)
            for name in coded:
                compute = FEATURES[name].of_codes
                if compute is None:
                    continue
                version = version_of(name, coder)
                for (found, _), vector in zip(part, compute(codes), strict=True):
                    try:
                        found.measured.append(_checked(name, version, vector))
                    except VasariError as error:
                        found.failures[name] = error


def _checked(name: str, version: str, vector: np.ndarray) -> Measured:
    vector = np.ascontiguousarray(vector, np.float32)
    if not np.isfinite(vector).all():
        raise PictureError(f"The feature {name} is not finite.", remedy="report the picture as a bug of Vasari")
    return Measured(name, version, vector)
