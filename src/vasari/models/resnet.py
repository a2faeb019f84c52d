"""ResNet-50, the body alone: features of official ImageNet weights, for recognizing and comparing pictures."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

DEPTHS = (3, 4, 6, 3)
WIDTHS = (64, 128, 256, 512)
EXPANSION = 4
MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ResNet50(nn.Module):
    """[N, 3, h, w] sRGB in 0..1 -> features at 1/4, 1/8, 1/16 and 1/32: 256, 512, 1024 and 2048 channels, 0 or more.

    He et al. 2016 (arXiv:1512.03385), table 1, 50 layers, with the stride in the 3×3 convolution, as the weights have
    it that torchvision and timm publish; tensors are named as theirs (`conv1`, `layer1.0.conv1` ...), the last layer
    `fc` is left out. Batch normalization stands still, in training too: a few pictures a batch would disturb it.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inner, layers = 64, []
        for position, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            blocks = [Bottleneck(inner, width, stride=1 if position == 0 else 2)]
            inner = width * EXPANSION
            blocks += [Bottleneck(inner, width, stride=1) for _ in range(depth - 1)]
            layers.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.register_buffer("mean", torch.tensor(MEANS)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATIONS)[:, None, None], persistent=False)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """The features of each of the four stages."""
        x = functional.relu(self.bn1(self.conv1((pixels - self.mean) / self.deviation)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        found = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            found.append(x)
        return found

    def train(self, mode: bool = True) -> ResNet50:
        """Training mode, less that of batch normalization."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(False)
        return self


class Bottleneck(nn.Module):
    """x + 1×1, 3×3 and 1×1 convolutions of it; where the shape changes, x goes through a 1×1 convolution."""

    def __init__(self, inner: int, width: int, stride: int) -> None:
        super().__init__()
        outer = width * EXPANSION
        self.conv1, self.bn1 = nn.Conv2d(inner, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outer, 1, bias=False), nn.BatchNorm2d(outer)
        changes = stride != 1 or inner != outer
        self.downsample = (
            nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer)) if changes else None
        )

    def forward(self, x: Tensor) -> Tensor:
        inside = functional.relu(self.bn1(self.conv1(x)))
        inside = functional.relu(self.bn2(self.conv2(inside)))
        inside = self.bn3(self.conv3(inside))
        kept = x if self.downsample is None else cast(nn.Module, self.downsample)(x)
        return functional.relu(inside + kept)
