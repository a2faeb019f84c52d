"""The stylizer: the features of a picture, given the statistics of a style, back to a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import Residual, smoothed
from vasari.models.encoders import WIDTHS
from vasari.models.style import Moments, normalized_as


class _Stage(nn.Module):
    """One resolution: what comes from below joins the restyled features, is steered by the style, and refined."""

    def __init__(self, below: int, features: int, width: int, depth: int, context: int) -> None:
        super().__init__()
        self.raise_ = nn.Conv2d(below, width, 3, padding=1)
        self.enter = nn.Conv2d(features, width, 1)
        self.steer = nn.Linear(context, 2 * width)
        nn.init.zeros_(self.steer.weight)
        nn.init.zeros_(self.steer.bias)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(depth))

    def forward(self, below: Tensor, features: Tensor, context: Tensor) -> Tensor:
        """[N, below, h/2, w/2], [N, features, h, w], [N, context] -> [N, width, h, w]."""
        raised = self.raise_(functional.interpolate(below, scale_factor=2.0, mode="bilinear"))
        scale, shift = self.steer(context)[:, :, None, None].to(raised.dtype).chunk(2, dim=1)
        x = functional.relu(torch.addcmul(shift, raised + self.enter(features), 1 + scale))
        for block in self.blocks:
            x = block(x)
        return x


class StyleDecoder(nn.Module):
    """What makes a picture of features and the moments of a style."""

    def forward(self, features: list[Tensor], content: Moments, style: Moments) -> Tensor:
        """Features [N, C, h/2^d, w/2^d] of depths 1..4, moments of the whole content and of the style -> [N, 3, h, w].

        In training mode the result is not clipped, since a clipped pixel passes no gradient.
        """
        raise NotImplementedError


class Stylizer(StyleDecoder):
    """Features of a picture, normalized as a style's, decoded to pixels in 0..1.

    Adaptive instance normalization (Huang & Belongie 2017, arXiv:1703.06868, eq. 8) at four depths of the encoder in
    the place of one, so that palette, strokes and larger forms each take the style's statistics, and a decoder that is
    steered by them (FiLM, Perez et al. 2018, arXiv:1709.07871; as in Ghiasi et al. 2017, arXiv:1705.06830). It has no
    normalization of its own: with the content's moments fixed, a place depends on its surroundings alone. Works at
    half resolution and leaves by pixel-shuffle, whose four pixels begin alike (Aitken et al. 2017, arXiv:1707.02937),
    and a fixed filter 1 2 1, without which the losses of fine texture drive a checkerboard into them (Sugawara et al.
    2018, arXiv:1806.02658).
    """

    def __init__(
        self,
        widths: tuple[int, int, int] = (32, 96, 128),
        depths: tuple[int, int, int] = (1, 2, 2),
        context: int = 96,
        features: tuple[int, ...] = WIDTHS,
    ) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.describe = nn.Sequential(nn.Linear(2 * sum(features), context), nn.ReLU(), nn.Linear(context, context))
        self.deepest = nn.Conv2d(features[3], eighth, 3, padding=1)
        self.at_eighth = _Stage(eighth, features[2], eighth, depths[2], context)
        self.at_quarter = _Stage(eighth, features[1], quarter, depths[1], context)
        self.at_half = _Stage(quarter, features[0], half, depths[0], context)
        self.tail = nn.Conv2d(half, 12, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.copy_(self.tail.weight[::4].repeat_interleave(4, 0))
            nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, features: list[Tensor], content: Moments, style: Moments) -> Tensor:
        """See `StyleDecoder.forward`."""
        restyled = [normalized_as(one, content, style, depth) for depth, one in enumerate(features)]
        context = self.describe(style.vector().log1p())
        x = functional.relu(self.deepest(restyled[3]))
        x = self.at_eighth(x, restyled[2], context)
        x = self.at_quarter(x, restyled[1], context)
        x = self.at_half(x, restyled[0], context)
        made = smoothed(functional.pixel_shuffle(self.tail(functional.relu(x)).float(), 2)) * 0.5 + 0.5
        return made if self.training else made.clamp(0, 1)


class PlainStylizer(StyleDecoder):
    """Adaptive instance normalization at one depth, and a decoder that knows nothing else: for comparison.

    As Huang & Belongie 2017 (arXiv:1703.06868, figure 2): the features at 1/8, where their relu4_1 lies, are given the
    moments of the style, and decoded. Of about the size of `Stylizer`, with its filter at the end.
    """

    def __init__(
        self, widths: tuple[int, int, int] = (32, 96, 128), depth: int = 3, features: tuple[int, ...] = WIDTHS
    ) -> None:
        super().__init__()
        half, quarter, eighth = widths
        self.enter = nn.Conv2d(features[2], eighth, 3, padding=1)
        self.at_eighth = nn.ModuleList(Residual(eighth) for _ in range(depth))
        self.to_quarter = nn.Conv2d(eighth, quarter, 3, padding=1)
        self.at_quarter = nn.ModuleList(Residual(quarter) for _ in range(depth - 1))
        self.to_half = nn.Conv2d(quarter, half, 3, padding=1)
        self.at_half = nn.ModuleList(Residual(half) for _ in range(depth - 2))
        self.tail = nn.Conv2d(half, 12, 3, padding=1)
        with torch.no_grad():
            self.tail.weight.copy_(self.tail.weight[::4].repeat_interleave(4, 0))
            nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]

    def forward(self, features: list[Tensor], content: Moments, style: Moments) -> Tensor:
        """See `StyleDecoder.forward`."""
        x = functional.relu(self.enter(normalized_as(features[2], content, style, 2)))
        for stage, raised in ((self.at_eighth, self.to_quarter), (self.at_quarter, self.to_half), (self.at_half, None)):
            for block in stage:
                x = block(x)
            if raised is not None:
                x = functional.relu(raised(functional.interpolate(x, scale_factor=2.0, mode="bilinear")))
        made = smoothed(functional.pixel_shuffle(self.tail(functional.relu(x)).float(), 2)) * 0.5 + 0.5
        return made if self.training else made.clamp(0, 1)
