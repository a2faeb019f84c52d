"""The feature network of an optimization: which it is, its digest, and what tiles must know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from vasari.foundation.devices import choose_device
from vasari.foundation.errors import WeightsError
from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import load_features
from vasari.models.model_files import read
from vasari.tasks.stylize.optimize.plan import VGG19, OptimizePlan

# Pixels of surroundings that a VGG-19 up to relu5_1 sees (78), and the encoder: a multiple of 16.
HALO_PX = 96
GRID_PX = 16
_VGG19_PAGE = "https://huggingface.co/timm/vgg19.tv_in1k"


@dataclass(frozen=True, eq=False)
class Judge:
    """A frozen network, what it is called, the SHA-256 of its file, and the pixels between places at each depth."""

    network: nn.Module
    name: str
    digest: str
    strides: tuple[int, ...]

    def features(self, pixels: Tensor) -> Sequence[Tensor]:
        """[1, 3, h, w] in 0..1 -> features [1, C, h/stride, w/stride] of each depth."""
        found: Sequence[Tensor] = self.network(pixels)
        return found


def features_for(plan: OptimizePlan) -> Judge:
    """The feature network that a plan names, frozen, on its device.

    `encoder` is the bundled one; else a file, or an address with its digest, of a VGG-19 (`load_features`) or of an
    encoder trained with Vasari. Raises `WeightsError` where it is missing, damaged or of another kind: there is no
    silent change to another network. `vgg19` names no file: its digest is not known here, and nothing is used unseen.
    """
    if plan.network == VGG19:
        raise WeightsError(
            "The official VGG-19 does not come with Vasari.",
            remedy=f"download model.safetensors from {_VGG19_PAGE} and name its path, or name "
            "hf://timm/vgg19.tv_in1k/model.safetensors#sha256=… with the digest told there",
        )
    path = hub.find(plan.network)
    network = _encoder(path) if _is_ours(path) else load_features(path)
    network = network.to(choose_device(plan.device)).eval().requires_grad_(False)
    return judge(network, path.stem, hashlib.sha256(read(path)).hexdigest())


def judge(network: nn.Module, name: str, digest: str) -> Judge:
    """A `Judge` of a network in memory, its strides found by trying."""
    device = next(network.parameters()).device
    with torch.no_grad():
        features = network(torch.zeros(1, 3, 64, 64, device=device))
    return Judge(network, name, digest, tuple(64 // one.shape[2] for one in features))


def _encoder(path: Path) -> nn.Module:
    network = hub.load(path).network
    if not isinstance(network, Encoder):
        raise WeightsError(f"{path.name} is no encoder.", remedy="name an encoder or a VGG-19")
    return network


def _is_ours(path: Path) -> bool:
    """True where the file carries a recipe of Vasari."""
    try:
        with safe_open(path, "pt") as file:
            return hub.HEADER_KEY in (file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is no whole safetensors file: {error}.", remedy="fetch the file again") from error
