"""A spatial generator of textures: one endless field of noise in, pixels out, any part of it alone.

The field is addressed by absolute cells, so that a tile is made from its own cells and a halo, and agrees with its
neighbors to rounding; wrapped, it gives a texture that tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError

WAVE_STAGE = 2  # waves enter at a quarter of the resolution: shorter periods than 8 px are left to convolutions
PHASES_LEVEL = 255
_GOLDEN, _FIRST, _SECOND = (np.uint64(one) for one in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@dataclass(frozen=True)
class Window:
    """A part of the endless texture, in pixels; `top` and `left` may be negative.

    `period` (rows, columns), multiples of the generator's cell, wraps the field: the texture then repeats exactly.
    """

    top: int
    left: int
    height: int
    width: int
    period: tuple[int, int] | None = None


class TextureGenerator(nn.Module):
    """The generator of a periodic spatial GAN.

    Jetchev et al. 2016, arXiv:1611.08207; Bergmann et al. 2017, arXiv:1705.06566. Noise at every resolution (`noise`
    channels in the coarsest, one in the others), and `waves` plane waves with learned wave vectors and drawn phases
    (equation 4 of the second paper, less its dependence on a global vector; for regular textures alone, since on others
    they drown the noise). Departs from both for CPUs and exact tiles: valid 3×3 convolutions after nearest-neighbor
    doubling in place of transposed 5×5 ones, and only a thin convolution at full resolution. Batch norm stays, for
    without it the noise is soon ignored; in evaluation mode it is a fixed scale, and tiles are exact. Cells are
    2**len(widths) pixels.
    """

    def __init__(self, widths: tuple[int, ...] = (96, 64, 48, 32), noise: int = 24, waves: int = 0) -> None:
        super().__init__()
        if len(widths) <= WAVE_STAGE:
            raise PlanError(f"widths={list(widths)} are too few.", remedy="give three widths or more")
        self.noise, self.stages, self.cell = noise, len(widths), 2 ** len(widths)
        inputs = [noise, *widths[:-1]]
        inputs[WAVE_STAGE] += 2 * waves
        pairs = [pair for a, b in zip(inputs, widths, strict=True) for pair in ((a, b), (b, b))]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 3, bias=False) for a, b in pairs)
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for _, b in pairs)
        fine = widths[-1] // 2
        self.narrow = nn.Conv2d(widths[-1], fine, 3)
        self.last = nn.Conv2d(fine, 3, 3)
        self.gains = nn.ParameterList(nn.Parameter(torch.full((width,), 0.1)) for width in (*widths[:-1], fine))
        for layer in (*self.layers, self.narrow, self.last):
            nn.init.kaiming_normal_(layer.weight, a=0.2)  # type: ignore[arg-type]
        with torch.no_grad():
            self.last.weight.mul_(0.3)  # pixels of a natural deviation from the first step on
        # Cycles a pixel; the objective sets them to the exemplar's own.
        self.wave_vectors = nn.Parameter(torch.randn(waves, 2) / 32)

    @property
    def halo(self) -> int:
        """Pixels around a window within which noise has a say: 64 for the default widths."""
        return -spans(0, self.cell, self.stages)[0][0] * self.cell

    def forward(self, fields: Sequence[Tensor], window: Window, phases: Tensor) -> Tensor:
        """The pixels [N, 3, height, width] of a window, nominally 0..1.

        `fields` are the noise of each resolution over `spans` (see `noise_shapes`); phases [N, waves] in radians.
        """
        stages = self.stages
        rows, columns = (spans(*one, stages) for one in _sides(window))
        x = fields[0]
        for stage in range(stages):
            if stage:
                x = _doubled(x, grown(rows[stage - 1], -2), grown(columns[stage - 1], -2), rows[stage], columns[stage])
                x = x + self.gains[stage - 1][:, None, None] * fields[stage]
            if stage == WAVE_STAGE:
                x = torch.cat([x, self._waves(rows[stage], columns[stage], window, phases).to(x.dtype)], 1)
            for layer in (2 * stage, 2 * stage + 1):
                x = functional.leaky_relu(self.norms[layer](self.layers[layer](x)), 0.2)
        # Doubled like all others: a shuffle of channels to pixels, trained so briefly, leaves a checkerboard.
        there = [grown(one[stages - 1], -3) for one in (rows, columns)]
        x = _doubled(self.narrow(x), there[0], there[1], rows[stages], columns[stages])
        x = x + self.gains[stages - 1][:, None, None] * fields[stages]
        return self.last(functional.leaky_relu(x, 0.2)).float() * 0.5 + 0.5

    def noise_shapes(self, window: Window) -> list[tuple[int, tuple[int, int], tuple[int, int]]]:
        """(channels, rows from..to, columns from..to) of the noise of every resolution that a window needs."""
        rows, columns = (spans(*one, self.stages) for one in _sides(window))
        channels = [self.noise, *[1] * self.stages]
        return list(zip(channels, rows, columns, strict=True))

    def _waves(self, rows: tuple[int, int], columns: tuple[int, int], window: Window, phases: Tensor) -> Tensor:
        """Sines and cosines [N, 2·waves, h, w] at the centers of the stage's samples."""
        scale = self.cell >> WAVE_STAGE
        vectors = self.wave_vectors.float()
        if window.period is not None:
            whole = vectors.new_tensor(window.period)
            vectors = (vectors * whole).round() / whole  # a whole number of cycles, lest they break at the border
        y, x = (
            (torch.arange(*one, device=vectors.device, dtype=torch.float64) + 0.5) * scale for one in (rows, columns)
        )
        # Cycles are reduced to their fraction in double precision: far from the origin single precision has none left.
        along = torch.outer(vectors[:, 0].double(), y), torch.outer(vectors[:, 1].double(), x)
        turns = (along[0] % 1.0)[:, :, None] + (along[1] % 1.0)[:, None, :]
        angles = (2 * torch.pi * turns).float()[None] + phases[:, :, None, None]
        return torch.cat([angles.sin(), angles.cos()], 1)


def spans(start: int, stop: int, stages: int) -> list[tuple[int, int]]:
    """What a stretch of pixels needs of each resolution: stage 0 (cells), ..., the last stage, full resolution.

    Two valid 3×3 convolutions a stage, one before and one after the last doubling.
    """
    found = [grown((start, stop), 1)]
    out = grown(halved(found[0]), 1)
    for _ in range(stages):
        found.append(grown(out, 2))
        out = halved(found[-1])
    return found[::-1]


def grown(span: tuple[int, int], by: int) -> tuple[int, int]:
    """The span with `by` more samples on each side."""
    return span[0] - by, span[1] + by


def halved(span: tuple[int, int]) -> tuple[int, int]:
    """The span at half the resolution that covers a span."""
    return span[0] // 2, -(-span[1] // 2)


def drawn(generator: TextureGenerator, window: Window, seed: int) -> tuple[list[Tensor], Tensor]:
    """The noise and the phases of a window of the endless texture of a seed: what `forward` takes, N = 1, float32."""
    fields = []
    for level, (channels, rows, columns) in enumerate(generator.noise_shapes(window)):
        period = None
        if window.period is not None:
            scale = generator.cell >> level
            period = (window.period[0] // scale, window.period[1] // scale)
        fields.append(cell_noise(seed, level, channels, rows, columns, period)[None])
    waves = len(generator.wave_vectors)
    turns = _uniform(seed, PHASES_LEVEL, np.arange(waves), np.zeros(1, int), np.zeros(1, int))[..., 0, 0]
    return fields, torch.from_numpy((2 * np.pi * turns).astype(np.float32))[None]


def cell_noise(
    seed: int,
    level: int,
    channels: int,
    rows: tuple[int, int],
    columns: tuple[int, int],
    period: tuple[int, int] | None = None,
) -> Tensor:
    """Standard normal noise [channels, rows, columns] of a stretch of an endless field; float32.

    Each value is a function of (seed, level, channel, row, column) alone: a counter goes through the mixing function of
    SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195), two results through Box and Muller (1958). `period`
    takes rows and columns modulo that many.
    """
    down, along = np.arange(*rows), np.arange(*columns)
    if period is not None:
        down, along = down % period[0], along % period[1]
    channel = np.arange(channels)
    radius = np.sqrt(-2 * np.log1p(-_uniform(seed, 2 * level, channel, down, along)))
    angle = 2 * np.pi * _uniform(seed, 2 * level + 1, channel, down, along)
    return torch.from_numpy((radius * np.cos(angle)).astype(np.float32))


def _uniform(seed: int, level: int, channel: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Numbers in 0..1, 1 excluded, [channel, rows, columns] float64: the mix is chained over the coordinates."""
    with np.errstate(over="ignore"):
        state = _mixed(np.array([seed % 2**64], np.uint64) + _GOLDEN * np.uint64(level + 1))
        state = _mixed(state + _GOLDEN * channel.astype(np.uint64)[:, None, None])
        state = _mixed(state + _GOLDEN * rows.astype(np.int64).view(np.uint64)[:, None])
        state = _mixed(state + _GOLDEN * columns.astype(np.int64).view(np.uint64))
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _mixed(state: np.ndarray) -> np.ndarray:
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))


def _sides(window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
    return (window.top, window.top + window.height), (window.left, window.left + window.width)


def _doubled(
    x: Tensor, rows: tuple[int, int], columns: tuple[int, int], to_rows: tuple[int, int], to_columns: tuple[int, int]
) -> Tensor:
    """x, which covers rows × columns, repeated 2×2 and cut to the spans asked for."""
    x = functional.interpolate(x, scale_factor=2, mode="nearest")
    top, left = to_rows[0] - 2 * rows[0], to_columns[0] - 2 * columns[0]
    return x[:, :, top : top + to_rows[1] - to_rows[0], left : left + to_columns[1] - to_columns[0]]
