"""Pictures by a generator: a sampler made ready for a plan, and the library function."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vasari.foundation.devices import choose_device, machine_of
from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.foundation.plans import from_dict
from vasari.foundation.treatment import ModelFacts
from vasari.models import hub, model_files
from vasari.models.generators import Generator
from vasari.tasks.generate import codes as of_codes
from vasari.tasks.generate.directions import Direction, Explorer
from vasari.tasks.generate.enlarge import Enlarger, resized
from vasari.tasks.generate.sampling_plan import SamplingPlan, WalkPlan, check_number, spot


def generate(
    model: str | Path, n: int = 1, seed: int | None = None, plan: SamplingPlan | None = None, **options: Any
) -> list[Picture]:
    """Make `n` pictures by a generator: numbers 1 to n of a seed, each the same whatever the n.

    `model` is a bundled name, a `.safetensors` file or an address; `options` are fields of `SamplingPlan`
    (`truncation=0.7`, `edit=("lightness=2",)` ...), for use without a `plan`; `seed` stands for the plan's own. Raises
    `PlanError`, `WeightsError`. For files with records use `vasari generate` or `generate_files`.
    """
    if plan is not None and options:
        raise PlanError(
            f"Got a plan and the options {', '.join(sorted(options))}.", remedy="give either a plan or options"
        )
    plan = plan or from_dict(SamplingPlan, options, where="generate")
    if seed is not None:
        plan = from_dict(SamplingPlan, {**_values(plan), "seed": seed}, where="generate")
    check_number(n)
    path = model_files.find(model)
    # What the sampler holds does not depend on the seed: a loop over seeds loads and measures once.
    sampler = _ready(str(path), model_files.digest(path), dataclasses.replace(plan, seed=0))
    return [Picture(sampler.finished(sampler.picture(plan.seed, index))) for index in range(n)]


def _values(plan: SamplingPlan) -> dict[str, Any]:
    return {item.name: getattr(plan, item.name) for item in dataclasses.fields(plan)}


@functools.lru_cache(maxsize=1)
def _ready(model: str, digest: str, plan: SamplingPlan) -> Sampler:
    return Sampler.of(model, plan)


def load_generator(model: str | Path, device: str = "cpu") -> tuple[Generator, ModelFacts]:
    """The generator of a model's file, and its facts; raises `WeightsError` for a model of another task."""
    loaded = hub.load(model)
    if not isinstance(loaded.network, Generator):
        task = loaded.recipe.get("task", "another task")
        raise WeightsError(
            f"{loaded.name} is a {loaded.recipe['network']['name']} of the task {task}, which does not generate.",
            remedy="name a model of the task generate; `vasari models list` tells the tasks",
        )
    return loaded.network.to(choose_device(device)).requires_grad_(False), ModelFacts(loaded.name, loaded.digest)


@dataclass(frozen=True, eq=False)
class Sampler:
    """A generator with what it needs to make the pictures of one plan, but for the seed."""

    generator: Generator
    plan: SamplingPlan
    facts: ModelFacts
    mean: Tensor
    fine: Tensor | None
    edits: tuple[tuple[Direction, float], ...]
    edits_precision: torch.dtype
    enlarger: Enlarger | None

    @classmethod
    def of(cls, model: str | Path, plan: SamplingPlan) -> Sampler:
        """Load the model and find the edit directions of a plan; raises `WeightsError`, `PlanError`."""
        generator, facts = load_generator(model, plan.device)
        fine = None
        if plan.mix:
            fine = _code(generator, *spot(plan.mix))
            of_codes.mixed(fine, fine, first_fine_layer(plan, generator))  # refused before any work
        enlarger = Enlarger.of(plan.enlarge, plan.device) if plan.enlarge else None
        explorer = Explorer(generator)
        edits = tuple((explorer.find(name), amount) for name, amount in plan.edits)
        return cls(generator, plan, facts, of_codes.mean_code(generator), fine, edits, explorer.precision, enlarger)

    @property
    def models(self) -> tuple[ModelFacts, ...]:
        """The models that take part."""
        return (self.facts, self.enlarger.facts) if self.enlarger else (self.facts,)

    @property
    def machine(self) -> dict[str, str]:
        """What the arithmetic depends on, for the record."""
        found = {"edits_precision": str(self.edits_precision).removeprefix("torch.")} if self.edits else {}
        return {**machine_of(next(self.generator.parameters()).device, torch.float32), **found}

    def picture(self, seed: int, index: int) -> Tensor:
        """Picture `index` (from 0) of a seed, [3, px, px] in 0..1, of the model's own size."""
        return self._painted(self._mixed(seed, index))

    def walk(self, stops: Sequence[tuple[int, int]], walk: WalkPlan) -> Iterator[Tensor]:
        """The frames [3, px, px] of a walk from one (seed, index) to the next."""
        ends = [self._mixed(seed, index) for seed, index in stops]
        spherical = of_codes.codes_are_noise(self.generator)
        for code in of_codes.walked(ends, walk.frames_a_step, spherical=spherical, one_way=walk.one_way):
            yield self._painted(code)

    def finished(self, pixels: Tensor) -> Tensor:
        """A picture in the size that the plan asks for."""
        return resized(pixels, self.plan.size_px, self.enlarger) if self.plan.size_px else pixels

    def _mixed(self, seed: int, index: int) -> Tensor:
        code = _code(self.generator, seed, index)
        if self.fine is None:
            return code
        return of_codes.mixed(code, self.fine, first_fine_layer(self.plan, self.generator))

    def _painted(self, code: Tensor) -> Tensor:
        code = of_codes.truncated(code, self.mean, self.plan.truncation)
        code = of_codes.moved(code, [(one.vector, amount) for one, amount in self.edits])
        return of_codes.painted(self.generator, code)[0]


def first_fine_layer(plan: SamplingPlan, generator: Generator) -> int:
    """The first layer, from 0, that a mix takes from the other picture."""
    return plan.mix_from - 1 if plan.mix_from else (generator.layers + 1) // 2


def _code(generator: Generator, seed: int, index: int) -> Tensor:
    return of_codes.mapped(generator, of_codes.noise_of(seed, index, generator.latent))
