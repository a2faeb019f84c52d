"""The networks of a plan, what they find of a whole picture from a small copy, and how that colors its tiles."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.foundation.devices import choose_device, choose_precision, machine_of
from vasari.foundation.lab import srgb_to_lab
from vasari.models import model_files
from vasari.models.blocks import window_field
from vasari.models.colorizers import CHROMA_UNIT, Colorizer, as_palette, palette_of
from vasari.models.encoders import MULTIPLE_OF, Encoder
from vasari.models.style import StyleCode
from vasari.tasks.batch.streams import Manner, Treated
from vasari.tasks.colorize.carrying import carried
from vasari.tasks.colorize.colorize_plan import ColorizePlan, Hint, check_samples
from vasari.tasks.colorize.examples import KEPT_PX, as_grey
from vasari.tasks.colorize.gamut import lightness, within_gamut
from vasari.tasks.colorize.hints import Strokes, StrokesSource, hint_planes
from vasari.tasks.colorize.spreading import linear_model, spread
from vasari.tasks.stylize.coding import Source, saved_code, with_its_coder, within

# Long side of the copy that the networks see.
OVERVIEW_PX = 512
# An expected error of so many units of a* and b* is white (255) in the map of confidence: five levels a unit.
WHITE_ERROR = 51.0


@dataclass(frozen=True, eq=False)
class Found:
    """What was found of a whole picture: for each coloring the coefficients [1, 4, h, w] of `spreading.linear_model`
    and the expected errors [1, 1, h, w] of a* and b*, on a small grid.
    """

    models: tuple[Tensor, ...]
    errors: tuple[Tensor, ...]

    @property
    def mean_error(self) -> float:
        """Of the first coloring, over the grid."""
        return float(self.errors[0].mean())


@dataclass(frozen=True, eq=False)
class Colorist:
    """A colorizer with its encoder and what a person asks of the colors; safe to share between threads."""

    colorizer: Colorizer
    encoder: Encoder
    plan: ColorizePlan
    palette: Tensor | None
    strokes: Strokes | None
    places: tuple[Hint, ...]
    device: torch.device
    precision: torch.dtype
    lock: threading.Lock

    @classmethod
    def of(
        cls,
        plan: ColorizePlan,
        palette: Source | None = None,
        strokes: StrokesSource | None = None,
        places: tuple[Hint, ...] = (),
    ) -> Colorist:
        """Read what a plan names and load its networks; `palette`, `strokes` and `places` come before the plan's own.

        Raises `WeightsError`, `PlanError` (no such style or device, bad hints), `PictureError`.
        """
        palette = plan.palette_of or None if palette is None else palette
        strokes = plan.hints or None if strokes is None else strokes
        places = places or plan.places
        check_samples(plan, palette is not None)
        device = choose_device(plan.device)
        wanted = None if palette is None else palette_from(palette)
        painted = None if strokes is None else Strokes.of(strokes)
        files = model_files.find(plan.model), model_files.find(plan.encoder)
        colorizer, encoder = _networks(plan.model, plan.encoder, files, device)
        precision = choose_precision(plan.precision, device)
        return cls(colorizer, encoder, plan, wanted, painted, places, device, precision, threading.Lock())

    @property
    def machine(self) -> Mapping[str, str]:
        """What the arithmetic depends on, for the record."""
        return machine_of(self.device, self.precision)

    @property
    def manner(self) -> Manner:
        """How pictures are gone through: without a thumbnail, as all that is found of the whole is there before."""
        plan = self.plan
        return Manner(0, plan.tile_px, plan.format, plan.quality, colors_grey=True)

    @torch.inference_mode()
    def look(self, overview: Tensor, height: int, width: int) -> Found:
        """Color a small copy [3, h, w] in sRGB of a picture of height × width pixels.

        It is resized to sides that are multiples of 16, by at most 8 px each unless the picture is a narrow strip.
        Raises `PlanError` for hints that do not fit the picture.
        """
        light = lightness(overview[None]) / 100
        light = functional.interpolate(
            light, network_size(*light.shape[2:]), mode="bilinear", antialias=True, align_corners=False
        ).clamp(0, 1)
        hints = hint_planes(self.strokes, self.places, (light.shape[2], light.shape[3]), (height, width))
        guide = functional.avg_pool2d(light, 2)
        models, errors = [], []
        with self.lock, torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16):
            shown = light.to(self.device)
            features = self.encoder(as_grey(shown[0])[None])
            for palette in self._palettes(features):
                colored = self.colorizer(shown, features, hints.to(self.device), palette)
                chroma = carried(colored.chroma.float().cpu(), guide, *said_and_known(hints))
                models.append(linear_model(guide, self.plan.saturation * chroma))
                errors.append(colored.error.float().cpu())
        return Found(tuple(models), tuple(errors))

    def _palettes(self, features: list[Tensor]) -> list[Tensor]:
        """The palettes [1, 5] of all colorings: the one given, or the likeliest and those drawn."""
        if self.palette is not None:
            return [_told(self.palette.to(self.device))]
        guess = self.colorizer.palettes(features)
        noise = [drawn_noise(self.plan.seed, sample) for sample in range(self.plan.samples)]
        return [_told(guess.drawn(one.to(self.device))) for one in noise]


@dataclass(frozen=True, eq=False)
class Coat:
    """One coloring of one picture, as `streams` lays it on tiles; `model` and `error` as in `Found`."""

    model: Tensor
    error: Tensor

    @property
    def halo(self) -> int:
        """None: what is told of a pixel depends on no other pixel."""
        return 0

    @property
    def multiple_of(self) -> int:
        """Tiles may have any sides."""
        return 1

    def survey(self, thumbnail: Tensor) -> None:
        """Nothing: the whole was looked at before."""

    def treat(self, pixels: Tensor, survey: None, window: Tensor) -> Treated:
        """Color a tile [1, 1 or 3, h, w] in sRGB at its own lightness; the expected error is told as damage, 0..1."""
        light = lightness(pixels)
        chroma = spread(self.model, light / 100, window)
        error = window_field(self.error, window, pixels.shape[2], pixels.shape[3]) / WHITE_ERROR
        return Treated(within_gamut(light, chroma), error.clamp(0, 1), torch.zeros_like(error))


def network_size(height: int, width: int) -> tuple[int, int]:
    """The nearest sides that are multiples of 16, 16 at the least."""
    rows, columns = (max(1, round(side / MULTIPLE_OF)) * MULTIPLE_OF for side in (height, width))
    return rows, columns


def drawn_noise(seed: int, sample: int) -> Tensor:
    """Standard normal numbers [1, 4] of a sample counted from 0, of which the first has none: the likeliest palette."""
    if sample == 0:
        return torch.zeros(1, 4)
    return torch.from_numpy(np.random.default_rng([seed, sample]).standard_normal((1, 4)).astype(np.float32))


def palette_from(source: Source) -> Tensor:
    """The palette [1, 4] of a picture, a named style or a style code: mean and deviation of its a* and b*.

    Raises `PlanError`, `PictureError`, `WeightsError`.
    """
    code = saved_code(source)
    if isinstance(code, StyleCode):
        return as_palette(code.lab[None, 1:3], code.lab[None, 4:6])
    return palette_of(srgb_to_lab(within(source, KEPT_PX))[None, 1:])


def said_and_known(hints: Tensor) -> tuple[Tensor, Tensor]:
    """Hints [1, 3, h, w] as a `Colorizer` takes them -> a*, b* [1, 2, h/2, w/2] and the share known of each cell."""
    cells = functional.avg_pool2d(hints, 2)
    known = cells[:, 2:]
    return CHROMA_UNIT * cells[:, :2] / known.clamp(min=1e-4), known


def _told(palette: Tensor) -> Tensor:
    """A palette [1, 4] as a `Colorizer` takes one that is given."""
    return torch.cat([palette, torch.ones_like(palette[:, :1])], 1)


@functools.lru_cache(maxsize=1)
def _networks(model: str, encoder: str, files: tuple[Path, Path], device: torch.device) -> tuple[Colorizer, Encoder]:
    """The colorizer and the encoder it was trained with; the last ones are kept, as long as the names mean their files.

    Raises `WeightsError`.
    """
    remedy = "name a model of the task colorize, or leave --model out"
    colorizer, coder = with_its_coder(Colorizer, model, encoder, device, lacks="which does not color", remedy=remedy)
    return colorizer, coder.encoder
