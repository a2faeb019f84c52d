"""How a texture is asked for: the options of `vasari texture`. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vasari.foundation.errors import PlanError
from vasari.foundation.plans import check, option
from vasari.tasks.shared_options import device_option

AUTO, OPTIMIZE, GAN = "auto", "optimize", "gan"
SMALLEST_PX = 32
LARGEST_SIDE_PX = 65_500
LARGEST_MEGAPIXELS = 4_000
# The optimization keeps the whole texture and its moments in memory, 36 bytes a pixel; the generator a few tiles.
MOST_OPTIMIZED_PIXELS = 4096 * 4096
_SIZE = re.compile(r"(\d{1,6})\s*[xX×]\s*(\d{1,6})")


@dataclass(frozen=True)
class TexturePlan:
    """What texture is made of a sample; everything here decides the bytes of the result."""

    size: str = option("1024x1024", "WIDTHxHEIGHT of the texture, in pixels")
    tileable: bool = option(False, "the texture continues across its borders, and can be repeated without a seam")
    method: str = option(
        AUTO,
        "'optimize' fits the sliced distributions of patches, needs no training, up to 16.7 megapixels; 'gan' trains a "
        "generator on the sample first, any size; 'auto' takes the first while it can",
        choices=(AUTO, OPTIMIZE, GAN),
    )
    seed: int = option(0, "seed of the noise: another gives another texture of the same kind", minimum=0)
    iterations: int = option(80, "optimize: steps at each scale, half as many at the last", minimum=1, maximum=10_000)
    passes: int = option(
        2, "optimize: passes that put the sample's nearest patches in; 0: soft, nothing copied", minimum=0, maximum=20
    )
    minutes: float = option(4.0, "gan: train for at most so many minutes", minimum=0.01)
    model: str = option("", "gan: a generator trained before, a .safetensors file; nothing is trained then")
    quality: int = option(95, "quality 1..100 of JPEG and WebP results", minimum=1, maximum=100)
    device: str = device_option()

    def __post_init__(self) -> None:
        check(self)
        width, height = self.pixels
        if min(width, height) < SMALLEST_PX:
            raise PlanError(
                f"size={self.size} is smaller than {SMALLEST_PX} px.", remedy=f"use {SMALLEST_PX}x{SMALLEST_PX} or more"
            )
        if max(width, height) > LARGEST_SIDE_PX or width * height > LARGEST_MEGAPIXELS * 1_000_000:
            raise PlanError(
                f"size={self.size} is above {LARGEST_SIDE_PX} px a side or {LARGEST_MEGAPIXELS} megapixels.",
                remedy="make a smaller one with --tileable, and repeat it",
            )
        if self.method == OPTIMIZE and width * height > MOST_OPTIMIZED_PIXELS:
            raise PlanError(
                f"size={self.size} is more than the {MOST_OPTIMIZED_PIXELS / 1e6:.1f} megapixels that the "
                "optimization can hold in memory.",
                remedy="use --method gan, which makes any size, or a smaller size with --tileable",
            )
        if self.method == OPTIMIZE and self.model:
            raise PlanError("method=optimize uses no model.", remedy="leave out --model, or use --method gan")

    @property
    def pixels(self) -> tuple[int, int]:
        """(width, height) of the texture; raises `PlanError` for a malformed size."""
        match = _SIZE.fullmatch(self.size.strip())
        if match is None:
            raise PlanError(f"size={self.size} is no size.", remedy="write WIDTHxHEIGHT in pixels, as 1024x768")
        return int(match[1]), int(match[2])

    @property
    def chosen(self) -> str:
        """The method that 'auto' stands for: the generator where there is one, or where nothing else can."""
        if self.method != AUTO:
            return self.method
        width, height = self.pixels
        return GAN if self.model or width * height > MOST_OPTIMIZED_PIXELS else OPTIMIZE
