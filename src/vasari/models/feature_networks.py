"""Feature networks read from files a user names: what perceptual losses and distances compare pictures by.

They come with no package; a file is recognized by the names of its tensors. None is LPIPS, and a number
measured with one says which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models.hub import load_state
from vasari.models.mobilenet import MobileNet
from vasari.models.model_files import read

# VGG-19 (Simonyan & Zisserman 2014, arXiv:1409.1556) up to relu5_1; a pool stands before the first of a stage.
VGG_LAYERS = (
    ("conv11", "conv12"),
    ("conv21", "conv22"),
    ("conv31", "conv32", "conv33", "conv34"),
    ("conv41", "conv42", "conv43", "conv44"),
    ("conv51",),
)
# The same convolutions as torchvision's VGG-19 counts them (features.0, features.2 ...), which timm kept; it takes RGB
# with these means and deviations.
_VGG_COUNTED = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28)
_VGG_MEANS, _VGG_DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# MobileNet's features are taken after these of its blocks: at 1/2, 1/4, 1/8 and 1/16 of the picture.
MOBILENET_TAPS = (0, 2, 4, 10)


class FeatureNetwork(nn.Module):
    """Pictures [N, 3, h, w] in 0..1 sRGB to a list of features [N, c, h', w'], coarser and coarser; never learns."""

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """The features of each depth."""
        raise NotImplementedError


class VggFeatures(FeatureNetwork):
    """A VGG-19 of any widths: the features relu1_1, relu2_1 ... as far as the file goes.

    `conv0` (1×1) turns RGB 0..1 into the range the network knows. Convolutions pad by reflection.
    """

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._stages = [[name for name in stage if f"{name}.weight" in state] for stage in VGG_LAYERS]
        names = ["conv0", *(name for stage in self._stages for name in stage)]
        self.layers = nn.ModuleDict({name: _convolution(state, name) for name in names})

    def forward(self, pixels: Tensor) -> list[Tensor]:
        features, x = [], self.layers["conv0"](pixels)
        for depth, stage in enumerate(self._stages):
            for position, name in enumerate(stage):
                if depth and position == 0:
                    x = functional.max_pool2d(x, 2)
                x = functional.relu(self.layers[name](functional.pad(x, (1, 1, 1, 1), mode="reflect")))
                if position == 0:
                    features.append(x)
        return features


class MobileNetFeatures(FeatureNetwork):
    """MobileNetV1: the features after some of its blocks."""

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.network = MobileNet()
        load_state(self.network, state, "The feature network")

    def forward(self, pixels: Tensor) -> list[Tensor]:
        layers = self.network.activations(pixels)
        return [layers[2 * (block + 1)] for block in MOBILENET_TAPS]


def load_features(path: str | Path) -> FeatureNetwork:
    """The feature network in a `.safetensors` file, frozen, float32; raises `WeightsError` where it is neither."""
    path = Path(path)
    try:
        return features_of(from_safetensors(read(path)), path.name)
    except SafetensorError as error:
        raise WeightsError(f"{path} is no whole safetensors file: {error}.", remedy="fetch the file again") from error


def features_of(tensors: Mapping[str, Tensor], called: str) -> FeatureNetwork:
    """The feature network of a table of tensors, frozen, float32; raises `WeightsError` where it is neither."""
    state = {name: one.float() for name, one in tensors.items()}
    if {f"features.{count}.weight" for count in _VGG_COUNTED} <= set(state):
        network: FeatureNetwork = VggFeatures(_named(state))
    elif {"conv0.weight", "conv11.weight"} <= set(state):
        network = VggFeatures(state)
    elif {"convs.0.weight", "convs.26.weight"} <= set(state):
        network = MobileNetFeatures(state)
    else:
        raise WeightsError(
            f"{called} is no feature network that is known here.",
            remedy="name a VGG-19 (tensors conv0, conv11 ..., or features.0, features.2 ...) or a MobileNet V1 "
            "(convs.0 ... convs.26)",
        )
    return network.eval().requires_grad_(False)


def feature_distance(made: Sequence[Tensor], truth: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
    """Mean over depths of the mean |made - truth| over the mean |truth|: one number a picture, [N].

    As the perceptual loss of Johnson et al. 2016 (arXiv:1603.08155, eq. 2) with absolute in the place of square
    differences, and each depth divided by its size, so that all count alike. With `weight` [N, 1, h, w], 0..1,
    the differences are averaged where it is, brought to each depth's size.
    """
    total = torch.zeros(len(truth[0]), device=truth[0].device)
    for one, other in zip(made, truth, strict=True):
        differences = (one.float() - other.float()).abs().mean(1, keepdim=True)
        size = other.float().abs().flatten(1).mean(1).clamp(min=1e-6)
        if weight is None:
            mean = differences.flatten(1).mean(1)
        else:
            share = functional.interpolate(weight.float(), differences.shape[2:], mode="area")
            mean = (differences * share).flatten(1).sum(1) / share.flatten(1).sum(1).clamp(min=1e-6)
        total = total + mean / size
    return total / len(truth)


def _named(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The official VGG-19's convolutions up to relu5_1 under the names known here, and its normalization as conv0."""
    found = {
        "conv0.weight": torch.diag(1 / torch.tensor(_VGG_DEVIATIONS))[:, :, None, None],
        "conv0.bias": -torch.tensor(_VGG_MEANS) / torch.tensor(_VGG_DEVIATIONS),
    }
    for name, count in zip((name for stage in VGG_LAYERS for name in stage), _VGG_COUNTED, strict=True):
        for kind in ("weight", "bias"):
            if f"features.{count}.{kind}" in state:
                found[f"{name}.{kind}"] = state[f"features.{count}.{kind}"]
    return found


def _convolution(state: Mapping[str, Tensor], name: str) -> nn.Conv2d:
    """The convolution `name` of a state."""
    weight = state.get(f"{name}.weight")
    if weight is None or weight.ndim != 4:
        raise WeightsError(f"The feature network has no convolution {name}.", remedy="use a whole file of it")
    outer, inner, rows, columns = weight.shape
    layer = nn.Conv2d(inner, outer, (rows, columns))
    with torch.no_grad():
        layer.weight.copy_(weight)
        bias = state.get(f"{name}.bias")
        if layer.bias is not None:
            layer.bias.copy_(torch.zeros(outer) if bias is None else bias)
    return layer
