"""The translator: pictures of one domain to pictures of another, for unpaired and paired adversarial training.

With instance normalization a place of the result depends on the whole picture. So that a scan of any size can be
translated in tiles, the statistics are fixed once, on a reduced picture (`survey`), and handed to every tile.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.models.blocks import smoothed
from vasari.models.normalization import Normalization, Sitting, Statistics

SURVEY_PX = 256  # what callers bring to the survey, on the long side; a smaller picture as it is
DEEPEST = 6  # blocks; one more, and the halo on the card would no longer hold


class _Block(nn.Module):
    """x + norm(conv(relu(norm(conv(x))))), 3×3 (Johnson et al. 2016, arXiv:1603.08155; He et al. 2015).

    The last gain (without normalization: the last weights) starts small, so that a fresh block is near the identity.
    """

    def __init__(self, width: int, normalization: str) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.first_norm = Normalization(normalization, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.second_norm = Normalization(normalization, width, gain=0.2)
        if normalization == "none":
            with torch.no_grad():
                self.second.weight.mul_(0.1)
                self.second.bias.zero_()  # type: ignore[union-attr]

    def forward(self, x: Tensor, sitting: Sitting) -> Tensor:
        """[N, width, h, w] -> [N, width, h, w]."""
        inner = functional.relu(self.first_norm(self.first(x), sitting))
        return x + self.second_norm(self.second(inner), sitting)


class Translator(nn.Module):
    """A residual translator (Johnson et al. 2016, arXiv:1603.08155; CycleGAN, Zhu et al. 2017, arXiv:1703.10593, 4).

    Departs from theirs in that it enters at half resolution on 2×2 pixel blocks (pixel-unshuffle), where a CPU is
    fast, enlarges by repetition and a convolution instead of a transposed one (which leaves checkerboards, Odena
    et al. 2016), pads with zeros, and has gains and offsets. With `residual` the result is the picture plus
    what the network makes, and fine detail passes beside the trunk: content is kept by construction. Without, all
    goes through the trunk, from which a picture can come back changed altogether. With `smooth` what the network makes
    is filtered by 1 2 1, which takes off the checkerboard that a critic else drives into the 2×2 blocks (Sugawara et
    al. 2018, arXiv:1806.02658); fine detail then comes from the source alone. Raises ValueError for options out of
    range. `multiple_of` is 4.
    """

    def __init__(
        self,
        widths: tuple[int, int] = (64, 128),
        depth: int = DEEPEST,
        normalization: str = "instance",
        residual: bool = True,
        smooth: bool = True,
    ) -> None:
        super().__init__()
        if not 1 <= depth <= DEEPEST:
            raise ValueError(f"depth must be 1..{DEEPEST}, not {depth}")
        high, low = widths
        self.residual, self.smooth = residual, smooth
        self.head = nn.Conv2d(12, high, 3, padding=1)
        self.head_norm = Normalization(normalization, high)
        self.down = nn.Conv2d(high, low, 3, stride=2, padding=1)
        self.down_norm = Normalization(normalization, low)
        self.trunk = nn.ModuleList(_Block(low, normalization) for _ in range(depth))
        self.up = nn.Conv2d(low, high, 3, padding=1)
        self.up_norm = Normalization(normalization, high)
        self.tail = nn.Conv2d(high, 12, 3, padding=1)
        if residual:
            nn.init.normal_(self.tail.weight, std=2e-3)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        with torch.no_grad():  # the four pixels of a block begin alike (Aitken et al. 2017, arXiv:1707.02937)
            self.tail.weight.copy_(self.tail.weight[::4].repeat_interleave(4, 0))

    @property
    def layer_channels(self) -> tuple[int, ...]:
        """Channels of the layers that `features` can give: pixel blocks, entry, the trunk's entry, each block."""
        high, low = self.head.out_channels, self.down.out_channels
        return (12, high, low, *(low for _ in self.trunk))

    def survey(self, thumbnail: Tensor) -> Statistics:
        """The first pass: the statistics of a reduced picture [N, 3, h, w] in 0..1, for each tile of the whole one.

        Empty where the normalization needs none. Reduce to `SURVEY_PX` on the long side, and not below the size of the
        pictures it was trained on: a layer's deviation depends on the scale at which it sees things.
        """
        sitting = Sitting(notes=True)
        with torch.autocast(thumbnail.device.type, enabled=False):
            self._made(_padded(thumbnail.float()), sitting)
        return sitting.statistics

    def forward(self, pixels: Tensor, statistics: Statistics | None = None) -> Tensor:
        """[N, 3, h, w] in 0..1 -> [N, 3, h, w] float32 in 0..1.

        `statistics` of `survey`; None takes those of the given pixels, which is for training and for whole pictures.
        In training mode a residual result is not clipped, since a clipped pixel passes no gradient.
        """
        height, width = pixels.shape[2:]
        made = self._made(_padded(pixels), Sitting(statistics))[..., :height, :width]
        if not self.residual:
            return torch.sigmoid(made)
        made = pixels.float() + made
        return made if self.training else made.clamp(0, 1)

    def features(self, pixels: Tensor, layers: Sequence[int]) -> list[Tensor]:
        """What the named layers hold, in rising order, of pixels [N, 3, h, w]: [N, channels, h', w'] each.

        0 is the 2×2 pixel blocks themselves, 1 the entry, 2 the trunk's entry, then each block: the encoder whose
        patches CUT compares (Park et al. 2020, arXiv:2007.15651, 3).
        """
        found: list[Tensor] = []
        sitting = Sitting()
        x = _blocks(_padded(pixels))
        for layer in range(max(layers) + 1):
            x = x if layer == 0 else self._entered(layer, x, sitting)
            if layer in layers:
                found.append(x)
        return found

    def _entered(self, layer: int, x: Tensor, sitting: Sitting) -> Tensor:
        """Layer `layer` of the encoder, of what the one before it gave."""
        if layer == 1:
            return functional.relu(self.head_norm(self.head(x), sitting))
        if layer == 2:
            return functional.relu(self.down_norm(self.down(x), sitting))
        return self.trunk[layer - 3](x, sitting)

    def _made(self, pixels: Tensor, sitting: Sitting) -> Tensor:
        """What the network makes of pixels whose sides are multiples of 4: [N, 3, h, w] float32, unbounded."""
        high = self._entered(1, _blocks(pixels), sitting)
        low = high
        for layer in range(2, len(self.layer_channels)):
            low = self._entered(layer, low, sitting)
        raised = functional.interpolate(low, scale_factor=2.0, mode="nearest")
        raised = functional.relu(self.up_norm(self.up(raised), sitting))
        raised = raised + high if self.residual else raised
        made = functional.pixel_shuffle(self.tail(raised).float(), 2)
        return smoothed(made) if self.smooth else made


def _blocks(pixels: Tensor) -> Tensor:
    """[N, 3, h, w] in 0..1 -> 2×2 blocks [N, 12, h/2, w/2] in -1..1."""
    return functional.pixel_unshuffle(pixels * 2 - 1, 2).contiguous(memory_format=torch.channels_last)


def _padded(pixels: Tensor) -> Tensor:
    """Sides filled up to multiples of 4 by repeating the border."""
    height, width = pixels.shape[2:]
    if height % 4 == 0 and width % 4 == 0:
        return pixels
    return functional.pad(pixels, (0, -width % 4, 0, -height % 4), mode="replicate")
