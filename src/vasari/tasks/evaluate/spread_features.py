"""Features of sets made by the workers of an executor, and kept in this machine's cache, from which sets are gathered.

What is in the cache already is not asked for again. A picture that cannot be read is left to who gathers the set, and
fails there for the same reason; one that took its workers down must not be opened here, and is told by its path.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vasari.foundation.errors import PictureError, VasariError, WeightsError
from vasari.foundation.execute import Executor
from vasari.tasks.data.entries import FileReader
from vasari.tasks.evaluate.feature_cache import FeatureCache
from vasari.tasks.evaluate.gathering import cache_of, shown_by
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.pairs import Advance
from vasari.tasks.evaluate.plan import EvaluatePlan

#: A path, and what was made of its picture: hash, width, height in pixels, features [d]; or why it is lost, or nothing.
Made = tuple[Path, tuple[bytes, int, int, np.ndarray] | None, str]


def spread(
    pictures: Collection[Path], plan: EvaluatePlan, comparer: Comparer, executor: Executor, advance: Advance
) -> dict[Path, str]:
    """Have the features made that the cache lacks; the pictures that must not be opened here, with the reason."""
    lost = {}
    with cache_of(plan, comparer) as cache:
        wanted = _missing(pictures, cache)
        with closing(executor.map(MakeFeatures(plan, comparer.backbone.digest), wanted)) as found:
            for done, (path, made, reason) in enumerate(found, start=1):
                if made is not None:
                    cache.put(*made)
                elif reason:
                    lost[path] = reason
                advance(done, len(pictures))
    return lost


def _missing(pictures: Iterable[Path], cache: FeatureCache) -> Iterator[Path]:
    """Whole paths of the pictures that the cache does not know."""
    for path in pictures:
        with contextlib.suppress(OSError, ValueError):  # told where the set is gathered
            if cache.get(hashlib.sha256(FileReader(path)()).digest()) is None:
                yield path.absolute()


@dataclass(frozen=True)
class MakeFeatures:
    """The `foundation.execute.Assignment` over paths; `digest` is that of the network here."""

    plan: EvaluatePlan
    digest: str

    def ready(self) -> Callable[[Path], Made]:
        """Load the network; raises `WeightsError` for another one."""
        comparer = Comparer.of_plan(self.plan)
        if comparer.backbone.digest != self.digest:
            raise WeightsError(
                f"A worker compares by the network {comparer.backbone.digest[:12]}, and this machine by "
                f"{self.digest[:12]}.",
                remedy="install the same Vasari and the same models on every machine",
            )
        return partial(_made, self.plan, comparer)

    def lost(self, item: Path, error: VasariError) -> Made:
        """A picture that took its worker down."""
        return item, None, error.message


def _made(plan: EvaluatePlan, comparer: Comparer, path: Path) -> Made:
    try:
        digest, size, square = shown_by(path, plan, comparer)
    except PictureError:
        return path, None, ""
    vector = comparer.features(square[None])[0]
    if not bool(torch.isfinite(vector).all()):
        return path, None, ""
    return path, (digest, *size, vector.numpy()), ""
