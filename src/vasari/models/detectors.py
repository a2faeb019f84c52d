"""The detector: where a scan is scratched, dusty, cracked, folded or stained, for each of its pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import Residual

MULTIPLE_OF = 8
RARE = -3.0  # logit of damage that a fresh detector tells everywhere


class Detector(nn.Module):
    """The probability that a defect covers a pixel: [N, 3, h, w] in 0..1 sRGB -> logits [N, 1, h, w], float32.

    A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) that works on 2×2 pixel blocks (pixel-unshuffle, as FFDNet,
    arXiv:1710.04026), adds skips instead of joining them, and has no normalization. Finding marks apart from removing
    them follows Wan et al. 2020 (arXiv:2004.09484, section 3.3). Sides are multiples of 8.
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (32, 64, 96),
        depths: tuple[int, int, int, int, int] = (1, 1, 3, 1, 1),
    ) -> None:
        super().__init__()
        high, middle, low = widths
        self.head = nn.Conv2d(12, high, 3, padding=1)
        self.down_stack_1 = _stack(high, depths[0])
        self.down_1 = nn.Conv2d(high, middle, 2, stride=2)
        self.down_stack_2 = _stack(middle, depths[1])
        self.down_2 = nn.Conv2d(middle, low, 2, stride=2)
        self.bottom = _stack(low, depths[2])
        self.up_2 = nn.Conv2d(low, middle, 1)
        self.up_stack_2 = _stack(middle, depths[3])
        self.up_1 = nn.Conv2d(middle, high, 1)
        self.up_stack_1 = _stack(high, depths[4])
        self.tail = nn.Conv2d(high, 4, 3, padding=1)
        nn.init.zeros_(self.tail.weight)
        nn.init.constant_(self.tail.bias, RARE)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        blocks = functional.pixel_unshuffle(pixels * 2 - 1, 2).contiguous(memory_format=torch.channels_last)
        high = self.down_stack_1(self.head(blocks))
        middle = self.down_stack_2(self.down_1(high))
        low = self.bottom(self.down_2(middle))
        middle = self.up_stack_2(middle + functional.interpolate(self.up_2(low), scale_factor=2.0, mode="nearest"))
        high = self.up_stack_1(high + functional.interpolate(self.up_1(middle), scale_factor=2.0, mode="nearest"))
        return functional.pixel_shuffle(self.tail(high).float(), 2)


@torch.no_grad()
def found_marks(detector: Detector, pixels: Tensor) -> Tensor:
    """The probability [N, 1, h, w] that a mark covers a pixel of [N, 3, h, w], of any size, in 0..1 sRGB; float32."""
    height, width = pixels.shape[2:]
    padding = (0, -width % MULTIPLE_OF, 0, -height % MULTIPLE_OF)
    logits = detector(functional.pad(pixels.clamp(0, 1), padding, mode="replicate"))
    return torch.sigmoid(logits[..., :height, :width].float())


def _stack(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(depth)))
