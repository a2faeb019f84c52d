"""Features of pictures for monitoring: a fixed map that needs no weights, and networks that were learned elsewhere."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.losses import luma
from vasari.models.mobilenet import MobileNet
from vasari.models.model_files import find, read

SIDE_PX = 64
COLOR_CELLS, ENERGY_CELLS = 8, 4
SCALES, ORIENTATIONS = 3, 4
WINDOW_PX, WAVELENGTH_PX, DEVIATION_PX = 7, 4.0, 1.6
LAYOUT = "layout"

# sRGB primaries to cone responses, and those, as cube roots, to L, a, b (Ottosson 2020, "A perceptual color space").
_TO_CONES = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
# Means and deviations over photographs and paintings, rounded: they only bring the blocks to one scale.
_COLOR_MEAN, _COLOR_DEVIATION = (0.5, 0.0, 0.02), (0.2, 0.03, 0.04)
_ENERGY_MEAN, _ENERGY_DEVIATION = (-4.0, -3.8, -3.6), (0.85, 0.85, 0.8)
_FAINTEST = 1e-3  # amplitudes, of luma 0..1, that are no more told from none


class PictureFeatures(nn.Module):
    """[N, 3, h, w], sRGB in 0..1 -> [N, 384]: where which color lies, and where edges run which way. Never learned.

    192 numbers are Oklab colors of the cells of an 8×8 grid; 192 are logarithms of the mean amplitude of Gabor pairs
    (3 scales an octave apart, 4 orientations; Daugman 1985, JOSA A 2(7)) in those of a 4×4 grid. Pictures are resized
    to 64×64 first. Each block is brought to about unit variance over photographs and paintings.

    It is no learned feature: it knows layout, color and texture, and nothing of what a picture shows. Two pictures
    that are near in it look alike from afar; copies, collapse and missing colors are seen, meaning and anatomy are
    not. Distances in it are neither FID, KID nor LPIPS.
    """

    width = 3 * COLOR_CELLS**2 + SCALES * ORIENTATIONS * ENERGY_CELLS**2
    filters: Tensor
    to_cones: Tensor
    to_lab: Tensor
    color_mean: Tensor
    color_deviation: Tensor
    energy_mean: Tensor
    energy_deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        constants = {
            "filters": gabor_pairs(),
            "to_cones": torch.tensor(_TO_CONES),
            "to_lab": torch.tensor(_TO_LAB),
            "color_mean": torch.tensor(_COLOR_MEAN).view(3, 1, 1),
            "color_deviation": torch.tensor(_COLOR_DEVIATION).view(3, 1, 1),
            "energy_mean": torch.tensor(_ENERGY_MEAN).view(SCALES, 1, 1, 1),
            "energy_deviation": torch.tensor(_ENERGY_DEVIATION).view(SCALES, 1, 1, 1),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.float()
        if x.shape[-2:] != (SIDE_PX, SIDE_PX):
            x = functional.interpolate(x, (SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)
        x = x.clamp(0, 1)
        return torch.cat([self._colors(x).flatten(1), self._energies(luma(x)).flatten(1)], 1)

    def _colors(self, x: Tensor) -> Tensor:
        """[N, 3, 64, 64] -> [N, 3, 8, 8]; the means are taken of encoded values, as a thumbnail's are."""
        cells = functional.avg_pool2d(x, SIDE_PX // COLOR_CELLS)
        linear = torch.where(cells <= 0.04045, cells / 12.92, ((cells + 0.055) / 1.055).clamp(min=0) ** 2.4)
        cones = torch.einsum("ij,njhw->nihw", self.to_cones, linear).clamp(min=0) ** (1 / 3)
        lab = torch.einsum("ij,njhw->nihw", self.to_lab, cones)
        return (lab - self.color_mean) / self.color_deviation

    def _energies(self, grey: Tensor) -> Tensor:
        """[N, 1, 64, 64] -> [N, 3, 4, 4, 4]: scale, orientation, row, column."""
        found = []
        for scale in range(SCALES):
            halved = functional.avg_pool2d(grey, 2**scale)
            margin = WINDOW_PX // 2
            pairs = functional.conv2d(functional.pad(halved, (margin,) * 4, mode="reflect"), self.filters)
            even, odd = pairs.chunk(2, 1)
            amplitude = (even.square() + odd.square()).sqrt()
            found.append(functional.adaptive_avg_pool2d(amplitude, ENERGY_CELLS))
        logarithms = (torch.stack(found, 1) + _FAINTEST).log()
        return (logarithms - self.energy_mean) / self.energy_deviation


def gabor_pairs() -> Tensor:
    """[8, 1, 7, 7]: four even, then four odd filters; each answers 0 to a flat picture and at most 1 to a grating."""
    offsets = torch.arange(WINDOW_PX, dtype=torch.float64) - WINDOW_PX // 2
    rows, columns = torch.meshgrid(offsets, offsets, indexing="ij")
    envelope = torch.exp(-(rows.square() + columns.square()) / (2 * DEVIATION_PX**2))
    even, odd = [], []
    for step in range(ORIENTATIONS):
        angle = math.pi * step / ORIENTATIONS
        phase = 2 * math.pi / WAVELENGTH_PX * (columns * math.cos(angle) + rows * math.sin(angle))
        wave = envelope * phase.cos()
        even.append(wave - envelope * (wave.sum() / envelope.sum()))
        odd.append(envelope * phase.sin())
    filters = torch.stack([*even, *odd])
    return (filters / filters.abs().sum((1, 2), keepdim=True)).float()[:, None]


def feature_network(name_or_path: str | Path = LAYOUT) -> nn.Module:
    """The network that turns [N, 3, h, w] in 0..1 into features [N, d]: frozen, in evaluation mode, on the CPU.

    "layout" is `PictureFeatures`; a `.safetensors` file with the tensors `convs.0` ... `convs.26` is `MobileNet`.
    Raises `WeightsError` where the file is missing, damaged or holds something else.
    """
    if str(name_or_path) == LAYOUT:
        network: nn.Module = PictureFeatures()
    else:
        path = find(name_or_path)
        # Building draws first weights; the caller's random numbers are none of its business.
        with torch.random.fork_rng(devices=[]):
            network = MobileNet()
        hub.load_state(network, _state(path), path.name)
    return network.eval().requires_grad_(False)


def _state(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(read(path))
    except SafetensorError as error:
        raise WeightsError(
            f"{path} cannot be read as features: {error}.", remedy='name a .safetensors file, or "layout"'
        ) from error
