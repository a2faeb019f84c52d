"""Training, validation and test, such that no artist is in two of them and each class is in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vasari.foundation.errors import PlanError, TrainingError
from vasari.tasks.recognize.labels import LabeledPicture
from vasari.tasks.recognize.plan import SplitPlan

PARTS = ("training", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Indices of the pictures of each part; disjoint, and no group is in two."""

    training: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def part(self, name: str) -> tuple[int, ...]:
        """The indices of one of `PARTS`."""
        return {"training": self.training, "validation": self.validation, "test": self.test}[name]


def groups_of(pictures: Sequence[LabeledPicture], group_by: str) -> list[str]:
    """What must stay together: the artist, or the picture itself where none is known or asked for."""
    return [
        f"artist {one.artist}" if group_by == "artist" and one.artist else f"picture {index}"
        for index, one in enumerate(pictures)
    ]


def enough(pictures: Sequence[LabeledPicture], plan: SplitPlan) -> tuple[list[LabeledPicture], list[str]]:
    """The pictures of the classes that are large enough, and what was left out, in words.

    Raises `TrainingError` where a class is too small and the plan refuses that, or fewer than two classes are left.
    """
    groups = groups_of(pictures, plan.group_by)
    count = Counter(one.label for one in pictures)
    apart = Counter(label for label, _ in {(one.label, group) for one, group in zip(pictures, groups)})
    small = sorted(label for label in count if apart[label] < plan.fewest_groups or count[label] < plan.fewest_pictures)
    unit = "artists" if plan.group_by == "artist" and any(one.artist for one in pictures) else "separate pictures"
    words = ", ".join(f"{label} ({count[label]} pictures, {apart[label]} {unit})" for label in small)
    kept = [one for one in pictures if one.label not in set(small)]
    if small and plan.small_classes == "refuse" and len(count) > 1:
        raise TrainingError(
            f"Classes are too small to be learned and tested: {words}; {plan.fewest_pictures} pictures and "
            f"{plan.fewest_groups} {unit} are needed.",
            remedy=_remedy(plan, all(apart[label] == 1 for label in small)),
        )
    if len(count) - len(small) < 2:
        left = sorted(set(count) - set(small))
        raise TrainingError(
            f"Two classes or more are needed to tell one from another; there are {len(left)} that are large enough"
            f"{': ' + left[0] if left else ''}.",
            remedy="label pictures of more classes"
            + (f", or see whether these are large enough: {words}" if small else ""),
        )
    return kept, [f"Left out as too small: {words}."] if small else []


def _remedy(plan: SplitPlan, one_artist_each: bool) -> str:
    if plan.group_by == "artist" and one_artist_each:
        return "to recognize artists use --group-by none; else add works by other artists, or --small-classes leave-out"
    return "add pictures to them, or leave them out: --small-classes leave-out"


def split(pictures: Sequence[LabeledPicture], plan: SplitPlan) -> Split:
    """Part the pictures by groups, keeping the share of each class in each part near the plan's.

    Iterative stratification (Sechidis et al. 2011, ECML, algorithm 1) over whole groups: the rarest class first, its
    largest groups first, each to the part that lacks most of the class; once as many groups of a class are left as
    parts that have none of it, these parts come first. The same seed gives the same split. Raises `PlanError` where
    the shares leave too little to train on, `TrainingError` where a class cannot be in all three parts.
    """
    if plan.training_share < 0.2:
        raise PlanError(
            f"Only {plan.training_share:.0%} of the pictures would be trained on.",
            remedy="lower test_share or validation_share",
        )
    labels = sorted({one.label for one in pictures})
    number = {label: index for index, label in enumerate(labels)}
    groups = groups_of(pictures, plan.group_by)
    names = sorted(set(groups))
    place = {name: index for index, name in enumerate(names)}
    counts = np.zeros((len(names), len(labels)))
    for one, group in zip(pictures, groups):
        counts[place[group], number[one.label]] += 1
    parts = _assigned(counts, plan)
    for label, column in zip(labels, counts.T):
        for part, called in enumerate(PARTS):
            if not column[parts == part].any():
                raise TrainingError(
                    f"No picture of {label} is left for the {called} without an artist being in two parts.",
                    remedy="add works by other artists, use another seed, or leave the class out",
                )
    found = [tuple(i for i, group in enumerate(groups) if parts[place[group]] == part) for part in range(len(PARTS))]
    return Split(*found)


def _assigned(counts: np.ndarray, plan: SplitPlan) -> np.ndarray:
    """The part [groups] of each group from its pictures of each class [groups, classes]."""
    rng = np.random.default_rng([plan.seed, 1])
    noise = rng.random(len(counts))
    shares = np.array([plan.training_share, plan.validation_share, plan.test_share])
    wanted = shares[:, None] * counts.sum(0)  # pictures of a class that a part still lacks
    parts = np.full(len(counts), -1)
    while (parts < 0).any():
        free = parts < 0
        waiting = (counts[free] > 0).sum(0)
        column = int(np.argmin(np.where(waiting > 0, waiting, np.inf)))
        having = np.array([(counts[parts == part, column] > 0).any() for part in range(len(PARTS))])
        group = min(np.flatnonzero(free & (counts[:, column] > 0)), key=lambda i: (-counts[i, column], noise[i]))
        allowed = np.flatnonzero(~having) if waiting[column] <= (~having).sum() else np.arange(len(PARTS))
        # Most lacking of this class; of equals, most lacking at all.
        part = max(allowed, key=lambda one: (wanted[one, column], wanted[one].sum()))
        parts[group] = part
        wanted[part] -= counts[group]
    return parts
