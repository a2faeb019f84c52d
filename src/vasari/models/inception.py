"""Inception-v3 as FID, KID and the Inception Score are defined by it: TensorFlow's graph of 2015-12-05."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE_PX = 299
FEATURES, CLASSES = 2048, 1008
EPSILON = 0.001


@dataclass(frozen=True)
class _Unit:
    """A convolution of a block: its name, channels, kernel (rows, columns) and stride."""

    name: str
    width: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1


# A branch is a chain of units; a tuple of units at its end reads one map, and their answers are joined.
_Branch = Sequence[_Unit | tuple[_Unit, ...]]


class InceptionV3(nn.Module):
    """[N, 3, 299, 299] sRGB in 0..1 -> four maps, of 64, 192, 768 and 2048 channels at 73, 35, 17 and 8 px.

    Szegedy et al. 2016 (arXiv:1512.00567) as TensorFlow's graph of 2015-12-05 has it, by which Heusel et al. 2017
    measured: means of padded windows leave the padding out, and the last block takes maxima. The mean of the last map
    is the vector of FID. Tensors are named as in the published `*inception-2015-12-05-6726825d.pth`. Other sizes are
    resized by `as_tensorflow`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Convolution(3, 32, (3, 3), 2, 0)
        self.Conv2d_2a_3x3 = _Convolution(32, 32, (3, 3), 1, 0)
        self.Conv2d_2b_3x3 = _Convolution(32, 64, (3, 3), 1, 1)
        self.Conv2d_3b_1x1 = _Convolution(64, 80, (1, 1), 1, 0)
        self.Conv2d_4a_3x3 = _Convolution(80, 192, (3, 3), 1, 0)
        self.Mixed_5b = _fine(192, 32)
        self.Mixed_5c = _fine(256, 64)
        self.Mixed_5d = _fine(288, 64)
        self.Mixed_6a = _Block(288, (
            (_Unit("branch3x3", 384, (3, 3), 2),),
            (_Unit("branch3x3dbl_1", 64), _Unit("branch3x3dbl_2", 96, (3, 3)), _Unit("branch3x3dbl_3", 96, (3, 3), 2)),
        ))  # fmt: skip
        self.Mixed_6b = _middle(768, 128)
        self.Mixed_6c = _middle(768, 160)
        self.Mixed_6d = _middle(768, 160)
        self.Mixed_6e = _middle(768, 192)
        self.Mixed_7a = _Block(768, (
            (_Unit("branch3x3_1", 192), _Unit("branch3x3_2", 320, (3, 3), 2)),
            (
                _Unit("branch7x7x3_1", 192), _Unit("branch7x7x3_2", 192, (1, 7)), _Unit("branch7x7x3_3", 192, (7, 1)),
                _Unit("branch7x7x3_4", 192, (3, 3), 2),
            ),
        ))  # fmt: skip
        self.Mixed_7b = _coarse(1280, maxima=False)
        self.Mixed_7c = _coarse(2048, maxima=True)
        self.fc = nn.Linear(FEATURES, CLASSES)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """The maps."""
        x = as_tensorflow(pixels) if pixels.shape[2:] != (SIDE_PX, SIDE_PX) else pixels
        x = ((x * 255 - 128) / 128).contiguous(memory_format=torch.channels_last)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        found = [functional.max_pool2d(x, 3, 2)]
        found.append(functional.max_pool2d(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(found[0])), 3, 2))
        x = self.Mixed_6a(self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(found[1]))))
        found.append(self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(x)))))
        found.append(self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(found[2]))))
        return found

    def shares(self, features: Tensor) -> Tensor:
        """Features [n, 2048] to probabilities [n, 1008]; without the bias, as the Inception Score is measured."""
        return (features @ self.fc.weight.T).softmax(1)

    def folded(self) -> InceptionV3:
        """Itself with every normalization folded into its convolution: a fifth fewer passes over memory."""
        for module in self.modules():
            if isinstance(module, _Convolution):
                module.fold()
        return self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class _Convolution(nn.Module):
    """A convolution, its normalization, and ReLU."""

    def __init__(self, inner: int, outer: int, kernel: tuple[int, int], stride: int, padding: int | tuple[int, int]):
        super().__init__()
        self.conv = nn.Conv2d(inner, outer, kernel, stride, padding, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(outer, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)), inplace=True)

    def fold(self) -> None:
        if isinstance(self.bn, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.bn)
            self.bn = nn.Identity()


class _Block(nn.Module):
    """Branches side by side, their answers joined, and last a pooled one: through `branch_pool`, or reduced by half."""

    def __init__(self, inner: int, branches: Sequence[_Branch], pooled: int = 0, maxima: bool = False) -> None:
        super().__init__()
        self.maxima, self.pooled = maxima, pooled
        self.branches = [[unit if isinstance(unit, tuple) else (unit,) for unit in branch] for branch in branches]
        for branch in self.branches:
            width = inner
            for units in branch:
                for unit in units:
                    padding = (0, 0) if unit.stride > 1 else (unit.kernel[0] // 2, unit.kernel[1] // 2)
                    self.add_module(unit.name, _Convolution(width, unit.width, unit.kernel, unit.stride, padding))
                width = units[-1].width
        if pooled:
            self.branch_pool = _Convolution(inner, pooled, (1, 1), 1, 0)

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for branch in self.branches:
            inside = x
            for units in branch:
                answers = [self.get_submodule(unit.name)(inside) for unit in units]
                inside = answers[0] if len(answers) == 1 else torch.cat(answers, 1)
            found.append(inside)
        return torch.cat([*found, self._pool(x)], 1)

    def _pool(self, x: Tensor) -> Tensor:
        if not self.pooled:
            return functional.max_pool2d(x, 3, 2)
        if self.maxima:
            return self.branch_pool(functional.max_pool2d(x, 3, 1, 1))
        return self.branch_pool(functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False))


def _fine(inner: int, pooled: int) -> _Block:
    return _Block(inner, (
        (_Unit("branch1x1", 64),),
        (_Unit("branch5x5_1", 48), _Unit("branch5x5_2", 64, (5, 5))),
        (_Unit("branch3x3dbl_1", 64), _Unit("branch3x3dbl_2", 96, (3, 3)), _Unit("branch3x3dbl_3", 96, (3, 3))),
    ), pooled)  # fmt: skip


def _middle(inner: int, width: int) -> _Block:
    across, down = (1, 7), (7, 1)
    return _Block(inner, (
        (_Unit("branch1x1", 192),),
        (_Unit("branch7x7_1", width), _Unit("branch7x7_2", width, across), _Unit("branch7x7_3", 192, down)),
        (
            _Unit("branch7x7dbl_1", width), _Unit("branch7x7dbl_2", width, down),
            _Unit("branch7x7dbl_3", width, across), _Unit("branch7x7dbl_4", width, down),
            _Unit("branch7x7dbl_5", 192, across),
        ),
    ), 192)  # fmt: skip


def _coarse(inner: int, maxima: bool) -> _Block:
    def both(name: str) -> tuple[_Unit, ...]:
        return _Unit(f"{name}a", 384, (1, 3)), _Unit(f"{name}b", 384, (3, 1))

    return _Block(inner, (
        (_Unit("branch1x1", 320),),
        (_Unit("branch3x3_1", 384), both("branch3x3_2")),
        (_Unit("branch3x3dbl_1", 448), _Unit("branch3x3dbl_2", 384, (3, 3)), both("branch3x3dbl_3")),
    ), 192, maxima)  # fmt: skip


def as_tensorflow(pixels: Tensor, side: int = SIDE_PX) -> Tensor:
    """[N, C, h, w] -> [N, C, side, side] as TensorFlow 1 resizes: bilinear, corners at corners, nothing averaged.

    Place i of the result is place i·h/side of the picture, without half pixels: what FID was always measured after.
    """
    rows, columns = (_places(size, side) for size in pixels.shape[2:])
    (above, below, down), (left, right, across) = rows, columns
    down, across = down.to(pixels.dtype)[:, None], across.to(pixels.dtype)
    upper, lower = pixels[:, :, above], pixels[:, :, below]
    upper, lower = (torch.lerp(one[..., left], one[..., right], across.expand(1, side)) for one in (upper, lower))
    return torch.lerp(upper, lower, down.expand(side, side))


def _places(size: int, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where each place of the result lies: the place before it, the one after, and how far between (float32)."""
    where = torch.arange(side, dtype=torch.float32) * torch.tensor(size / side, dtype=torch.float32)
    before = where.long()
    return before, (before + 1).clamp(max=size - 1), where - before
