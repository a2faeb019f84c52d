"""MobileNetV1, the body alone: a small classifier's features, for distances between pictures."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


class MobileNet(nn.Module):
    """[N, 3, h, w] in 0..1 -> [N, 1024]: means of the last layer of MobileNetV1 (Howard et al. 2017, arXiv:1704.04861).

    27 convolutions (table 1 of the paper), batch normalization folded into them, ReLU6 after each, padding as
    TensorFlow's "SAME". Pictures are resized to `side_px` squared first: 224 is what such weights were trained at;
    128 takes a third of the time and suits small pictures.
    """

    def __init__(self, side_px: int = 128) -> None:
        super().__init__()
        self.side_px = side_px
        layers = [nn.Conv2d(3, 32, 3, stride=2)]
        self.shapes = [(3, 2)]  # kernel and stride of each layer
        before = 32
        for width, stride in zip(WIDTHS, STRIDES, strict=True):
            layers += [nn.Conv2d(before, before, 3, stride=stride, groups=before), nn.Conv2d(before, width, 1)]
            self.shapes += [(3, stride), (1, 1)]
            before = width
        self.convs = nn.Sequential(*layers)

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.float()
        if x.shape[-2:] != (self.side_px, self.side_px):
            x = functional.interpolate(x, (self.side_px, self.side_px), mode="bilinear", antialias=True)
        return self.activations(x)[-1].mean((2, 3))

    def activations(self, pixels: Tensor) -> list[Tensor]:
        """What comes out of each of the 27 layers for pictures [N, 3, h, w] in 0..1 of any size."""
        x, found = (pixels * 255 - 128) / 128, []
        for layer, (kernel, stride) in zip(self.convs, self.shapes, strict=True):
            x = functional.relu6(layer(same_padded(x, kernel, stride)))
            found.append(x)
        return found


def same_padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around [..., h, w] as TensorFlow's "SAME" puts them: of an odd number, right and below get more."""
    missing = [max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in x.shape[-2:]]
    if not any(missing):
        return x
    rows, columns = missing
    return functional.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
