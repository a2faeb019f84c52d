"""The network of Johnson et al. 2016 for one style (arXiv:1603.08155, supplement), to be timed against."""

from __future__ import annotations

from torch import Tensor, nn


class JohnsonNetwork(nn.Module):
    """9×9 at full resolution, two strided convolutions, five residual blocks, two enlargements, 9×9; instance norms.

    With reflection padding and repetition in place of transposed convolutions, as its users have it; weights random,
    since only its speed is asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_layer(3, 32, 9),
            *_layer(32, 64, 3, stride=2),
            *_layer(64, 128, 3, stride=2),
            *(_Block() for _ in range(5)),
            nn.Upsample(scale_factor=2),
            *_layer(128, 64, 3),
            nn.Upsample(scale_factor=2),
            *_layer(64, 32, 3),
            nn.ReflectionPad2d(4),
            nn.Conv2d(32, 3, 9),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, 3, h, w] -> [N, 3, h, w]."""
        made: Tensor = self.layers(pixels)
        return made


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(*_layer(128, 128, 3))
        self.second = nn.Sequential(*_layer(128, 128, 3)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(self.first(x))
        return x + inner


def _layer(inner: int, outer: int, side: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inner, outer, side, stride)
    return [nn.ReflectionPad2d(side // 2), convolution, nn.InstanceNorm2d(outer, affine=True), nn.ReLU()]
