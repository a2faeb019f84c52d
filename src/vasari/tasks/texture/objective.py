"""What a texture generator is trained for: windows of its endless field that a critic takes for crops of one sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vasari.foundation import image_files
from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.plans import check, from_dict, option
from vasari.models.cards import NETWORKS
from vasari.models.critics import PatchCritic
from vasari.models.losses import CRITIC_LOSSES, GENERATOR_LOSSES, gradient_penalty
from vasari.models.textures import TextureGenerator, Window, drawn
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.texture.plan import SMALLEST_PX
from vasari.tasks.texture.statistics import patch_distance

LARGEST_SAMPLE_PX = 1024
SHOWN_PX = 512


@dataclass(frozen=True)
class TextureObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    px: int = option(64, "side of the crops that the critic sees, a multiple of 16", minimum=32, maximum=512)
    adversarial: str = option("rpgan", "kind of adversarial loss", choices=tuple(CRITIC_LOSSES))
    penalty: str = option(
        "r1r2",
        "what holds the critic: 'spectral' normalization of its layers, or 'r1' and 'r1r2', penalties of its gradient",
        choices=("spectral", "r1", "r1r2"),
    )
    penalty_every: int = option(4, "steps between gradient penalties", minimum=1)
    critic_widths: tuple[int, ...] = option((48, 96, 96), "channels of the critic; all but the first halve the size")
    flip: bool = option(False, "mirror crops left to right by chance")
    waves: bool = option(True, "begin the generator's plane waves, if it has any, at the sample's strongest periods")

    def __post_init__(self) -> None:
        check(self)
        if self.px % 16:
            raise PlanError(f"objective.px={self.px} is no multiple of 16.", remedy=f"use {self.px // 16 * 16 + 16}")


class SampleCrops:
    """Crops [3, px, px] of one sample; item i is decided by the seed and i."""

    def __init__(self, sample: Tensor, plan: TextureObjectivePlan, seed: int) -> None:
        self.sample, self.plan, self.seed = sample, plan, seed

    def __getitem__(self, index: int, /) -> Batch:
        rng = np.random.default_rng([self.seed, index])
        top, left = (int(rng.integers(0, side - self.plan.px + 1)) for side in self.sample.shape[1:])
        crop = self.sample[:, top : top + self.plan.px, left : left + self.plan.px]
        if self.plan.flip and rng.random() < 0.5:
            crop = crop.flip(2)
        return {"pictures": crop.clone()}


class TextureObjective(Objective):
    """Train a texture generator against a critic of patches on one sample.

    The critic's total is critic (+ penalty), the generator's is adversarial; `balance` is only told: the share of
    scores by which the critic puts the real patch above the made one.
    """

    def __init__(
        self, generator: TextureGenerator, header: Mapping[str, Any], sample: Tensor, plan: TextureObjectivePlan
    ) -> None:
        self._generator, self._header, self._sample, self._plan = generator, header, sample, plan
        self._critic = PatchCritic(widths=plan.critic_widths, spectral=plan.penalty == "spectral")
        self._step = 0
        if plan.waves:
            with torch.no_grad():
                generator.wave_vectors.copy_(strongest_waves(sample, len(generator.wave_vectors)))

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"generator": self._generator, "critic": self._critic}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("generator",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"adversarial": 1.0, "critic": 1.0, "penalty": 0.1, "balance": 0.0}

    @property
    def best(self) -> tuple[str, str]:
        return ("patch_distance", "min")

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        height, width = self._sample.shape[1:]
        return {"generator": {**self._header, "task": "texture", "sample_px": [width, height]}}

    @property
    def turns(self) -> Sequence[Turn]:
        return (
            Turn("critic", (self._critic,), self._critic_losses),
            Turn("generator", (self._generator,), self._generator_losses),
        )

    def begin_step(self, step: int, images_seen: int) -> None:
        self._step = step

    def examples(self, seed: int) -> SampleCrops:
        return SampleCrops(self._sample, self._plan, seed)

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        generator = networks["generator"]
        if not isinstance(generator, TextureGenerator):
            raise TypeError("the network under validation is no TextureGenerator")
        window = Window(0, 0, SHOWN_PX, SHOWN_PX)
        fields, phases = drawn(generator, window, seed=0)
        device = generator.wave_vectors.device
        made = generator([one.to(device) for one in fields], window, phases.to(device))[0].cpu().clamp(0, 1)
        distance = patch_distance(made, self._sample)
        return Validation({"patch_distance": distance}, {"texture": made[None]})

    def _critic_losses(self, batch: Batch) -> dict[str, Tensor]:
        plan, real = self._plan, batch["pictures"]
        with torch.no_grad():
            made = self._made(real)
        penalized = plan.penalty != "spectral" and self._step % plan.penalty_every == 0
        if penalized:
            real.requires_grad_(True)
            made.requires_grad_(plan.penalty == "r1r2")
        of_real, of_made = self._critic(real), self._critic(made)
        terms = {
            "critic": CRITIC_LOSSES[plan.adversarial](of_real, of_made),
            "balance": (of_real > of_made).float().mean(),
        }
        if penalized:
            # Scores are means over patches here, since a penalty of their sum would grow with the crop.
            both = [gradient_penalty(of_real.mean((1, 2, 3)), real)]
            both += [gradient_penalty(of_made.mean((1, 2, 3)), made)] if plan.penalty == "r1r2" else []
            terms["penalty"] = torch.stack(both).sum() * plan.penalty_every
        return terms

    def _generator_losses(self, batch: Batch) -> dict[str, Tensor]:
        real = batch["pictures"]
        of_made = self._critic(self._made(real))
        of_real = of_made.detach()
        if self._plan.adversarial == "rpgan":
            with torch.no_grad():
                of_real = self._critic(real)
        return {"adversarial": GENERATOR_LOSSES[self._plan.adversarial](of_real, of_made)}

    def _made(self, real: Tensor) -> Tensor:
        """Windows of fresh noise, as many and as large as the crops."""
        generator, count = self._generator, len(real)
        window = Window(0, 0, real.shape[2], real.shape[3])
        fields = [
            torch.randn(count, channels, rows[1] - rows[0], columns[1] - columns[0], device=real.device)
            for channels, rows, columns in generator.noise_shapes(window)
        ]
        phases = 2 * torch.pi * torch.rand(count, len(generator.wave_vectors), device=real.device)
        return generator(fields, window, phases)


def strongest_waves(sample: Tensor, count: int) -> Tensor:
    """The wave vectors [count, 2] (down, along) of the strongest peaks of the sample's spectrum, in cycles a pixel.

    sample [C, h, w]. A Hann window keeps its borders out of the spectrum; periods are between 8 px, below which
    convolutions need no help, and a third of the side. Peaks stand above the spectrum around them, or any natural
    picture's would be the longest periods.
    """
    grey = sample.mean(0)
    height, width = grey.shape
    shaped = (grey - grey.mean()) * torch.hann_window(height)[:, None] * torch.hann_window(width)
    power = torch.fft.rfft2(shaped).abs().square()
    y, x = torch.fft.fftfreq(height)[:, None].expand(power.shape), torch.fft.rfftfreq(width).expand(power.shape)
    length = torch.hypot(y, x)
    flat = power * length.square()  # natural spectra fall off so
    flat[(length > 1 / 8) | (length < 3 / min(height, width))] = 0
    found = []
    for _ in range(count):
        place = divmod(int(flat.argmax()), flat.shape[1])
        found.append([float(y[place]), float(x[place])])
        for sign in (1, -1):  # the spectrum holds both v and -v where v lies on the vertical axis
            flat[torch.hypot(y - sign * y[place], x - sign * x[place]) < 2.5 / min(height, width)] = 0
    return torch.tensor(found).reshape(count, 2)


def read_sample(path: str | Path) -> Tensor:
    """A sample as [3, h, w] in 0..1, grey repeated; of one larger than 1024 px a side the middle.

    Raises `PictureError` where it cannot be read, `TrainingError` where it is smaller than 32 px.
    """
    return usable(image_files.read(Path(path)).pixels, Path(path).name)


def usable(pixels: Tensor, name: str) -> Tensor:
    """Pixels [1 or 3, h, w] as a sample, see `read_sample`."""
    height, width = pixels.shape[1:]
    if min(height, width) < SMALLEST_PX:
        raise TrainingError(
            f"{name} is {width}×{height}; a sample has {SMALLEST_PX} px a side or more.", remedy="name a larger one"
        )
    top, left = (max(0, side - LARGEST_SAMPLE_PX) // 2 for side in (height, width))
    middle = pixels[:, top : top + LARGEST_SAMPLE_PX, left : left + LARGEST_SAMPLE_PX]
    return middle.expand(3, -1, -1).clamp(0, 1).contiguous()


def build(recipe: Recipe, data: tuple[str | Path, ...]) -> TextureObjective:
    """The objective of a texture recipe; raises `PlanError` for unknown keys, `TrainingError` for not one sample."""
    plan = from_dict(TextureObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    files = [Path(one) for one in data]
    if len(files) != 1 or files[0].is_dir():
        raise TrainingError("A texture is learned from one sample.", remedy="name one picture file with --data")
    sample = read_sample(files[0])
    if min(sample.shape[1:]) < plan.px:
        raise TrainingError(
            f"{files[0].name} has a side below the {plan.px} px of the crops.",
            remedy=f"use --set objective.px={min(sample.shape[1:]) // 16 * 16}, or a larger sample",
        )
    name, options = recipe.network.get("name", "texture-generator"), dict(recipe.network.get("options", {}))
    if name not in NETWORKS:
        raise PlanError(f"There is no network {name!r}.", remedy='use [network] name = "texture-generator"')
    try:
        generator = NETWORKS[name].build(**options)
    except TypeError as error:
        raise PlanError(f"{name} has no such option: {error}.", remedy="correct [network.options]") from None
    if not isinstance(generator, TextureGenerator):
        raise PlanError(f"{name} makes no textures.", remedy='use [network] name = "texture-generator"')
    return TextureObjective(generator, {"network": {"name": name, "options": options}}, sample, plan)
