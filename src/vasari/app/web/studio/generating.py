"""Pictures of a generator at once, for a grid that follows its sliders; networks and directions are kept."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from vasari.app.web.preview_models import Kept, PreviewModels
from vasari.foundation.errors import PlanError
from vasari.models import model_files
from vasari.tasks.generate.sampling_plan import SamplingPlan

if TYPE_CHECKING:
    from vasari.tasks.generate.apply import Sampler
    from vasari.tasks.generate.directions import Direction, Explorer

MOST_AT_ONCE = 36


@dataclass(eq=False)
class Studio:
    """A generator made ready: its sampler without edits, and its directions as they are asked for."""

    sampler: Sampler
    explorer: Explorer
    directions: Kept = field(default_factory=lambda: Kept(64))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, model: str) -> Studio:
        """Load a generator by its bundled name; raises `PlanError` for another name, `WeightsError`."""
        from vasari.tasks.generate.apply import Sampler
        from vasari.tasks.generate.directions import Explorer

        if model not in generators():
            raise PlanError(f"There is no generator {model[:80]!r}.", remedy=f"choose from: {', '.join(generators())}")
        sampler = Sampler.of(model, SamplingPlan())
        return cls(sampler, Explorer(sampler.generator))

    def direction(self, name: str) -> Direction:
        """A direction, measured once; raises `PlanError` for one that the generator has not."""
        with self.lock:
            found: Direction = self.directions.of(name, lambda: self.explorer.find(name))
        return found

    def with_plan(self, plan: SamplingPlan) -> Sampler:
        """The sampler of a plan: as `Sampler.of` makes it, of what is loaded."""
        from vasari.tasks.generate.apply import Sampler

        if plan.mix or plan.enlarge:
            return Sampler.of(self.sampler.facts.name, plan)
        edits = tuple((self.direction(name), amount) for name, amount in plan.edits)
        return replace(self.sampler, plan=plan, edits=edits, edits_precision=self.explorer.precision)


def generators() -> tuple[str, ...]:
    """The names of the bundled generators."""
    return tuple(name for name in model_files.bundled() if name.startswith("generate-"))


def studio_of(models: PreviewModels, model: str) -> Studio:
    """A generator as it is kept in this process."""
    return models.networks.of(("generate", model), lambda: Studio.of(model))


def grid(models: PreviewModels, model: str, plan: SamplingPlan, seeds: Sequence[tuple[int, int]]) -> np.ndarray:
    """Pictures (seed, index from 0) beside one another, uint8 [px, n × px, 3]: the page cuts them apart."""
    from vasari.foundation.picture import Picture

    if not 1 <= len(seeds) <= MOST_AT_ONCE:
        raise PlanError(f"{len(seeds)} pictures.", remedy=f"ask for 1 to {MOST_AT_ONCE} at once")
    sampler = studio_of(models, model).with_plan(replace(plan, size_px=0))
    made = [Picture(sampler.picture(seed, index)).pixels for seed, index in seeds]
    return np.concatenate([(one.clamp(0, 1) * 255).round().byte().numpy() for one in made], axis=2).transpose(1, 2, 0)


def attributes() -> tuple[str, ...]:
    """The directions that have names of their own."""
    from vasari.tasks.generate.attributes import ATTRIBUTES

    return tuple(ATTRIBUTES)


def png(pixels: np.ndarray) -> bytes:
    """Pixels uint8 [rows, columns, 3] as PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=3)
    return file.getvalue()
