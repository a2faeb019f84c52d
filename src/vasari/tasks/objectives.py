"""What the one loop trains: an objective lists its networks and its turns; the table of all objectives.

A new objective is a new file with a class derived from `Objective` and a line in `OBJECTIVES`; the loop
(`tasks/training.py`) is never edited for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from torch import Tensor, nn

if TYPE_CHECKING:
    from vasari.tasks.recipe import Recipe

Batch = Mapping[str, Tensor]


class Examples(Protocol):
    """An endless, positioned source: item i is always the same, whoever asks and whenever.

    `examples[i]` (i = 0, 1, 2, ...; images shown before it) returns named CPU tensors without a batch
    dimension; draw everything at random from a seed made of the run's seed and i. It is asked in other
    processes when `workers` > 0, so it must be picklable and must not touch the GPU. Raise a
    `VasariError` where an item cannot be made.
    """

    def __getitem__(self, index: int, /) -> Batch: ...


@dataclass(frozen=True)
class Turn:
    """One player's move: while it lasts, only its learners are thawed.

    `losses(batch)` returns named scalar terms, unweighted; the loop weighs and sums them. `rate` multiplies
    the plan's learning rate. The turn is taken at every `every`-th step (a generator after five critic steps:
    every=5), once `starts_at_images` have been shown.
    """

    name: str
    learners: Sequence[nn.Module]
    losses: Callable[[Batch], Mapping[str, Tensor]]
    rate: float = 1.0
    every: int = 1
    starts_at_images: int = 0

    def is_due(self, step: int, images_seen: int) -> bool:
        """True where the turn is taken at `step` (counted from 0)."""
        return images_seen >= self.starts_at_images and step % self.every == self.every - 1


@dataclass(frozen=True)
class Validation:
    """What a validation found: numbers by name, and pictures [N,1|3,H,W] or [rows,columns,1|3,H,W], 0..1."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    pictures: Mapping[str, Tensor] = field(default_factory=dict)


class Objective(ABC):
    """Networks, turns and data of one kind of training.

    The loop moves `networks` and `fixed` to the device, thaws the learners of a turn, calls `losses`, weighs,
    steps, averages and saves. Weights that are frozen (`requires_grad` False) when training begins stay frozen.
    """

    @property
    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """All networks that learn, by name: saved, resumed, averaged."""

    @property
    @abstractmethod
    def turns(self) -> Sequence[Turn]:
        """The turns of a step, in order. Asked once."""

    @property
    @abstractmethod
    def weights(self) -> Mapping[str, float]:
        """The default weight of every loss term, by name; `TrainPlan.losses` overrides them.

        Terms of one name in two turns share their weight.
        """

    @abstractmethod
    def examples(self, seed: int) -> Examples:
        """The training data; raises `TrainingError` where there is none."""

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        """Networks that are used but never learn (features of a loss): moved to the device, not saved."""
        return {}

    @property
    def averaged(self) -> tuple[str, ...]:
        """The networks of which an exponential moving average is kept; validated and published in their place."""
        return ()

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        """The header (see `models.hub.save`) of every network to ship, by name.

        At least `{"network": {"name": ..., "options": {...}}}`; the loop adds plan, metrics and length. One network
        goes to RUN/best.safetensors and RUN/last.safetensors, several to best-NAME.safetensors.
        """
        return {}

    @property
    def best(self) -> tuple[str, str] | None:
        """The metric that decides which weights are best, and "max" or "min"; None keeps only the last."""
        return None

    @property
    def data_report(self) -> Sequence[str]:
        """What was read to train on, in plain words, a line a fact: told before training begins."""
        return ()

    def begin_step(self, step: int, images_seen: int) -> None:
        """Told before each step how far the run is: for terms that fade in or come at every n-th step.

        What an objective derives from these two alone, and not from a count of its own, resumes exactly.
        """
        return None

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        """Judge `networks` (averages where there are any, in evaluation mode); runs in the first process,
        without gradients and in float32: open an autocast where bfloat16 is what is to be judged."""
        return Validation()


def _restore(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.restore.objective import build

    return build(recipe, tuple(Path(one) for one in data))


def _generate(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.generate.objective import build

    return build(recipe, data)


def _inpaint(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.inpaint.objective import build

    return build(recipe, tuple(Path(one) for one in data))


def _translate(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.translate.objective import build

    return build(recipe, data)


def _texture(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.texture.objective import build

    return build(recipe, data)


def _encode(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.encode.objective import build

    return build(recipe, data)


def _stylize(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.stylize.objective import build

    return build(recipe, data)


def _recognize(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.recognize.objective import build

    return build(recipe, data)


def _enlarge(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.enlarge.objective import build

    return build(recipe, tuple(Path(one) for one in data))


def _colorize(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.colorize.objective import build

    return build(recipe, tuple(Path(one) for one in data))


def _detect(recipe: Recipe, data: tuple[str | Path, ...]) -> Objective:
    from vasari.tasks.detect.objective import build

    return build(recipe, tuple(Path(one) for one in data))


# kind of a recipe -> (recipe, sources of data) -> objective
OBJECTIVES: Mapping[str, Callable[[Recipe, tuple[str | Path, ...]], Objective]] = {
    "restore": _restore,
    "inpaint": _inpaint,
    "generate": _generate,
    "translate": _translate,
    "texture": _texture,
    "encode": _encode,
    "stylize": _stylize,
    "recognize": _recognize,
    "enlarge": _enlarge,
    "colorize": _colorize,
    "detect": _detect,
}
