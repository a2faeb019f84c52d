"""A texture out of a sample: in memory, or row by row into a file of any size."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vasari.foundation import image_files
from vasari.foundation.devices import choose_device
from vasari.foundation.errors import PlanError, TrainingError, WeightsError
from vasari.foundation.picture import Metadata, Picture
from vasari.foundation.plans import from_dict
from vasari.foundation.runs import RunFolder
from vasari.foundation.treatment import ModelFacts
from vasari.models import hub
from vasari.models.textures import TextureGenerator, Window, drawn
from vasari.tasks.texture.objective import TextureObjectivePlan, usable
from vasari.tasks.texture.plan import GAN, TexturePlan
from vasari.tasks.texture.wasserstein import synthesize

RECIPE = "texture"
TILE_PX = 512
Advance = Callable[[float], None]


def texture(
    sample: Picture | np.ndarray | str | Path, size: tuple[int, int] | str | None = None, **options: Any
) -> Picture:
    """Make a texture like a sample: a picture of `size` (width, height), 8 or 16 bits as the sample has.

    `sample` is a `Picture`, a path, or an array as `restore` takes it, 32 px a side or more; `options` are fields of
    `TexturePlan` (`tileable=True`, `method="gan"`, `seed=7` ...). Nothing is written; a generator is trained in a
    temporary folder. Raises `PlanError`, `PictureError`, `TrainingError`, `WeightsError`. For textures larger than
    memory use `vasari texture`.
    """
    if size is not None:
        options["size"] = size if isinstance(size, str) else "x".join(str(side) for side in size)
    plan = from_dict(TexturePlan, options, where="texture")
    if isinstance(sample, np.ndarray):
        sample = Picture.from_array(sample)
    elif not isinstance(sample, Picture):
        sample = image_files.read(Path(sample))
    with Source.of(sample, plan) as source:
        width, height = plan.pixels
        pixels = torch.cat([rows.clone() for rows in source.rows()], 1)
    if pixels.shape[1:] != (height, width):
        raise RuntimeError(f"made {list(pixels.shape)} in place of {height} rows of {width}")
    return Picture(pixels, depth=written_depth(sample), metadata=kept_metadata(sample))


def kept_metadata(sample: Picture) -> Metadata:
    """What of a sample's metadata is true of a texture made of it: profile and resolution."""
    return Metadata(icc=sample.metadata.icc, dpi=sample.metadata.dpi)


def written_depth(sample: Picture) -> int:
    """Bits a sample of the result has: 8, or 16 where the sample has more."""
    return 8 if sample.depth == 8 else 16


@dataclass(frozen=True, eq=False)
class Source:
    """Where the rows of a texture come from, top to bottom; used once, in a `with` that ends its temporary files."""

    plan: TexturePlan
    grey: bool
    sample: Tensor
    generator: TextureGenerator | None
    models: tuple[ModelFacts, ...]
    advance: Advance

    @classmethod
    @contextlib.contextmanager
    def of(
        cls, sample: Picture, plan: TexturePlan, run: Path | None = None, advance: Advance = lambda share: None
    ) -> Iterator[Source]:
        """Read the model, or train it (in the folder `run` where one is given), where the plan needs one."""
        name = sample.source.name if sample.source else "The sample"
        pixels = usable(sample.pixels, name)
        if plan.chosen != GAN:
            yield cls(plan, sample.is_grey, pixels, None, (), advance)
            return
        with contextlib.ExitStack() as stack:
            path = plan.model
            if not path:
                folder = run or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vasari-texture-")))
                check_period(TextureGenerator(), plan)  # before the minutes of training
                path = str(trained(pixels, plan, folder))
            generator, facts = load_generator(path, plan.device)
            check_period(generator, plan)
            yield cls(plan, sample.is_grey, pixels, generator, (facts,), advance)

    def rows(self) -> Iterator[Tensor]:
        """Strips [1 or 3, rows, width] float32 in 0..1, from the top, that make up the texture."""
        strips = self._optimized() if self.generator is None else self._generated(self.generator)
        for strip in strips:
            strip = strip.clamp(0, 1)
            yield strip.mean(0, keepdim=True) if self.grey else strip

    def _optimized(self) -> Iterator[Tensor]:
        width, height = self.plan.pixels
        sample = self.sample[:1] if self.grey else self.sample
        plan = self.plan
        made = synthesize(
            sample,
            height,
            width,
            seed=plan.seed,
            iterations=plan.iterations,
            passes=plan.passes,
            advance=self.advance,
        )
        for top in range(0, height, TILE_PX):
            yield made[:, top : top + TILE_PX]

    def _generated(self, generator: TextureGenerator) -> Iterator[Tensor]:
        width, height = self.plan.pixels
        for top in range(0, height, TILE_PX):
            rows = min(TILE_PX, height - top)
            tiles = []
            for left in range(0, width, TILE_PX):
                columns = min(TILE_PX, width - left)
                tiles.append(made_window(generator, top, left, rows, columns, self.plan))
                self.advance(((top * width) + rows * (left + columns)) / (height * width))
            yield torch.cat(tiles, 2)


@torch.inference_mode()
def made_window(generator: TextureGenerator, top: int, left: int, rows: int, columns: int, plan: TexturePlan) -> Tensor:
    """The pixels [3, rows, columns] of a window of the plan's texture, whatever else of it is made; nominally 0..1."""
    width, height = plan.pixels
    window = Window(top, left, rows, columns, (height, width) if plan.tileable else None)
    fields, phases = drawn(generator, window, plan.seed)
    device = generator.wave_vectors.device
    return generator([one.to(device) for one in fields], window, phases.to(device))[0].cpu()


def check_period(generator: TextureGenerator, plan: TexturePlan) -> None:
    """Raise `PlanError` where a tileable texture is no whole number of the generator's cells."""
    width, height = plan.pixels
    cell = generator.cell
    if plan.tileable and (width % cell or height % cell):
        near = "x".join(str(max(cell, round(side / cell) * cell)) for side in (width, height))
        raise PlanError(
            f"size={plan.size} is no multiple of {cell} px, of which a generator's tileable textures are made.",
            remedy=f"use --size {near}, or --method optimize, which wraps at any size",
        )


def load_generator(model: str | Path, device: str = "cpu") -> tuple[TextureGenerator, ModelFacts]:
    """The texture generator of a model's file, and its facts; raises `WeightsError` for a model of another task."""
    loaded = hub.load(model)
    if not isinstance(loaded.network, TextureGenerator):
        task = loaded.recipe.get("task", "another task")
        raise WeightsError(
            f"{loaded.name} is a model of the task {task}, which makes no textures.",
            remedy="name the last.safetensors of a run of `vasari train texture`",
        )
    network = loaded.network.to(choose_device(device)).requires_grad_(False)
    return network, ModelFacts(loaded.name, loaded.digest)


def trained(sample: Tensor, plan: TexturePlan, folder: Path) -> Path:
    """Train a generator on a sample [3, h, w] in `folder`, on from where it was; returns its last weights.

    Not the best by patch distance: random directions see statistics sooner than form, and averaged weights ripen.
    """
    from vasari.tasks.recipe import read_recipe
    from vasari.tasks.texture.objective import TextureObjective
    from vasari.tasks.training import train

    recipe = read_recipe(RECIPE)
    largest = min(sample.shape[1:]) // 16 * 16
    options = from_dict(TextureObjectivePlan, dict(recipe.objective), where=f"{RECIPE}.objective")
    options = dataclasses.replace(options, px=min(options.px, largest))
    train_plan = dataclasses.replace(recipe.train, stop_after_minutes=plan.minutes, device=plan.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(train_plan.seed)
        generator = TextureGenerator()
        header = {"network": {"name": "texture-generator", "options": {}}}
        objective = TextureObjective(generator, header, sample, options)
    values = {**recipe.to_dict(), "sample": _fingerprint(sample)}
    done = train(objective, train_plan, RunFolder(folder, values), resume=True)
    if done["stopped_by"] not in ("end", "time"):
        raise KeyboardInterrupt
    weights = folder / "last.safetensors"
    if not weights.is_file():
        raise TrainingError("The training left no weights.", remedy="give it more --minutes")
    return weights


def _fingerprint(sample: Tensor) -> str:
    return hashlib.sha256((sample * 255).round().to(torch.uint8).numpy().tobytes()).hexdigest()
