"""A critic that looks at pictures through features that were learned before: it begins with a trained eye."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.encoders import Encoder

BLOCK_CHANNELS = 12  # of 2×2 pixels
DEPTHS = 3  # of the encoder: 1/2, 1/4 and 1/8 of the picture, where grain, edges and textures are told
HEAD_WIDTH = 64
RELATIVE_TO = 1e-3  # added to a depth's mean, so that features that are silent everywhere do not divide by 0


class ProjectedCritic(nn.Module):
    """Scores by small heads over the picture itself and over features of a frozen `Encoder`.

    Projected GAN (Sauer et al. 2021, arXiv:2111.01007, section 3), of which it keeps the frozen features and a head for
    each depth; its random mixing of depths is left out. Only the heads learn. One that is `conditional` is also shown
    what a picture was made from (Isola et al. 2017, arXiv:1611.07004, eq. 1): its finest head sees what was changed.
    """

    def __init__(self, encoder: Encoder, width: int = HEAD_WIDTH, conditional: bool = False) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False)
        self.conditional = conditional
        finest = 2 * BLOCK_CHANNELS if conditional else BLOCK_CHANNELS
        self.heads = nn.ModuleList(_head(inner, width) for inner in (finest, *encoder.widths[:DEPTHS]))

    def forward(self, pixels: Tensor, given: Tensor | None = None) -> Tensor:
        """[N, 3, h, w] in 0..1, sides multiples of 16 -> scores [N, 4, h/4, w/4], unbounded.

        `given`, of the same shape, is what the pixels were made from: for a conditional critic, and for no other, or
        it raises `ValueError`. The scores of coarser depths are repeated, so that in a mean over all of them each
        depth counts alike.
        """
        if self.conditional != (given is not None):
            raise ValueError("a conditional critic, and no other, is shown what a picture was made from")
        seen = pixels if given is None else torch.cat([pixels, given - pixels], dim=1)
        blocks = functional.pixel_unshuffle(seen * 2 - 1, 2).contiguous(memory_format=torch.channels_last)
        maps = [head(x).float() for head, x in zip(self.heads, (blocks, *self.features(pixels)), strict=True)]
        size = maps[0].shape[2:]
        return torch.cat([functional.interpolate(one, size, mode="nearest") for one in maps], dim=1)

    def features(self, pixels: Tensor) -> list[Tensor]:
        """[N, 3, h, w] in 0..1 -> what the encoder sees at 1/2, 1/4 and 1/8."""
        found: list[Tensor] = self.encoder(pixels, DEPTHS)
        return found

    def reach(self) -> int:
        """How far a score sees: so many pixels before the first pixel of its block, one more after it.

        Of the coarsest depth, whose blocks are of 16 px; all others see less far. Each 3×3 convolution adds one step.
        """
        step, px = 2, 0
        for depth, stage in enumerate(list(self.encoder.stages)[:DEPTHS]):
            finer, step = (step, step) if depth == 0 else (step, 2 * step)
            # A stage's first convolution looks at the finer map before it; so does a head's second.
            px += finer + (len(cast(nn.ModuleList, stage)) - 1) * step
        return px + step + step + 2 * step

    def distance(self, made: Tensor, truth: Tensor) -> Tensor:
        """How far the features of pictures [N, 3, h, w] are from those of the truth, scalar, 0 for equal ones.

        The perceptual loss (Johnson et al. 2016, arXiv:1603.08155, eq. 2), in absolute differences, each depth relative
        to the mean of the truth's features.
        """
        with torch.no_grad():
            wanted = [one.float() for one in self.features(truth)]
        apart = [
            (mine.float() - theirs).abs().mean() / (theirs.mean() + RELATIVE_TO)
            for mine, theirs in zip(self.features(made), wanted, strict=True)
        ]
        return torch.stack(apart).sum()


def _head(inner: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inner, width, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, width, 3, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 1, 3, padding=1),
    )
