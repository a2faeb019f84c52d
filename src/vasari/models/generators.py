"""Generators: networks that make pictures out of noise, all asked in the same two steps.

    codes = generator.map(noise)      # [N, latent] -> [N, layers, code]
    pictures = generator.paint(codes) # [N, layers, code] -> [N, 3, px, px]

Codes are what one edits: truncation moves them towards their mean, a walk goes from one to another, a
direction is added to them, and style mixing takes some layers of one and the rest of another.
"""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import PlanError
from vasari.models.blocks import smoothed

SMALLEST_PX = 4
NORMALIZATIONS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d, "none": lambda _: nn.Identity()}
)


class Generator(nn.Module, ABC):
    """What all generators have in common: `latent` numbers of noise in, `layers` codes between, `px` square out."""

    latent: int
    layers: int
    px: int

    @abstractmethod
    def map(self, noise: Tensor) -> Tensor:
        """Standard normal noise [N, latent] -> codes [N, layers, code]."""

    @abstractmethod
    def paint(self, codes: Tensor) -> Tensor:
        """Codes [N, layers, code] -> pictures [N, 3, px, px], nominally 0..1."""

    def forward(self, noise: Tensor) -> Tensor:
        """Standard normal noise [N, latent] -> pictures [N, 3, px, px], nominally 0..1."""
        return self.paint(self.map(noise))


class DcganGenerator(Generator):
    """The generator of DCGAN (Radford et al. 2016, arXiv:1511.06434, figure 1): transposed convolutions, batch norm.

    `width` is that of the last hidden layer (64 in the common code for 64 px); each layer before it is twice as
    wide. The noise itself is its one code. Values are 0..1 where the paper has -1..1.
    """

    def __init__(self, px: int = 64, latent: int = 100, width: int = 64, normalization: str = "batch") -> None:
        super().__init__()
        doublings = doublings_of(px)
        self.latent, self.layers, self.px = latent, 1, px
        widths = [width * 2**power for power in reversed(range(doublings))]
        bias = normalization == "none"
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, widths[0], SMALLEST_PX, 1, 0, bias=bias)]
        for a, b in itertools.pairwise(widths):
            layers += [normalized(a, normalization), nn.ReLU(), nn.ConvTranspose2d(a, b, 4, 2, 1, bias=bias)]
        layers += [normalized(widths[-1], normalization), nn.ReLU(), nn.ConvTranspose2d(widths[-1], 3, 4, 2, 1)]
        self.stack = nn.Sequential(*layers)
        self.apply(dcgan_weights)

    def map(self, noise: Tensor) -> Tensor:
        """The noise itself, [N, latent] -> [N, 1, latent]."""
        return noise[:, None]

    def paint(self, codes: Tensor) -> Tensor:
        """[N, 1, latent] -> [N, 3, px, px] in 0..1."""
        return torch.tanh(self.stack(codes[:, 0, :, None, None])) * 0.5 + 0.5


class ResidualGenerator(Generator):
    """A residual generator without normalization, steered by a code at every resolution.

    After R3GAN (Huang et al. 2024, arXiv:2501.05441: residual blocks, bilinear resampling, no normalization; the
    second convolution starts at a quarter of its size, not at zero), with a mapping network and pictures summed over
    resolutions (Karras et al. 2020, arXiv:1912.04958, figure 7b). Departs from both for the CPU's sake: plain 3×3
    convolutions in place of grouped ones, and each resolution gives blocks of 2×2 pixels, whose seams a small fixed
    filter takes out.
    `widths` from 4 px on, each of the next resolution; the picture is twice as large as the last one.
    """

    def __init__(self, widths: tuple[int, ...] = (256, 192, 128, 64), latent: int = 128, code: int = 128) -> None:
        super().__init__()
        if not widths:
            raise PlanError("widths=[] names no resolution.", remedy="give one width a resolution, from 4 px on")
        self.latent, self.layers, self.px = latent, len(widths), SMALLEST_PX * 2 ** len(widths)
        self.mapping = nn.Sequential(nn.Linear(latent, code), nn.LeakyReLU(0.2), nn.Linear(code, code))
        self.start = nn.Linear(code, widths[0] * SMALLEST_PX**2)
        self.stages = nn.ModuleList(SteeredStage(a, b, code) for a, b in itertools.pairwise((widths[0], *widths)))
        self.heads = nn.ModuleList(nn.Conv2d(width, 12, 3, padding=1) for width in widths)
        for layer in (self.mapping[0], self.mapping[2], self.start):
            nn.init.kaiming_normal_(layer.weight, a=0.2)  # type: ignore[arg-type, union-attr]
        for head in self.heads:
            _begin_without_checkerboard(head)

    def map(self, noise: Tensor) -> Tensor:
        """[N, latent] -> [N, layers, code]: one code, given to every layer; noise of any length counts the same."""
        length = noise.float().square().mean(1, keepdim=True).add(1e-8).rsqrt()
        return self.mapping(noise * length)[:, None].expand(-1, self.layers, -1)

    def paint(self, codes: Tensor) -> Tensor:
        """[N, layers, code] -> [N, 3, px, px], nominally 0..1."""
        x = self.start(codes[:, 0]).unflatten(1, (-1, SMALLEST_PX, SMALLEST_PX))
        x = x.contiguous(memory_format=torch.channels_last)
        picture: Tensor | None = None
        for position, (stage, head) in enumerate(zip(self.stages, self.heads, strict=True)):
            if position:
                x = twice(x)
            x = stage(x, codes[:, position])
            made = smoothed(functional.pixel_shuffle(head(x), 2).float())
            picture = made if picture is None else made + twice(picture)
        if picture is None:
            raise PlanError("The generator has no resolution.", remedy="give it widths")
        return picture * 0.5 + 0.5


class SteeredStage(nn.Module):
    """Two 3×3 convolutions beside the identity; a code scales and shifts what enters them."""

    def __init__(self, a: int, b: int, code: int) -> None:
        super().__init__()
        self.change = nn.Conv2d(a, b, 1, bias=False) if a != b else nn.Identity()
        self.steer = nn.Linear(code, 2 * b)
        self.first = nn.Conv2d(b, b, 3, padding=1)
        self.second = nn.Conv2d(b, b, 3, padding=1)
        with torch.no_grad():
            self.steer.weight.mul_(0.5)
            self.steer.bias.zero_()
            for layer in (self.first, self.second):
                nn.init.kaiming_normal_(layer.weight, a=0.2)
            self.second.weight.mul_(0.25)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """[N, a, h, w], [N, code] -> [N, b, h, w]."""
        x = self.change(x)
        scale, shift = self.steer(code)[:, :, None, None].to(x.dtype).chunk(2, dim=1)
        inner = functional.leaky_relu(torch.addcmul(shift, x, 1 + scale), 0.2)
        return x + self.second(functional.leaky_relu(self.first(inner), 0.2))


@torch.no_grad()
def _begin_without_checkerboard(head: nn.Module) -> None:
    """Give the four pixels of a block equal first weights (Aitken et al. 2017, arXiv:1707.02937)."""
    for parameter in head.parameters():
        one = 0.3 * parameter.unflatten(0, (3, 4))[:, :1]
        parameter.copy_(one.expand(-1, 4, *parameter.shape[1:]).flatten(0, 1))


def doublings_of(px: int) -> int:
    """How many times 4 px are doubled to reach `px`; raises `PlanError` where they cannot be."""
    doublings = round(math.log2(px / SMALLEST_PX)) if px > 0 else 0
    if doublings < 1 or SMALLEST_PX * 2**doublings != px:
        raise PlanError(f"px={px} is no power of two of 8 or more.", remedy="use 32, 64 or 128")
    return doublings


def normalized(width: int, normalization: str) -> nn.Module:
    """A layer that normalizes [N, width, h, w]: "batch", "instance" or "none"; raises `PlanError` for another."""
    if normalization not in NORMALIZATIONS:
        listed = ", ".join(NORMALIZATIONS)
        raise PlanError(f"normalization={normalization} is not known.", remedy=f"choose from: {listed}")
    return NORMALIZATIONS[normalization](width)


def twice(x: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, C, 2h, 2w], bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def dcgan_weights(module: nn.Module) -> None:
    """First weights as in the paper, section 3: normal, deviation 0.02; gains about 1."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
