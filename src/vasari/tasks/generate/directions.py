"""Edit directions of a generator: where to move its codes so that pictures get lighter, warmer, rougher.

Two kinds. An attribute (`lightness` ...) is found by regression over painted samples. A component (`component-3`,
`component-3-fine-texture`) is one of PCA over codes, on all layers or a group of them, and is named after the
attribute that it moves, if it moves one clearly and the others little. All are then measured on other samples.

Amounts are in deviations of the codes along the direction: beyond 2 or 3 pictures leave what the model has learned.
Nothing is stored; the same model gives the same directions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.devices import choose_precision
from vasari.foundation.errors import PlanError
from vasari.models.generators import Generator
from vasari.tasks.generate.attributes import ATTRIBUTES, measured
from vasari.tasks.generate.code_space import CodeSpace, code_space, picture_components, regression_directions, small
from vasari.tasks.generate.codes import codes_are_noise, moved

SEED_OF_FITTING, SEED_OF_CHECKING = 11, 12
MAPPED_SAMPLES = 4096
PAINTED_SAMPLES = 2048
CHECKED_SAMPLES = 24
COMPONENTS = 8
AMOUNTS = (-2.0, -1.0, 0.0, 1.0, 2.0)
BATCH = 64
# A component is named after an attribute where it moves it by a deviation or more, and the others less in all.
CLEAR_EFFECT, CLEAR_SHARE = 1.0, 0.5
GROUPS = {1: ("all",), 2: ("all", "coarse", "fine")}
FULL_GROUPS = ("all", "coarse", "middle", "fine")
_COMPONENT = re.compile(rf"component-(\d+)(?:-(coarse|middle|fine))?(?:-({'|'.join(ATTRIBUTES)}))?")


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction and what it does.

    `vector` [layers, code]: one deviation; `moves`: the attribute it is named after, or ""; `effects`: attribute ->
    its mean change from amount -2 to 2, in deviations of the attribute over samples; `steady`: share 0..1 of samples
    in which `moves` (or, without, what it moves most) rises at every step -2, -1, 0, 1, 2; `explained`: of a component
    its share of the variance, of an attribute the R² of its regression on samples that were left out.
    """

    name: str
    kind: str
    layers: str
    vector: Tensor
    moves: str
    effects: Mapping[str, float]
    steady: float
    explained: float

    @property
    def side_effects(self) -> float:
        """Share 0..1 of all change that is not in what the direction moves, attributes counted in their deviations."""
        total = sum(abs(one) for one in self.effects.values())
        main = self.effects[self.moves] if self.moves else max(self.effects.values(), key=abs)
        return 1 - abs(main) / total if total else 1.0


class Explorer:
    """The directions of one generator; what they need is painted once, when first asked for, in `precision`."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self.precision = choose_precision("auto", next(generator.parameters()).device)
        self._space: CodeSpace | None = None
        self._fitted: tuple[Tensor, Tensor, Tensor] | None = None
        self._components: tuple[Tensor, Tensor] | None = None
        self._checked: tuple[Tensor, Tensor, Tensor] | None = None
        self._attributes: tuple[Tensor, Tensor] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What `find` takes, components without the attribute that they may be named after."""
        groups = [f"-{group}" if group != "all" else "" for group in groups_of(self._generator.layers)]
        count = len(self._found_components()[0])
        return (*ATTRIBUTES, *(f"component-{number + 1}{group}" for number in range(count) for group in groups))

    def all(self) -> Iterator[Direction]:
        """Every direction, measured; seconds to a minute of painting."""
        for name in self.names:
            yield self.find(name)

    def find(self, name: str) -> Direction:
        """The direction of a name, measured; raises `PlanError` naming those that there are."""
        if name in ATTRIBUTES:
            vectors, explained = self._found_attributes()
            at = list(ATTRIBUTES).index(name)
            return self._measure(name, "attribute", "all", vectors[at], float(explained[at]))
        match = _COMPONENT.fullmatch(name)
        plain = f"component-{match[1]}" + (f"-{match[2]}" if match[2] else "") if match else ""
        if match is None or plain not in self.names:
            known = ", ".join(self.names)
            raise PlanError(f"edit={name} is no direction of this model.", remedy=f"use one of: {known}")
        vectors, explained = self._found_components()
        at, group = int(match[1]) - 1, match[2] or "all"
        vector = vectors[at] * layers_of(group, self._generator.layers).to(vectors)[:, None]
        found = self._measure(plain, "component", group, vector, float(explained[at]))
        if match[3] and match[3] != found.moves:
            raise PlanError(f"edit={name}: {plain} is not named so in this model.", remedy=f"write {found.name}")
        return found

    def _measure(self, name: str, kind: str, layers: str, vector: Tensor, explained: float) -> Direction:
        codes, at_rest, deviations = self._samples_to_check()
        found = [
            at_rest if amount == 0 else measured(self._painted(moved(codes, [(vector, amount)]))) for amount in AMOUNTS
        ]
        series = torch.stack(found) / deviations  # [amounts, samples, attributes]
        change = (series[-1] - series[0]).mean(0)
        if kind == "component":
            at = int(change.abs().argmax())
            if change[at] < 0:  # A component has no side of its own: more is more of what it moves most.
                vector, change, series = -vector, -change, series.flip(0)
            share = float(change[at].abs() / change.abs().sum().clamp(min=1e-9))
            moves = list(ATTRIBUTES)[at] if change[at] >= CLEAR_EFFECT and share >= CLEAR_SHARE else ""
            name = f"{name}-{moves}" if moves else name
        else:
            at, moves = list(ATTRIBUTES).index(name), name
        steady = float((series.diff(dim=0)[:, :, at] > 0).all(0).float().mean())
        effects = dict(zip(ATTRIBUTES, change.tolist(), strict=True))
        return Direction(name, kind, layers, vector, moves, effects, steady, explained)

    def _code_space(self) -> CodeSpace:
        if self._space is None:
            self._space = code_space(self._mapped(_noise(self._generator, MAPPED_SAMPLES, SEED_OF_FITTING)))
        return self._space

    def _samples_to_fit(self) -> tuple[Tensor, Tensor, Tensor]:
        """Codes [N, layers, code], their pictures averaged down [N, 3, s, s], and their attributes [N, A]."""
        if self._fitted is None:
            codes = self._mapped(_noise(self._generator, PAINTED_SAMPLES, SEED_OF_FITTING))
            parts = [(small(made), measured(made)) for made in map(self._painted, codes.split(BATCH))]
            self._fitted = codes, torch.cat([one for one, _ in parts]), torch.cat([one for _, one in parts])
        return self._fitted

    def _samples_to_check(self) -> tuple[Tensor, Tensor, Tensor]:
        """Other codes, the attributes of their pictures, and the deviations of attributes over the fitted samples."""
        if self._checked is None:
            codes = self._mapped(_noise(self._generator, CHECKED_SAMPLES, SEED_OF_CHECKING))
            deviations = self._samples_to_fit()[2].std(0).clamp(min=1e-6)
            self._checked = codes, measured(self._painted(codes)), deviations
        return self._checked

    def _found_attributes(self) -> tuple[Tensor, Tensor]:
        if self._attributes is None:
            codes, _, values = self._samples_to_fit()
            self._attributes = regression_directions(self._code_space(), codes, values)
        return self._attributes

    def _found_components(self) -> tuple[Tensor, Tensor]:
        """Vectors [components, layers, code] and their shares of the variance."""
        if self._components is None:
            if codes_are_noise(self._generator):
                self._components = picture_components(*self._samples_to_fit()[:2], COMPONENTS)
            else:
                space = self._code_space()
                vectors = space.basis[:COMPONENTS] * space.deviations[:COMPONENTS, None, None]
                self._components = vectors, space.explained[:COMPONENTS]
        return self._components

    @torch.inference_mode()
    def _mapped(self, noise: Tensor) -> Tensor:
        return self._generator.map(noise.to(next(self._generator.parameters()).device)).float()

    @torch.inference_mode()
    def _painted(self, codes: Tensor) -> Tensor:
        """As `codes.painted`, in batches and in the fast precision: for looking, not for keeping."""
        with torch.autocast(codes.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            made = [self._generator.paint(part).float().clamp(0, 1).cpu() for part in codes.split(BATCH)]
        return torch.cat(made)


def groups_of(layers: int) -> tuple[str, ...]:
    """The groups of layers that a component is tried on."""
    return GROUPS.get(layers, FULL_GROUPS)


def layers_of(group: str, layers: int) -> Tensor:
    """1 for the layers of a group, else 0: float [layers]; thirds, coarse first, or halves where there are two."""
    position = (torch.arange(layers) + 0.5) / layers
    if group == "all":
        return torch.ones(layers)
    low, high = {
        "coarse": (0.0, 1 / 3 if layers > 2 else 1 / 2),
        "middle": (1 / 3, 2 / 3),
        "fine": (2 / 3 if layers > 2 else 1 / 2, 1.0),
    }[group]
    return ((position >= low) & (position < high)).float()


def _noise(generator: Generator, count: int, seed: int) -> Tensor:
    """`count` noises [count, latent]; the first are the same whatever their number."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.standard_normal((count, generator.latent), dtype=np.float32))
