"""Whether a training goes well: judges of a run's own numbers, and the guard that asks them and remembers.

Three troubles have a name. *Divergence*: a turn's loss or gradient norm explodes against its own running median, or
is not finite for many steps. *The critic wins*: it tells real from made nearly always, so the generator learns little
from it. *Mode collapse*: the made pictures differ far less from each other than those they are to resemble. What is
done about them is the plan's `on_trouble` (see `tasks.training`).

Judged are values by their last name: `.total` and `.gradient_norm` of every turn; `.balance`, which an adversarial
objective returns as a term of weight 0 (the share of real-made pairs in which the critic scores the real one higher:
0.5 undecided, 1 won); `.adversarial`, where the plan gives a bound; and of a validation `diversity` beside
`data_diversity` (see `set_metrics.compare_sets`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from types import MappingProxyType

from vasari.foundation.errors import TrainingError
from vasari.tasks.train_plan import TrainPlan
from vasari.tasks.training_state import Counters

DIVERGENCE, CRITIC_WINS, COLLAPSE = "divergence", "critic wins", "mode collapse"
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        DIVERGENCE: "train anew with a lower train.learning_rate, more train.warmup_images, a lower "
        "train.clip_gradient_norm or train.precision=float32",
        CRITIC_WINS: "train anew with a lower rate of the critic, a stronger gradient penalty (losses.penalty) "
        "or more data",
        COLLAPSE: "train anew with a stronger gradient penalty (losses.penalty), larger batches, a lower rate "
        "or more data",
    }
)
BLOCKS_REMEMBERED = 20
EASE = 0.9  # of a bound, within which an open trouble is over
LAST_LOOKED_AT = 10  # values that show whether a block that is not full yet goes well


@dataclass(frozen=True)
class Verdict:
    """A trouble that began, or that `is_over`: its kind, and what was seen, in words.

    After one that is `fatal`, training cannot go on as it is.
    """

    kind: str
    words: str
    is_over: bool = False
    fatal: bool = False


def explodes(values: Sequence[float], usual: Sequence[float], times: float, ease: float = 1.0) -> bool:
    """True where the median magnitude of `values` is above `times` the running median, and above the beginning's.

    `usual`: the largest magnitude of the beginning, then medians of earlier blocks. What rises back to where it began
    (the loss of a critic that had won) does not explode. `ease` multiplies the bound.
    """
    if not values or len(usual) < 2:
        return False
    level = magnitude(values)
    return not level <= ease * max(times * running_median(usual), usual[0])


def running_median(usual: Sequence[float]) -> float:
    """The median of the medians of earlier blocks."""
    return median(usual[1:])


def magnitude(values: Sequence[float]) -> float:
    """The median of |values|: losses may be negative."""
    return median(abs(one) for one in values)


def critic_wins(shares: Sequence[float], bound: float) -> bool:
    """True where the mean share of pairs that the critic tells apart is above `bound`."""
    return bool(shares) and fmean(shares) > bound


def collapsed(diversity: float, data_diversity: float, share: float) -> bool:
    """True where made pictures differ from each other by less than `share` of what real ones do."""
    return diversity < share * data_diversity


def stopped(troubles: Sequence[Verdict], plan: TrainPlan, roll_backs: int) -> TrainingError:
    """The error that ends a run: what came, what was tried, and what may help."""
    if not troubles:
        return TrainingError("The first process stopped for trouble.", remedy="see what it told")
    told = "; ".join(f"{one.kind}: {one.words}" for one in troubles)
    if roll_backs:
        told += (
            f". It came again after {roll_backs} roll-backs to good checkpoints, the last with "
            f"{plan.roll_back_rate**roll_backs:g} of the learning rate"
        )
    return TrainingError(f"Training stopped for {told}.", remedy=REMEDIES[troubles[0].kind])


class Guard:
    """Watches the values of a run in blocks of `trouble_patience_steps`; all that it remembers is in the counters."""

    def __init__(self, plan: TrainPlan, counters: Counters) -> None:
        self._plan, self._counters = plan, counters

    @property
    def is_calm(self) -> bool:
        """True where no trouble is open, and none shows in the last values of a block that is not full yet."""
        memory = self._counters
        return not memory.troubles and not any(
            explodes(values[-LAST_LOOKED_AT:], memory.usual.get(name, ()), self._plan.divergence_times)
            for name, values in memory.watched.items()
            if _last(name) in ("total", "gradient_norm")
        )

    def after_step(self, values: Mapping[str, float]) -> list[Verdict]:
        """The troubles that began or ended with a step's values (of the finite steps alone)."""
        found = []
        for name, value in values.items():
            if _last(name) not in ("total", "gradient_norm", "balance", "adversarial"):
                continue
            block = self._counters.watched.setdefault(name, [])
            block.append(value)
            if len(block) >= self._plan.trouble_patience_steps:
                found += self._judged(name, block)
                block.clear()
        return found

    def after_skips(self, count: int, culprits: str) -> Verdict:
        """The verdict on `count` steps in a row whose `culprits` were not finite."""
        return Verdict(DIVERGENCE, f"{count} steps in a row were not finite ({culprits})", fatal=True)

    def after_validation(self, metrics: Mapping[str, float]) -> list[Verdict]:
        """The troubles that began or ended with a validation's numbers."""
        if "diversity" not in metrics:
            return []
        diversity, of_data = float(metrics["diversity"]), float(metrics.get("data_diversity", math.nan))
        is_finite = math.isfinite(diversity)
        words = f"made pictures have {'' if is_finite else 'no '}finite features"
        found = self._settled(DIVERGENCE, "diversity", not is_finite, words)
        if self._is_early or not is_finite:
            return found
        is_trouble = collapsed(diversity, of_data, self._plan.collapse_share / self._ease(COLLAPSE, "diversity"))
        words = f"made pictures differ by {diversity:.4g} on average, real ones by {of_data:.4g}"
        return found + self._settled(COLLAPSE, "diversity", is_trouble, words)

    def _judged(self, name: str, block: Sequence[float]) -> list[Verdict]:
        if _last(name) in ("total", "gradient_norm"):
            return self._judged_magnitude(name, block)
        if self._is_early:
            return []
        bound = self._plan.critic_wins_balance if _last(name) == "balance" else self._plan.critic_wins_loss
        words = f"{name} is {fmean(block):.4g}, the bound is {bound:g}"
        bound *= self._ease(CRITIC_WINS, name)
        is_trouble = bound > 0 and critic_wins(block, bound)
        return self._settled(CRITIC_WINS, name, is_trouble, words)

    def _judged_magnitude(self, name: str, block: Sequence[float]) -> list[Verdict]:
        usual = self._counters.usual.setdefault(name, [])
        is_trouble = explodes(block, usual, self._plan.divergence_times, self._ease(DIVERGENCE, name))
        words = f"{name} is {magnitude(block):.4g}"
        if usual:
            words += f", its running median {running_median(usual):.4g}"
        else:
            # A gradient that is not even clipped explodes as little.
            unharmed = self._plan.clip_gradient_norm if _last(name) == "gradient_norm" else 0.0
            usual.append(max(unharmed, *(abs(one) for one in block)))
        if not is_trouble:
            usual.append(magnitude(block))
            del usual[1:-BLOCKS_REMEMBERED]
        return self._settled(DIVERGENCE, name, is_trouble, words)

    def _settled(self, kind: str, name: str, is_trouble: bool, words: str) -> list[Verdict]:
        """The verdict, where it is another than the last one about `name`."""
        troubles, key = self._counters.troubles, f"{kind}: {name}"
        if is_trouble == (key in troubles):
            return []
        if is_trouble:
            troubles.append(key)
        else:
            troubles.remove(key)
        return [Verdict(kind, words, is_over=not is_trouble)]

    def _ease(self, kind: str, name: str) -> float:
        """What a bound is multiplied by: a trouble is over only when it is clearly so."""
        return EASE if f"{kind}: {name}" in self._counters.troubles else 1.0

    @property
    def _is_early(self) -> bool:
        """At the beginning every critic wins, and all pictures are alike."""
        return self._counters.images_seen < self._plan.adversary_judged_after_images


def _last(name: str) -> str:
    return name.rpartition(".")[2]
