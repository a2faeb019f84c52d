"""Paired sets: two sources matched by the names of their pictures, cropped alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from torch import Tensor

from vasari.foundation.errors import TrainingError
from vasari.tasks.data.crops import Order, Window, draw_window
from vasari.tasks.data.entries import Entry
from vasari.tasks.data.gather import decode_all, list_all, spread
from vasari.tasks.data.picture_set import PictureSet, square
from vasari.tasks.data.plan import PicturesPlan
from vasari.tasks.data.report import listed

#: Pictures of a pair may differ in size, but their proportions by no more than this, relative.
PROPORTIONS_DIFFER = 0.03


@dataclass(frozen=True)
class PairSet:
    """Pairs of pictures: `sources[i]` belongs to `targets[i]`.

    `unmatched`: names without a partner, or with two; `unlike`: names of pairs of other proportions, or of which
    one picture is broken. Both were passed over.
    """

    sources: PictureSet
    targets: PictureSet
    unmatched: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.sources)

    def lines(self) -> list[str]:
        """What was read, in plain words: the pairs, then the report of either side."""
        lines = [f"{len(self)} pairs."]
        if self.unmatched:
            lines.append(f"Without a partner of the same name, passed over: {listed(self.unmatched)}.")
        if self.unlike:
            lines.append(f"Of other proportions than their partner, or broken, passed over: {listed(self.unlike)}.")
        return [*lines, *self.sources.report.lines(), *self.targets.report.lines()]


def gather_pairs(source: str | Path, target: str | Path, plan: PicturesPlan) -> PairSet:
    """Two sources matched by name: the place within the source, without the suffix (`a/1.jpg` and `a/1.png`).

    What has no partner is named and passed over. Raises as `gather` does, and `TrainingError` where no
    pair is left.
    """
    of_source, of_target = list_all([source], plan), list_all([target], plan)
    sources, targets = _by_stem(of_source.entries), _by_stem(of_target.entries)
    stems = [stem for stem, entries in sources.items() if len(entries) == len(targets.get(stem, ())) == 1]
    matched = set(stems)
    unmatched = [one.name for side in (sources, targets) for stem in side if stem not in matched for one in side[stem]]
    if not stems:
        raise TrainingError(
            f"No picture of {source} has a partner of the same name in {target}.",
            remedy="give the pictures of a pair the same name; suffixes may differ",
        )
    chosen = spread([sources[stem][0] for stem in stems], plan.limit)
    partners = [targets[_stem(one)][0] for one in chosen]
    first, second = decode_all(of_source, chosen, plan), decode_all(of_target, partners, plan)
    return _paired(first, second, chosen, partners, tuple(unmatched))


def _paired(
    first: PictureSet,
    second: PictureSet,
    chosen: Sequence[Entry],
    partners: Sequence[Entry],
    unmatched: tuple[str, ...],
) -> PairSet:
    """The pairs of which both pictures could be decoded and are alike in proportions."""
    at_first = {name: at for at, name in enumerate(first.names)}
    at_second = {name: at for at, name in enumerate(second.names)}
    both, unlike = [], []
    for source, target in zip(chosen, partners, strict=True):
        left, right = at_first.get(source.name), at_second.get(target.name)
        if left is None or right is None or not _alike(first[left], second[right]):
            unlike.append(source.name)
        else:
            both.append((left, right))
    if not both:
        raise TrainingError(
            f"None of {len(chosen)} pairs has two sound pictures of the same proportions ({listed(unlike)}).",
            remedy="pair pictures that show the same frame",
        )
    left_ones, right_ones = zip(*both, strict=True)
    return PairSet(first.select(left_ones), second.select(right_ones), unmatched, tuple(unlike))


def _alike(first: np.ndarray, second: np.ndarray) -> bool:
    ratios = [picture.shape[1] / picture.shape[0] for picture in (first, second)]
    return bool(abs(np.log(ratios[0] / ratios[1])) <= PROPORTIONS_DIFFER)


def _stem(entry: Entry) -> str:
    return str(PurePosixPath(entry.place).with_suffix(""))


def _by_stem(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_stem(entry), []).append(entry)
    return groups


class PairedCrops:
    """Example i: the same square of both pictures of a pair, made from (seed, i) alone.

    {"source", "target"}: float32 [3, px, px] in 0..1.
    """

    def __init__(self, pairs: PairSet, plan: PicturesPlan, seed: int) -> None:
        self.pairs, self.plan, self.seed = pairs, plan, seed
        self._order = Order(len(pairs), seed)

    def __getitem__(self, index: int, /) -> Mapping[str, Tensor]:
        which, rng = self._order[index], np.random.default_rng([self.seed, index])
        source, target = self.pairs.sources[which], self.pairs.targets[which]
        rows, columns, _ = source.shape
        window = draw_window(rows, columns, self.plan, rng)
        return {
            "source": square(source, window.top, window.left, window.side, self.plan.px, window.mirrored),
            "target": _same_square(window, source, target, self.plan.px),
        }


def _same_square(window: Window, source: np.ndarray, target: np.ndarray, px: int) -> Tensor:
    """The square of `target` that shows what the window shows of `source`, whatever the sizes of the two."""
    rows, columns, _ = target.shape
    factor = min(rows, columns) / min(source.shape[:2])
    side = min(rows, columns, max(1, round(window.side * factor)))
    top, left = min(rows - side, round(window.top * factor)), min(columns - side, round(window.left * factor))
    return square(target, top, left, side, px, window.mirrored)
