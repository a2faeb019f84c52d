"""Building blocks shared by networks: residual blocks steered by a context vector, resampling, curves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional


class Residual(nn.Module):
    """x + conv(relu(conv(x))), 3×3, without normalization (which has no finite halo).

    The second convolution starts near zero, so that a fresh network is close to the identity. The
    activations are written in place: on a CPU their allocation costs as much as the convolution.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.1)
            self.second.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """[N, width, h, w] -> [N, width, h, w]."""
        return self.second(functional.relu_(self.first(x))).add_(x)


class SteeredStack(nn.Module):
    """`depth` residual blocks; a context vector scales and shifts what enters them.

    x·(1+γ)+β with γ and β linear in the context (FiLM, Perez et al. 2018, arXiv:1709.07871, eq. 1),
    once a stack instead of once a block, which is a tenth faster.
    """

    def __init__(self, width: int, context: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(width) for _ in range(depth))
        self.steer = nn.Linear(context, 2 * width)
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """[N, width, h, w], [N, context] -> [N, width, h, w]."""
        scale, shift = self.steer(context)[:, :, None, None].to(x.dtype).chunk(2, dim=1)
        x = torch.addcmul(shift, x, 1 + scale)
        for block in self.blocks:
            x = block(x)
        return x


def smoothed(pixels: Tensor) -> Tensor:
    """[N, C, h, w] filtered by 1 2 1 across and down, edges repeated: what alternates from pixel to pixel is gone."""
    wide = functional.pad(pixels, (1, 1, 1, 1), mode="replicate")
    return functional.avg_pool2d(functional.avg_pool2d(wide, 2, stride=1), 2, stride=1)


class _Curve(Function):
    """y = base[bin] + slope[bin]·x with tables that differ by picture and channel.

    Written as its own function because the gradient of a table lookup is a histogram, ten times
    cheaper on a CPU than the sum of clamped pieces that automatic differentiation would take.
    """

    @staticmethod
    def forward(context: Any, x: Tensor, base: Tensor, slope: Tensor) -> Tensor:
        rows, bins = base.shape
        index = (x.detach() * bins).long().clamp_(0, bins - 1)
        index += torch.arange(rows, device=x.device)[:, None] * bins
        context.save_for_backward(x, index, slope)
        return base.reshape(-1)[index] + slope.reshape(-1)[index] * x

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        (gradient,) = gradients
        x, index, slope = context.saved_tensors
        flat, size = index.reshape(-1), slope.numel()
        to_base = torch.bincount(flat, gradient.reshape(-1), minlength=size).reshape(slope.shape)
        to_slope = torch.bincount(flat, (gradient * x).reshape(-1), minlength=size).reshape(slope.shape)
        to_x = gradient * slope.reshape(-1)[index] if context.needs_input_grad[0] else None
        return to_x, to_base.to(slope.dtype), to_slope.to(slope.dtype)


def apply_curves(pixels: Tensor, start: Tensor, slopes: Tensor) -> Tensor:
    """Piecewise linear curves over 0..1, continued as straight lines outside.

    pixels [N, C, H, W]; start [N, C], the value at 0; slopes [N, C, K], positive where the curve is to
    be monotone, one for each of K equal pieces. Returns [N, C, H, W] float32.
    """
    count, channels, height, width = pixels.shape
    pieces = slopes.shape[-1]
    rises = functional.pad(slopes.cumsum(-1)[..., :-1], (1, 0)) / pieces
    left_edges = torch.arange(pieces, device=pixels.device, dtype=slopes.dtype) / pieces
    base = start[..., None] + rises - slopes * left_edges
    flat = pixels.float().reshape(count * channels, height * width)
    out = _Curve.apply(flat, base.reshape(count * channels, pieces), slopes.reshape(count * channels, pieces))
    return out.reshape(count, channels, height, width)


def whole_window(pixels: Tensor) -> Tensor:
    """The window [N, 4] that says of pixels [N, C, h, w]: this is the whole picture."""
    return torch.tensor([[0.0, 0.0, 1.0, 1.0]], device=pixels.device).expand(len(pixels), 4)


def window_field(field: Tensor, window: Tensor, height: int, width: int) -> Tensor:
    """The part of a coarse field that lies under a window of the picture, enlarged bilinearly.

    field [N, C, g, g] covers the whole picture, its outer samples at the centers of its border cells;
    window [N, 4] holds top, left, bottom, right as fractions of the picture. Returns [N, C, height,
    width]; sampled so that tiles of one picture agree with the whole to rounding.
    """
    top, left, bottom, right = (window[:, i, None] for i in range(4))
    steps_y = (torch.arange(height, device=field.device, dtype=window.dtype) + 0.5) / height
    steps_x = (torch.arange(width, device=field.device, dtype=window.dtype) + 0.5) / width
    y = (top + (bottom - top) * steps_y) * 2 - 1
    x = (left + (right - left) * steps_x) * 2 - 1
    grid = torch.stack(
        [x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)],
        dim=-1,
    )
    return functional.grid_sample(field, grid.to(field.dtype), padding_mode="border", align_corners=False)
