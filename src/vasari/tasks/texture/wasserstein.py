"""Textures by sliced-Wasserstein optimization: patches come to be distributed as the sample's. No network.

At every scale, coarse to fine, the patches of the texture and those of the sample are projected on random directions;
in one dimension optimal transport is a monotone map of sorted values, and each patch is pulled to where its map says.
Pitié et al. 2005 (doi:10.1109/ICCV.2005.166) and Rabin et al. 2012 (doi:10.1007/978-3-642-24785-9_37) did so with
colors and wavelets, Heitz et al. 2021 (arXiv:2006.07229, equation 6) with features of a network, Elnekave and Weiss
2022 (GPDM, arXiv:2203.14862, equation 3) with plain patches, as here.

Departs from GPDM: the map is estimated from a sample of the patches and read from a table, so that a step goes through
the picture strip by strip with little memory beside it; the gradient is written out; borders wrap. Distributions of
single patches leave edges frayed: after each scale its patches give way to the sample's nearest (`correspondences`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vasari.models.losses_style import at_ranks, unit_directions
from vasari.tasks.texture.correspondences import Correspondences

PATCH_PX = 7
COARSEST_PX = 32
DIRECTIONS = 16
WINDOWS, WINDOW_PX = 96, 16  # whose patches stand for all in a step
BINS = 512
STEP = 0.02
MOMENTUM, SCALE_DECAY = 0.9, 0.99
STRIP_PIXELS = 1 << 18


def synthesize(
    sample: Tensor,
    height: int,
    width: int,
    *,
    seed: int = 0,
    iterations: int = 80,
    passes: int = 2,
    advance: Callable[[float], None] = lambda share: None,
) -> Tensor:
    """A texture [C, height, width] float32 whose patches at all scales are distributed as those of the sample.

    sample [C, h, w] in 0..1, sides of 32 px or more; the result wraps around at its borders, and is not clipped.
    `iterations` are steps at each scale, half as many at the last; `passes` how often patches are then replaced by the
    sample's nearest; 0 leaves the bare optimization. `advance` is told the share 0..1 done. Equal arguments give equal
    results on one kind of processor.
    """
    generator = torch.Generator().manual_seed(seed)
    scales = pyramid(sample)
    sizes = [(max(PATCH_PX, round(height * one)), max(PATCH_PX, round(width * one))) for one, _ in scales]
    work, done = sum(h * w for h, w in sizes), 0
    texture = _scattered(scales[0][1], *sizes[0], generator)
    found: Correspondences | None = None
    for (scale, exemplar), size in zip(scales, sizes, strict=True):

        def told(share: float, before: int = done, pixels: int = size[0] * size[1]) -> None:
            advance((before + 0.8 * share * pixels) / work)

        texture = stretched(texture, *size)
        _Descent(exemplar, texture, generator).run(iterations if scale < 1 else -(-iterations // 2), STEP, told)
        if passes:
            found = _crisp(exemplar, texture, found, passes, generator)
        done += size[0] * size[1]
    if passes:
        # Nearest patches are a little flatter than their choice should be: contrast and color are set right.
        _Descent(scales[-1][1], texture, generator).run(-(-iterations // 8), STEP / 2, lambda share: None)
    advance(1.0)
    return texture


def pyramid(sample: Tensor) -> list[tuple[float, Tensor]]:
    """(scale, the sample at it) from the coarsest, whose short side is `COARSEST_PX` or a little more, to 1."""
    height, width = sample.shape[1:]
    halvings = max(0, math.floor(math.log2(min(height, width) / COARSEST_PX) + 1e-9))
    found = []
    for power in range(halvings, -1, -1):
        size = round(height / 2**power), round(width / 2**power)
        small = functional.interpolate(sample[None], size, mode="bicubic", antialias=True)[0] if power else sample
        found.append((0.5**power, small.contiguous()))
    return found


def stretched(x: Tensor, height: int, width: int) -> Tensor:
    """[C, h, w] -> [C, height, width] by cubic convolution (Keys 1981, a = -0.5); borders wrap."""
    for dimension, size in ((1, height), (2, width)):
        old = x.shape[dimension]
        if old == size:
            continue
        place = (torch.arange(size, dtype=torch.float64) + 0.5) * (old / size) - 0.5
        first = place.floor()
        total: Tensor | None = None
        for tap in range(-1, 3):
            far = (place - first - tap).abs()
            near_part = (1.5 * far - 2.5) * far * far + 1
            far_part = ((-0.5 * far + 2.5) * far - 4) * far + 2
            weight = torch.where(far <= 1, near_part, far_part).float()
            shaped = weight[:, None] if dimension == 1 else weight
            part = x.index_select(dimension, (first.long() + tap) % old).mul_(shaped)
            total = part if total is None else total.add_(part)
        x = x if total is None else total
    return x


def _crisp(
    exemplar: Tensor, texture: Tensor, coarse: Correspondences | None, passes: int, generator: torch.Generator
) -> Correspondences:
    """Replace the patches of `texture`, in place, by the sample's nearest; those of the coarser scale come first."""
    found = Correspondences(exemplar, (texture.shape[1], texture.shape[2]), PATCH_PX, generator)
    if coarse is not None:
        found.continue_from(coarse)
    for _ in range(passes):
        found.search(texture)
        found.blend(texture)
    return found


@dataclass(frozen=True)
class Slices:
    """Directions [K, C·p·p]; for each a table [K, BINS] of how far a value moves, from `low` in steps of `bin`."""

    directions: Tensor
    low: Tensor
    bin: Tensor
    moves: Tensor


class _Descent:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) on the pixels of `texture`, in place, strip by strip."""

    def __init__(self, exemplar: Tensor, texture: Tensor, generator: torch.Generator) -> None:
        self.exemplar, self.texture, self.generator = exemplar, texture, generator
        self.mean, self.square, self.steps = torch.zeros_like(texture), torch.zeros_like(texture), 0

    def run(self, steps: int, rate: float, advance: Callable[[float], None]) -> None:
        """So many steps, the second half of them with a rate that falls to zero."""
        for step in range(steps):
            self.step(rate * min(1.0, 2.0 * (1.0 - step / steps)))
            advance((step + 1) / steps)

    def step(self, rate: float) -> None:
        """Move every pixel by about `rate` along the mean pull of its patches."""
        slices = self._slices()
        height, width = self.texture.shape[1:]
        reach = PATCH_PX - 1
        self.steps += 1
        rows = max(reach, STRIP_PIXELS // width)
        # Rows that a later strip still needs as they were: those above it, and for the last one the first rows.
        first = self.texture[:, :reach].clone()
        above = self.texture[:, -reach:].clone()
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            below = self.texture[:, bottom : bottom + reach]
            missing = reach - below.shape[1]
            strip = torch.cat([above, self.texture[:, top:bottom], below, first[:, :missing]], 1)
            above = strip[:, -2 * reach : strip.shape[1] - reach]
            pull = _pull(functional.pad(strip[None], (reach, reach, 0, 0), mode="circular"), slices)
            self._move(slice(top, bottom), pull, rate)

    def _move(self, rows: slice, pull: Tensor, rate: float) -> None:
        mean, square = self.mean[:, rows], self.square[:, rows]
        mean.lerp_(pull, 1 - MOMENTUM)
        square.mul_(SCALE_DECAY).addcmul_(pull, pull, value=1 - SCALE_DECAY)
        scale = (square / (1 - SCALE_DECAY**self.steps)).sqrt_().add_(1e-8)
        self.texture[:, rows].addcdiv_(mean, scale, value=rate / (1 - MOMENTUM**self.steps))

    def _slices(self) -> Slices:
        size = self.exemplar.shape[0] * PATCH_PX**2
        directions = unit_directions(DIRECTIONS, size, self.generator)
        wanted = projected(self.exemplar, directions, WINDOWS, self.generator)
        present = projected(self.texture, directions, WINDOWS, self.generator)
        return tabulated(directions, present, wanted)


def projected(picture: Tensor, directions: Tensor, windows: int, generator: torch.Generator) -> np.ndarray:
    """Patches of a picture on each direction, sorted: [K, n] float32.

    The patches are all those of `windows` windows drawn anywhere inside it, of `WINDOW_PX`² patches each: a convolution
    is ten times faster than gathering single patches.
    """
    channels = picture.shape[0]
    patch = round((directions.shape[1] / channels) ** 0.5)
    sides = [min(WINDOW_PX, side - patch + 1) + patch - 1 for side in picture.shape[1:]]
    tops, lefts = (
        torch.randint(0, whole - side + 1, (windows,), generator=generator).tolist()
        for whole, side in zip(picture.shape[1:], sides, strict=True)
    )
    shown = torch.stack(
        [picture[:, y : y + sides[0], x : x + sides[1]] for y, x in zip(tops, lefts, strict=True)]
    ).contiguous(memory_format=torch.channels_last)
    filters = directions.reshape(-1, channels, patch, patch).contiguous(memory_format=torch.channels_last)
    values = functional.conv2d(shown, filters).transpose(0, 1).flatten(1)
    # NumPy sorts thirty times faster than torch on processors with AVX-512.
    return np.sort(values.contiguous().numpy(), axis=1)


def tabulated(directions: Tensor, present: np.ndarray, wanted: np.ndarray) -> Slices:
    """The monotone maps that take sorted values to those of equal rank (optimal in one dimension), as tables."""
    low, high = present[:, 0], present[:, -1]
    step = (high - low) / BINS + 1e-9
    centers = low[:, None] + step[:, None] * (np.arange(BINS) + 0.5)
    if present.shape != wanted.shape:  # a texture smaller than a window shows fewer patches
        wanted = at_ranks(wanted, present.shape[1])
    moves = [np.interp(at, have, to) - at for at, have, to in zip(centers, present, wanted, strict=True)]
    return Slices(
        directions, torch.from_numpy(low), torch.from_numpy(step), torch.from_numpy(np.stack(moves).astype(np.float32))
    )


def _pull(strip: Tensor, slices: Slices) -> Tensor:
    """The sum over directions and patches of how far each pixel should move: [1, C, h, w] -> [C, h-2r, w-2r]."""
    filters = slices.directions.reshape(len(slices.directions), strip.shape[1], PATCH_PX, PATCH_PX)
    filters = filters.contiguous(memory_format=torch.channels_last)
    values = functional.conv2d(strip.contiguous(memory_format=torch.channels_last), filters)
    shape = (1, -1, 1, 1)
    places = values.sub_(slices.low.view(shape)).div_(slices.bin.view(shape)).clamp_(0, BINS - 1).int()
    places += (torch.arange(len(filters), dtype=torch.int32) * BINS).view(shape)
    # In the order in memory, channels last: ten times faster than `take`.
    looked_up = slices.moves.flatten().index_select(0, places.permute(0, 2, 3, 1).flatten())
    moves = looked_up.view(1, *values.shape[2:], -1).permute(0, 3, 1, 2)
    back = filters.transpose(0, 1).flip(2, 3).contiguous(memory_format=torch.channels_last)
    return functional.conv2d(moves, back)[0]


def _scattered(exemplar: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Pixels of the exemplar, drawn anywhere."""
    flat = exemplar.flatten(1)
    chosen = torch.randint(0, flat.shape[1], (height * width,), generator=generator)
    return flat[:, chosen].unflatten(1, (height, width)).contiguous()
