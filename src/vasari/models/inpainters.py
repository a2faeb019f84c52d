"""The inpainter: a smooth fill first, then a dense U-Net that knows where the picture is missing.

The smooth fill (`smooth_fill`) looks at the whole picture; the network looks a finite way around a pixel. So
a picture of any size is filled from coarse to fine: small and whole first, then larger in tiles, with the
enlarged smaller result in the place of the smooth fill.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import Residual

# The relaxation at every level of the smooth fill; more sweeps no longer change what one can see.
SWEEPS, MOMENTUM = 16, 0.8
TENSION = 0.3
LEAST_KNOWN = 1e-6


class DilatedResidual(Residual):
    """A `Residual` whose convolutions skip `dilation` - 1 pixels between their taps, to see further."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__(width)
        for layer in (self.first, self.second):
            layer.padding, layer.dilation = (dilation, dilation), (dilation, dilation)


class Inpainter(nn.Module):
    """Fill what a mask says is missing, given a first fill.

    A U-Net (Ronneberger et al. 2015, arXiv:1505.04597) over 2×2 pixel blocks (pixel-unshuffle, as FFDNet,
    arXiv:1710.04026) with added skips and no normalization, so that it has a finite halo; its bottom, at a
    sixteenth, is dilated (Yu & Koltun 2016, arXiv:1511.07122) to bridge holes. It predicts the difference to
    the first fill. `multiple_of` is 16. Departs from inpainters with a critic or partial convolutions (Liu et
    al. 2018, arXiv:1804.07723): the hole is filled before the first convolution sees it.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int] = (32, 64, 128, 256),
        depths: tuple[int, int, int, int, int, int] = (1, 1, 2, 2, 1, 1),
        dilations: Sequence[int] = (1, 2),
    ) -> None:
        super().__init__()
        high, middle, low, bottom = widths
        self.head = nn.Conv2d(16, high, 3, padding=1)
        self.down_stack_1 = _stack(high, depths[0])
        self.down_1 = nn.Conv2d(high, middle, 2, stride=2)
        self.down_stack_2 = _stack(middle, depths[1])
        self.down_2 = nn.Conv2d(middle, low, 2, stride=2)
        self.down_stack_3 = _stack(low, depths[2])
        self.down_3 = nn.Conv2d(low, bottom, 2, stride=2)
        self.bottom = nn.Sequential(*(DilatedResidual(bottom, dilation) for dilation in dilations))
        self.up_3 = nn.Conv2d(bottom, low, 1)
        self.up_stack_3 = _stack(low, depths[3])
        self.up_2 = nn.Conv2d(low, middle, 1)
        self.up_stack_2 = _stack(middle, depths[4])
        self.up_1 = nn.Conv2d(middle, high, 1)
        self.up_stack_1 = _stack(high, depths[5])
        self.tail = nn.Conv2d(high, 12, 3, padding=1)
        nn.init.normal_(self.tail.weight, std=1e-3)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, filled: Tensor, mask: Tensor) -> Tensor:
        """filled [N, 3, h, w] in 0..1 with a first fill in the hole, mask [N, 1, h, w], 1 = missing -> [N, 3, h, w].

        Outside the mask the result is what came in, to the bit. Any size; float32.
        """
        height, width = filled.shape[2:]
        padding = (0, -width % 16, 0, -height % 16)
        source = functional.pad(filled.float(), padding, mode="replicate")
        hole = functional.pad(mask.float(), padding, mode="replicate")
        change = self._change(torch.cat([source - 0.5, hole], 1))
        return torch.where(mask > 0, filled + change[..., :height, :width], filled)

    def _change(self, planes: Tensor) -> Tensor:
        """The U-Net: [N, 4, h, w], sides multiples of 16 -> [N, 3, h, w] float32."""
        blocks = functional.pixel_unshuffle(planes, 2).contiguous(memory_format=torch.channels_last)
        high = self.down_stack_1(self.head(blocks))
        middle = self.down_stack_2(self.down_1(high))
        low = self.down_stack_3(self.down_2(middle))
        low = low + _doubled(self.up_3(self.bottom(self.down_3(low))))
        middle = middle + _doubled(self.up_2(self.up_stack_3(low)))
        high = high + _doubled(self.up_1(self.up_stack_2(middle)))
        return functional.pixel_shuffle(self.tail(self.up_stack_1(high)).float(), 2)


def _stack(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(Residual(width) for _ in range(depth)))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")


def smooth_fill(pixels: Tensor, mask: Tensor) -> Tensor:
    """The hole filled from its border, smoothly: pixels [N, C, h, w], mask [N, 1, h, w], 1 = missing -> [N, C, h, w].

    What `pixels` holds inside the mask is not looked at; float32. Pull-push (Gortler et al. 1996, The
    Lumigraph, 3.4.2): means of what is known, ever coarser until nothing is missing, and back. At every level
    the fill is relaxed towards a surface under tension, Δ²u = τ·Δu (Schweikert 1966; Smith & Wessel 1990): it goes on
    across the border in the direction it had there, as the biharmonic surface does, without its overshoots
    in large holes. Where nothing at all is known the fill is mid-grey.
    """
    with torch.autocast(pixels.device.type, enabled=False):
        known = (mask <= 0).float()
        return _filled(torch.where(mask > 0, 0.0, pixels.float()), known)


def _filled(sums: Tensor, known: Tensor) -> Tensor:
    """`sums` [N, C, h, w] are means of known pixels times their share `known` [N, 1, h, w] in 0..1."""
    missing = known < LEAST_KNOWN
    if not bool(missing.any()):
        return sums / known
    height, width = sums.shape[2:]
    if max(height, width) == 1:
        return torch.where(missing, 0.5, sums / known.clamp(min=LEAST_KNOWN))
    coarse = _filled(_halved(sums), _halved(known))
    coarse = functional.interpolate(coarse, scale_factor=2.0, mode="bicubic", align_corners=False)
    fill = torch.where(missing, coarse[..., :height, :width], sums / known.clamp(min=LEAST_KNOWN))
    return _relaxed(fill, missing.float())


def _relaxed(fill: Tensor, missing: Tensor) -> Tensor:
    """Some steps of gradient descent with momentum on bending and tension, inside the hole alone."""
    step, speed = 1.9 / (64 + 8 * TENSION), torch.zeros_like(fill)  # 64 and 8: the largest eigenvalues of Δ² and -Δ
    for _ in range(SWEEPS):
        bent = _laplacian(fill)
        speed = MOMENTUM * speed - step * missing * (_laplacian(bent) - TENSION * bent)
        fill = fill + speed
    return fill


def _laplacian(planes: Tensor) -> Tensor:
    """The five-point Laplacian, the border repeated."""
    around = functional.pad(planes, (1, 1, 1, 1), mode="replicate")
    beside = around[..., 1:-1, :-2] + around[..., 1:-1, 2:]
    return around[..., :-2, 1:-1] + around[..., 2:, 1:-1] + beside - 4 * planes


def coarser(pixels: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Both at half their size, rounded up: a pixel is the mean of what is known below it, missing where nothing is.

    pixels [N, C, h, w], mask [N, 1, h, w] -> [N, C, h', w'] float32, 0 where missing, and [N, 1, h', w'].
    """
    known = (mask <= 0).float()
    sums, share = (_halved(one) for one in (pixels.float() * known, known))
    missing = share < LEAST_KNOWN
    return torch.where(missing, 0.0, sums / share.clamp(min=LEAST_KNOWN)), missing.float()


def enlarged(pixels: Tensor, size: Sequence[int]) -> Tensor:
    """What `coarser` made small, at twice its size, bilinearly, cut to `size` (rows, columns)."""
    # Plane by plane: three channels together torch rounds in one way on one thread, and in another on several.
    planes = pixels.reshape(-1, 1, *pixels.shape[2:])
    doubled = functional.interpolate(planes, scale_factor=2.0, mode="bilinear", align_corners=False)
    return doubled[..., : size[0], : size[1]].reshape(*pixels.shape[:2], *size)


def _halved(planes: Tensor) -> Tensor:
    return functional.avg_pool2d(planes, 2, ceil_mode=True, count_include_pad=False)
