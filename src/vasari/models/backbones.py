"""Feature networks by name: what a recognizer looks with; built from options, or read from a user's file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from torch import Tensor, nn

from vasari.foundation.errors import TrainingError, WeightsError
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.models.critic_features import (
    DcganCriticFeatures,
    PatchCriticFeatures,
    ProjectedCriticFeatures,
    ResidualCriticFeatures,
    critic_of,
    critic_options,
)
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import VggFeatures, features_of
from vasari.models.inception import SIDE_PX as INCEPTION_PX
from vasari.models.inception import InceptionV3
from vasari.models.mobilenet import MobileNet
from vasari.models.model_files import bundled, find, read
from vasari.models.official import OFFICIAL, inception_of, official_file
from vasari.models.resnet import ResNet50
from vasari.models.torch_files import is_torch_file, read_torch

DEFAULT = "encoder"
# MobileNet's maps are taken after these of its 13 blocks: at 1/4, 1/8, 1/16 and 1/32 of the picture.
MOBILENET_TAPS = (2, 4, 10, 12)


@dataclass(frozen=True)
class Backbone:
    """A feature network in evaluation mode with what builds it again.

    `name` and `options` are for `backbone`; `px` is the side of a square of as many pixels as the network's pictures
    had; `source` the name of its file, `digest` the SHA-256 of that file.
    """

    name: str
    options: Mapping[str, Any]
    network: nn.Module
    px: int
    source: str
    digest: str


class MobileNetMaps(nn.Module):
    """[N, 3, h, w] in 0..1 -> four maps of MobileNetV1, of 128, 256, 512 and 1024 channels, 0 to 6."""

    def __init__(self) -> None:
        super().__init__()
        self.network = MobileNet()

    def forward(self, pixels: Tensor) -> list[Tensor]:
        layers = self.network.activations(pixels)
        return [layers[2 * (block + 1)] for block in MOBILENET_TAPS]


def _vgg(shapes: Mapping[str, tuple[int, ...]]) -> VggFeatures:
    """A VGG-19 of given widths, its weights 0."""
    return VggFeatures({name: torch.zeros(tuple(shape)) for name, shape in shapes.items()})


# Name -> (what builds it, side in pixels of the pictures it knows). Each turns pictures into a list of maps.
BACKBONES: Mapping[str, tuple[Callable[..., nn.Module], int]] = MappingProxyType(
    {
        "encoder": (Encoder, 256),
        "mobilenet": (MobileNetMaps, 224),
        "vgg19": (_vgg, 256),
        "resnet50": (ResNet50, 224),
        "inception": (InceptionV3, INCEPTION_PX),
        "patch-critic": (PatchCriticFeatures, 256),
        "dcgan-critic": (DcganCriticFeatures, 64),
        "residual-critic": (ResidualCriticFeatures, 64),
        "projected-critic": (ProjectedCriticFeatures, 256),
    }
)


def backbone(name: str, options: Mapping[str, Any]) -> nn.Module:
    """The network of a name and its options, with first weights; raises `WeightsError` where there is none such."""
    if name not in BACKBONES:
        raise WeightsError(
            f"There is no feature network {name!r} in this version.",
            remedy=f"update Vasari; it knows: {', '.join(BACKBONES)}",
        )
    try:
        # Building draws first weights; the caller's random numbers are none of its business.
        with torch.random.fork_rng(devices=[]):
            return BACKBONES[name][0](**options)
    except (TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"The feature network {name} cannot be built with {dict(options)}: {error}.",
            remedy="use a file of this version of Vasari",
        ) from error


def read_backbone(named: str | Path = DEFAULT) -> Backbone:
    """The feature network that `named` is: a bundled encoder, a file or address of weights, or a run with a critic.

    "inception" are the official weights. Files (`.safetensors`, or PyTorch's `.pth`) are known by the names of their
    tensors: a Vasari encoder, a VGG-19, a MobileNet V1, a ResNet-50 (as torchvision and timm name them), an
    Inception-v3 (as FID has it), a checkpoint of a training (its critic). Raises `WeightsError`.
    """
    if Path(named).expanduser().is_dir():
        return _critic_of_run(Path(named).expanduser())
    official = str(named) in BACKBONES and str(named) in OFFICIAL and str(named) not in bundled()
    path = official_file(str(named)) if official else find(named)
    data = read(path)
    state = _tensors(path, data)
    digest = hashlib.sha256(data).hexdigest()
    if any(name.startswith("networks/") for name in state):
        return _critic(critic_of(state), path.name, digest)
    name, options, network = _known(path, state)
    return _ready(name, options, network, BACKBONES[name][1], path.stem, digest)


def _tensors(path: Path, data: bytes) -> dict[str, Tensor]:
    """The table of tensors in a file's bytes; raises `WeightsError`."""
    if is_torch_file(data):
        return read_torch(data, path.name)
    try:
        return dict(from_safetensors(data))
    except SafetensorError as error:
        raise WeightsError(f"{path} is no whole safetensors file: {error}.", remedy="fetch the file again") from error


def _known(path: Path, state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any], nn.Module]:
    """Name, options and network of a file of weights."""
    if "stages.0.0.weight" in state:
        loaded = hub.load(path)
        if not isinstance(loaded.network, Encoder):
            raise WeightsError(f"{path.name} is no encoder.", remedy="name a model of the task encode")
        return "encoder", dict(loaded.recipe["network"].get("options", {})), loaded.network
    if "layer4.2.conv3.weight" in state:
        network = backbone("resnet50", {})
        hub.load_state(network, {name: one for name, one in state.items() if not name.startswith("fc.")}, path.name)
        return "resnet50", {}, network
    if {"convs.0.weight", "convs.26.weight"} <= set(state):
        network = MobileNetMaps()
        hub.load_state(network.network, state, path.name)
        return "mobilenet", {}, network
    if "Mixed_7c.branch_pool.conv.weight" in state and "fc.weight" in state:
        return "inception", {}, inception_of(state, path.name)
    found = features_of(state, path.name)
    if not isinstance(found, VggFeatures):
        raise WeightsError(f"{path.name} is no feature network that is known here.", remedy="name another file")
    shapes = {name.removeprefix("layers."): list(one.shape) for name, one in found.state_dict().items()}
    return "vgg19", {"shapes": shapes}, found


def _critic_of_run(folder: Path) -> Backbone:
    """The critic in the newest checkpoint of a run."""
    paths = RunFolder(folder).checkpoints()
    if not paths:
        raise WeightsError(
            f"{folder} holds no checkpoint of a training.", remedy="name the folder that `vasari train -o` wrote"
        )
    try:
        data = read(paths[-1])
        tensors = from_safetensors(data)
    except (SafetensorError, TrainingError) as error:
        raise WeightsError(f"{paths[-1]} cannot be read: {error}.", remedy="name another run") from error
    return _critic(critic_of(tensors), folder.resolve().name, hashlib.sha256(data).hexdigest())


def _critic(state: Mapping[str, Tensor], source: str, digest: str) -> Backbone:
    name, options, px = critic_options(state)
    network = backbone(name, options)
    hub.load_state(network, {f"critic.{key}": one for key, one in state.items()}, source)
    return _ready(name, options, network, px, f"critic of {source}", digest)


def _ready(name: str, options: Mapping[str, Any], network: nn.Module, px: int, source: str, digest: str) -> Backbone:
    return Backbone(name, options, network.float().eval().requires_grad_(False), px, source, digest)
