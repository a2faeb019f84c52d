"""What a colorizer is trained for: the true chroma, the palette of the whole, and how far off it will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.lab import lab_to_srgb, srgb_to_lab
from vasari.foundation.plans import check, from_dict, option
from vasari.models import hub
from vasari.models.colorizers import Colored, Colorizer, palette_of
from vasari.models.encoders import Encoder
from vasari.tasks.colorize.examples import (
    FILMS,
    KEPT_PX,
    ColorizeExamples,
    ExamplesPlan,
    as_grey,
    drawn_hints,
    grey_light,
)
from vasari.tasks.data.held_out import HeldOut
from vasari.tasks.first_weights import first_network
from vasari.tasks.objectives import Batch, Objective, Turn, Validation
from vasari.tasks.recipe import Recipe
from vasari.tasks.restore.examples import load_photographs

# Every so manieth photograph is only validated on.
VALIDATION_EVERY = 20
VALIDATION_PX = 320  # long side, about
VALIDATION_HINTS = 8
# Vivid colors are rarer than dull ones: an error counts 1 + chroma / this, at most `MOST_COUNTED` times.
VIVID, MOST_COUNTED = 20.0, 3.0


@dataclass(frozen=True)
class ColorizeObjectivePlan:
    """The objective's own options, the table [objective] of a recipe."""

    start_from: str = option("", "weights to begin with: a model's name or a path; empty for fresh weights")
    encoder: str = option("encoder", "the encoder that sees the grey picture: a bundled name, or a path")
    examples: ExamplesPlan = field(default_factory=ExamplesPlan)

    def __post_init__(self) -> None:
        check(self)


class ColorizeObjective(Objective):
    """Train a colorizer over a frozen encoder: chroma + agreement + palette + error, each with its weight.

    Chroma is the distance of a*, b* from the true ones, vivid ones counted more; agreement how far what was painted is
    from the palette that was given; palette minus the log-likelihood of the true one; error that of the distances
    themselves, as a Laplace distribution of the told width, from which nothing else learns.
    """

    def __init__(
        self,
        colorizer: Colorizer,
        encoder: Encoder,
        header: Mapping[str, Any],
        data: tuple[Path, ...],
        plan: ColorizeObjectivePlan,
    ) -> None:
        self._colorizer, self._encoder, self._header = colorizer, encoder, header
        self._plan = plan
        photographs = load_photographs(data, plan.examples.exclude)
        least = plan.examples.smallest_long_side_px
        kept = {name: _kept(one) for name, one in photographs.items() if max(one.shape[:2]) >= least}
        if not kept:
            raise TrainingError(
                f"None of {len(photographs)} photographs has a long side of {least} px or more.",
                remedy="name larger photographs, or lower objective.examples.smallest_long_side_px",
            )
        self._photographs = HeldOut.of(kept, VALIDATION_EVERY, data)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"colorizer": self._colorizer}

    @property
    def fixed(self) -> Mapping[str, nn.Module]:
        return {"encoder": self._encoder}

    @property
    def averaged(self) -> tuple[str, ...]:
        return ("colorizer",)

    @property
    def weights(self) -> Mapping[str, float]:
        return {"chroma": 1.0, "agreement": 0.2, "palette": 0.1, "error": 0.1}

    @property
    def best(self) -> tuple[str, str]:
        return ("error_palette", "min")

    @property
    def data_report(self) -> Sequence[str]:
        return self._photographs.report

    @property
    def published(self) -> Mapping[str, Mapping[str, Any]]:
        return {"colorizer": {**self._header, "task": "colorize", **self._photographs.made_from}}

    @property
    def turns(self) -> Sequence[Turn]:
        return (Turn("colorize", (self._colorizer,), self._losses),)

    def examples(self, seed: int) -> ColorizeExamples:
        return ColorizeExamples(self._photographs.shown, self._plan.examples, seed)

    def _losses(self, batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            features = self._encoder(batch["grey"])
        colored = self._colorizer(batch["light"], features, batch["hints"], batch["palette"])
        truth, given = batch["chroma"], batch["palette"]
        distance = (colored.chroma - truth).square().sum(1, keepdim=True).add(1.0).sqrt()
        counted = (1 + truth.norm(dim=1, keepdim=True) / VIVID).clamp(max=MOST_COUNTED)
        apart = (palette_of(colored.chroma) - given[:, :4]).abs().mean(1) * given[:, 4]
        return {
            "chroma": (counted * distance).sum() / counted.sum() / 10.0,
            "agreement": apart.mean(),
            "palette": self._colorizer.palettes(features).surprise(batch["true_palette"]).mean(),
            "error": (distance.detach() / colored.error + colored.error.log()).mean(),
        }

    def validate(self, networks: Mapping[str, nn.Module]) -> Validation:
        colorizer = networks["colorizer"]
        if not isinstance(colorizer, Colorizer):
            raise TypeError("the colorizer under validation is no Colorizer")
        scores: dict[str, list[float]] = {}
        grid: list[Tensor] = []
        for index, picture in enumerate(self._photographs.held.values()):
            pixels = _whole(picture)
            lab = srgb_to_lab(pixels)
            light = grey_light(pixels, np.asarray(FILMS["panchromatic"][1]))
            painted = self._painted(colorizer, light, lab[1:], index)
            truth = functional.avg_pool2d(lab[None, 1:], 2)
            for name, one in painted.items():
                distance = (one.chroma.cpu() - truth).norm(dim=1)
                scores.setdefault(f"error_{name}", []).append(float(distance.mean()))
            scores.setdefault("error_grey", []).append(float(truth.norm(dim=1).mean()))
            if len(grid) < 8:
                rows = [as_grey(light), *(_as_picture(light, one.chroma.cpu()) for one in painted.values()), pixels]
                grid.append(
                    torch.stack([functional.interpolate(one[None], (192, 192), mode="area")[0] for one in rows])
                )
        metrics = {name: sum(values) / len(values) for name, values in scores.items()}
        return Validation(metrics, {"grey_alone_palette_hints_truth": torch.stack(grid)})

    def _painted(self, colorizer: Colorizer, light: Tensor, chroma: Tensor, seed: int) -> dict[str, Colored]:
        """One picture colored by itself, with its true palette, and with a few hints."""
        device = next(colorizer.parameters()).device
        features = self._encoder(as_grey(light)[None].to(device))
        rng = np.random.default_rng(seed)
        likeliest = colorizer.palettes(features).mean
        one, nothing = torch.ones(1, 1, device=device), torch.zeros(1, 3, *light.shape[1:], device=device)
        hints = drawn_hints(chroma, VALIDATION_HINTS, rng)[None].to(device)
        shown = light[None].to(device)
        true_palette = palette_of(chroma[None]).to(device)
        return {
            "alone": colorizer(shown, features, nothing, torch.cat([likeliest, one], 1)),
            "palette": colorizer(shown, features, nothing, torch.cat([true_palette, one], 1)),
            "hints": colorizer(shown, features, hints, torch.zeros(1, 5, device=device)),
        }


def _kept(picture: np.ndarray) -> np.ndarray:
    """A photograph uint8 [rows, columns, 3] at a long side of `KEPT_PX` or less."""
    factor = KEPT_PX / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _whole(picture: np.ndarray) -> Tensor:
    """All of a photograph as float32 [3, h, w] in 0..1, sides multiples of 16, the long one about `VALIDATION_PX`."""
    factor = VALIDATION_PX / max(picture.shape[:2])
    width, height = (max(16, round(side * factor / 16) * 16) for side in (picture.shape[1], picture.shape[0]))
    small = Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)
    return torch.from_numpy(np.asarray(small).transpose(2, 0, 1).astype(np.float32) / 255)


def _as_picture(light: Tensor, chroma: Tensor) -> Tensor:
    """light [1, h, w] and chroma [1, 2, h/2, w/2] as sRGB [3, h, w] in 0..1."""
    large = functional.interpolate(chroma, light.shape[1:], mode="bilinear", align_corners=False)[0]
    return lab_to_srgb(torch.cat([100 * light, large])).clamp(0, 1)


def build(recipe: Recipe, data: tuple[Path, ...]) -> ColorizeObjective:
    """The objective of a colorize recipe; raises `PlanError` for unknown keys, `TrainingError` for no data."""
    plan = from_dict(ColorizeObjectivePlan, dict(recipe.objective), where=f"{recipe.name}.objective")
    colorizer, header = first_network(recipe, Colorizer, "colorizer", plan.start_from)
    loaded = hub.load(plan.encoder)
    if not isinstance(loaded.network, Encoder):
        raise PlanError(f"objective.encoder={plan.encoder} is no encoder.", remedy="leave it out")
    facts = {**header, "encoder": {"name": loaded.name, "digest": loaded.digest}}
    return ColorizeObjective(colorizer, loaded.network, facts, data, plan)
