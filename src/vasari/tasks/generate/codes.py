"""What is done with a generator's codes: pure functions, from noise to pictures.

Codes are float32 [N, layers, code]. Noise is mapped and codes are painted one at a time, since a matrix product
may round otherwise in another company: so a picture does not depend on those that are made beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from vasari.foundation.errors import PlanError
from vasari.models.generators import Generator

MEAN_SAMPLES = 4096
MEAN_SEED = 0


def noise_of(seed: int, index: int, latent: int) -> Tensor:
    """Standard normal noise [1, latent] of picture `index` (from 0) of a seed, made from the two alone."""
    numbers = np.random.default_rng([seed, index]).standard_normal((1, latent), dtype=np.float32)
    return torch.from_numpy(numbers)


@torch.inference_mode()
def mapped(generator: Generator, noise: Tensor) -> Tensor:
    """Noise [N, latent] -> codes [N, layers, code] on the generator's device."""
    device = next(generator.parameters()).device
    return torch.cat([generator.map(one.to(device)).float() for one in noise.split(1)])


@torch.inference_mode()
def painted(generator: Generator, codes: Tensor) -> Tensor:
    """Codes -> pictures [N, 3, px, px] in 0..1 on the CPU."""
    device = next(generator.parameters()).device
    return torch.cat([generator.paint(one.to(device)).float().clamp(0, 1).cpu() for one in codes.split(1)])


@torch.inference_mode()
def codes_are_noise(generator: Generator) -> bool:
    """True where a generator maps noise to itself (DCGAN): its codes are then normal around zero."""
    noise = noise_of(MEAN_SEED, 0, generator.latent).to(next(generator.parameters()).device)
    codes = generator.map(noise)
    return tuple(codes.shape) == (1, 1, generator.latent) and torch.equal(codes[:, 0], noise)


@torch.inference_mode()
def mean_code(generator: Generator) -> Tensor:
    """The mean [1, layers, code] of the codes of 4096 fixed noises; exactly zero where codes are noise."""
    device = next(generator.parameters()).device
    if codes_are_noise(generator):
        return torch.zeros(1, 1, generator.latent, device=device)
    noise = torch.from_numpy(
        np.random.default_rng(MEAN_SEED).standard_normal((MEAN_SAMPLES, generator.latent), dtype=np.float32)
    )
    return generator.map(noise.to(device)).float().mean(0, keepdim=True)


def truncated(codes: Tensor, mean: Tensor, share: float) -> Tensor:
    """mean + share × (codes - mean), share 0..1 (Karras et al. 2019, arXiv:1812.04948, appendix B: ψ).

    All layers are pulled alike, where the paper spares the fine ones.
    """
    return codes if share == 1 else torch.lerp(mean.expand_as(codes), codes, share)


def mixed(codes: Tensor, fine: Tensor, first: int) -> Tensor:
    """The layers from `first` (from 0) on of `fine` [1, layers, code], those before of `codes` [N, layers, code].

    Karras et al. 2019 (arXiv:1812.04948), section 3.1. Raises `PlanError` where that leaves one side nothing.
    """
    layers = codes.shape[1]
    if not 0 < first < layers:
        reason = f"The model has {layers} layers" if layers > 1 else "The model has one layer, and cannot mix"
        rule = f": mix_from={first + 1} leaves one of the two pictures none." if layers > 1 else "."
        remedy = f"use --mix-from 2 to {layers}" if layers > 1 else "leave out --mix, or use a residual-generator"
        raise PlanError(reason + rule, remedy=remedy)
    return torch.cat([codes[:, :first], fine[:, first:].expand(len(codes), -1, -1)], 1)


def walked(stops: Sequence[Tensor], steps: int, *, spherical: bool, one_way: bool = False) -> Iterator[Tensor]:
    """Codes [1, layers, code] on the way from stop to stop, `steps` from one to the next; the stops are among them.

    `one_way` ends at the last stop; else the way leads back to the first, which is not given twice.
    """
    ends = [*stops[1:]] if one_way else [*stops[1:], stops[0]]
    for start, end in zip(stops, ends, strict=False):
        for step in range(steps):
            yield between(start, end, step / steps, spherical=spherical) if step else start
    if one_way:
        yield stops[-1]


def between(start: Tensor, end: Tensor, share: float, *, spherical: bool) -> Tensor:
    """A code `share` 0..1 of the way between two: on the straight line, or along the great circle.

    Spherical for noise, whose length hardly varies in many dimensions while the straight line leads through shorter
    ones (Shoemake 1985, Animating rotation with quaternion curves; White 2016, arXiv:1609.04468).
    """
    if not spherical:
        return torch.lerp(start, end, share)
    cosine = torch.nn.functional.cosine_similarity(start.double(), end.double(), dim=-1).clamp(-1, 1)[..., None]
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    # Where both point the same way (or opposite ways, and no circle is the shortest) the straight line serves.
    flat = sine < 1e-6
    safe = torch.where(flat, 1.0, sine)
    first = torch.where(flat, 1 - share, torch.sin((1 - share) * angle) / safe)
    second = torch.where(flat, share, torch.sin(share * angle) / safe)
    return (first * start + second * end).to(start.dtype)


def moved(codes: Tensor, ways: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Codes plus amount × vector [layers, code] for each way."""
    for vector, amount in ways:
        codes = codes + amount * vector.to(codes)
    return codes
