"""A set of pictures, read one by one and kept as what its distances need: moments, a sample, hashes."""

from __future__ import annotations

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from vasari.foundation.errors import PictureError
from vasari.tasks.data.decoding import decode
from vasari.tasks.data.entries import FileReader
from vasari.tasks.data.picture_set import square
from vasari.tasks.evaluate.class_score import ClassScore
from vasari.tasks.evaluate.feature_cache import FeatureCache, user_folder
from vasari.tasks.evaluate.influence import Sampled
from vasari.tasks.evaluate.moments import GROUPS, GroupedMoments
from vasari.tasks.evaluate.network import Comparer
from vasari.tasks.evaluate.pairs import Advance
from vasari.tasks.evaluate.plan import EvaluatePlan

VERSION = 1  # of how pictures are shown to a network: a change makes old caches unread
BATCH = 16
AHEAD = 2 * BATCH  # pictures that are read while the network works
WIDE = 512  # features: of more, moments by group would fill the memory, and intervals are told by influence
NOTHING: Mapping[Path, str] = {}
WHOLE_PX = 1 << 20  # a short side that no picture has: nothing is reduced while it is decoded
_Waiting = tuple[str, bytes, tuple[int, int], Tensor | np.ndarray]


@dataclass
class PictureSetFeatures:
    """What is kept of a set: `moments` of all, a random `sample` [k, d] with its groups, hashes, sizes, failures."""

    moments: GroupedMoments
    kept: int
    rng: np.random.Generator
    sample: Tensor = field(default_factory=lambda: torch.zeros(0))
    sample_groups: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    hashes: set[bytes] = field(default_factory=set)
    repeats: int = 0
    enlarged: int = 0
    short_sides: list[int] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many pictures could be read."""
        return self.moments.count

    @property
    def features(self) -> Tensor:
        """The sample [k, d]."""
        return self.sample[: min(self.count, self.kept)]

    @property
    def groups(self) -> Tensor:
        """The groups of the sample [k]."""
        return self.sample_groups[: min(self.count, self.kept)]

    @property
    def wide(self) -> bool:
        """Whether moments are kept of all pictures together alone."""
        return len(self.moments.counts) == 1

    def sampled(self) -> Sampled:
        """Moments of all, and the sample."""
        return Sampled(self.moments.moments(), self.count, self.features, self.groups)

    def add(self, vectors: Tensor) -> None:
        """Take in features [n, d]; every picture has the same chance to be in the sample (Vitter 1985, algorithm R)."""
        count = self.count
        if not count:  # the room for the sample once: many small pieces would scatter the memory
            self.sample = torch.zeros(self.kept, vectors.shape[1])
            self.sample_groups = torch.zeros(self.kept, dtype=torch.int64)
        groups = torch.tensor([self._group(count + number) for number in range(len(vectors))])
        self.moments.add(vectors, torch.zeros_like(groups) if self.wide else groups)
        for number, vector in enumerate(vectors):
            place = count + number
            if place >= self.kept:
                place = int(self.rng.integers(0, place + 1))
            if place < self.kept:
                self.sample[place], self.sample_groups[place] = vector, groups[number]

    def _group(self, position: int) -> int:
        """Groups in random order, each as often."""
        if position % GROUPS == 0:
            self._order = self.rng.permutation(GROUPS)
        return int(self._order[position % GROUPS])


def gathered(
    pictures: Mapping[str, Path], plan: EvaluatePlan, comparer: Comparer, advance: Advance,
    scorer: ClassScore | None = None, lost: Mapping[Path, str] = NOTHING,
) -> PictureSetFeatures:  # fmt: skip
    """Read a set through the network, features from the cache where they are in it; files that fail are told.

    `lost`: whole paths that must not be opened, with the reason.
    """
    width = comparer.width()
    moments = GroupedMoments(width, groups=1 if width > WIDE else GROUPS)
    found = PictureSetFeatures(moments, plan.kept_features, np.random.default_rng(plan.seed))
    found.failed += [(name, lost[path.absolute()]) for name, path in pictures.items() if path.absolute() in lost]
    pictures = {name: path for name, path in pictures.items() if path.absolute() not in lost}
    waiting: list[_Waiting] = []
    with cache_of(plan, comparer) as cache:
        for position, (name, path, outcome) in enumerate(_ahead(pictures.items(), plan, comparer, cache)):
            try:
                waiting.append((name, *outcome.result()))
                if scorer is not None:
                    scorer.add(path)
            except PictureError as error:
                found.failed.append((name, error.message))
            if len(waiting) == BATCH or position == len(pictures) - 1:
                _take_in(found, waiting, plan, comparer, cache, scorer)
                waiting = []
            advance(position + 1, len(pictures))
    return found


def cache_of(plan: EvaluatePlan, comparer: Comparer) -> FeatureCache:
    """The cache that a plan names, of the features of this network."""
    folder = Path(plan.cache).expanduser() if plan.cache else user_folder()
    return FeatureCache(folder, cache_key(plan, comparer), comparer.width())


def cache_key(plan: EvaluatePlan, comparer: Comparer) -> str:
    """What features depend on beside the picture."""
    shown = "as-tensorflow" if comparer.as_published else f"{plan.px}|{plan.fit}"
    facts = f"{VERSION}|{comparer.backbone.digest}|{shown}|deepest-mean"
    if comparer.precision != torch.float32:
        facts += f"|{comparer.precision}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _ahead(
    pictures: Iterable[tuple[str, Path]], plan: EvaluatePlan, comparer: Comparer, cache: FeatureCache
) -> Iterator[tuple[str, Path, Future[tuple[bytes, tuple[int, int], Tensor | np.ndarray]]]]:
    """Name, path and what was read, in order; threads read a few pictures ahead of the network."""
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        begun: deque[tuple[str, Path, Future[tuple[bytes, tuple[int, int], Tensor | np.ndarray]]]] = deque()
        try:
            for name, path in pictures:
                begun.append((name, path, threads.submit(_read, path, plan, comparer, cache)))
                if len(begun) > AHEAD:
                    yield begun.popleft()
            while begun:
                yield begun.popleft()
        finally:
            threads.shutdown(cancel_futures=True)


def _read(
    path: Path, plan: EvaluatePlan, comparer: Comparer, cache: FeatureCache
) -> tuple[bytes, tuple[int, int], Tensor | np.ndarray]:
    """Hash, size, and the features from the cache or the square to make them of; raises `PictureError`."""
    return shown_by(path, plan, comparer, cache.get)


def shown_by(
    path: Path,
    plan: EvaluatePlan,
    comparer: Comparer,
    known_by: Callable[[bytes], tuple[int, int, np.ndarray] | None] = lambda digest: None,
) -> tuple[bytes, tuple[int, int], Any]:
    """Hash, size, and the square [3, px, px] that the network is shown, or what is known; raises `PictureError`."""
    try:
        data = FileReader(path)()
        digest = hashlib.sha256(data).digest()
        known = known_by(digest)
        if known is not None:
            return digest, known[:2], known[2]
        _check_numbers(data)
        decoded = decode(data, WHOLE_PX if comparer.as_published else plan.px, "rgb", "none")
    except UnidentifiedImageError as error:
        raise PictureError(
            f"{path.name} is in no format that sets are read from (floating point in several channels is none).",
            remedy="name a picture that opens in a viewer",
        ) from error
    except Exception as error:  # whatever a decoder makes of a damaged file
        raise PictureError(
            f"{path.name} cannot be read as a picture: {str(error) or type(error).__name__}.",
            remedy="name a picture that opens in a viewer",
        ) from error
    size = decoded.width, decoded.height
    if comparer.as_published:
        return digest, size, comparer.shown(torch.from_numpy(decoded.pixels))
    return digest, size, _shown(decoded.pixels, plan)


def _check_numbers(data: bytes) -> None:
    """Raise `ValueError` for values that are not finite, which decoding for networks would take for black."""
    with Image.open(io.BytesIO(data)) as opened:
        if opened.mode == "F" and not bool(np.isfinite(np.asarray(opened)).all()):
            raise ValueError("it holds values that are not numbers (NaN or infinite)")


def _shown(pixels: np.ndarray, plan: EvaluatePlan) -> Tensor:
    """[3, px, px] in 0..1 of uint8 [rows, columns, 3]."""
    if plan.fit == "stretch":
        pixels = np.asarray(Image.fromarray(pixels).resize((plan.px, plan.px), Image.Resampling.LANCZOS))
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return square(pixels, top, left, side, plan.px)


def _take_in(
    found: PictureSetFeatures,
    waiting: Sequence[_Waiting],
    plan: EvaluatePlan,
    comparer: Comparer,
    cache: FeatureCache,
    scorer: ClassScore | None = None,
) -> None:
    """Features of those that have none yet, and all of them into the set."""
    px = comparer.backbone.px if comparer.as_published else plan.px
    squares = [one for *_, one in waiting if isinstance(one, Tensor)]
    made = iter(comparer.features(torch.stack(squares)) if squares else ())
    vectors = []
    for name, digest, size, one in waiting:
        vector = next(made) if isinstance(one, Tensor) else torch.from_numpy(one.copy())
        if not bool(torch.isfinite(vector).all()):
            found.failed.append((name, "its features are not finite"))
            continue
        if isinstance(one, Tensor):
            cache.put(digest, *size, vector.numpy())
        vectors.append(vector)
        found.repeats += digest in found.hashes
        found.hashes.add(digest)
        found.enlarged += min(size) < px
        found.short_sides.append(min(size))
    if vectors:
        found.add(torch.stack(vectors))
        if scorer is not None and scorer.recognizer is None:
            for shares in comparer.shares(torch.stack(vectors)).numpy():
                scorer.take(shares)
