"""Critics as feature networks: what a network has learned that told real pictures from made ones.

Radford et al. 2016 (arXiv:1511.06434, section 5.1) classify pictures by the features of a critic's convolutions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models.critics import PatchCritic
from vasari.models.encoders import Encoder, filled
from vasari.models.generators import SMALLEST_PX
from vasari.models.picture_critics import DcganCritic, ResidualCritic
from vasari.models.projected_critic import BLOCK_CHANNELS, ProjectedCritic


class PatchCriticFeatures(nn.Module):
    """[N, 3, h, w] in 0..1, even sides -> the maps of each layer of a `PatchCritic` but its last."""

    def __init__(self, widths: tuple[int, ...], spectral: bool = True) -> None:
        super().__init__()
        self.critic = PatchCritic(widths=tuple(widths), spectral=spectral)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x, found = functional.pixel_unshuffle(pixels * 2 - 1, 2), []
        for layer in list(self.critic.layers)[:-1]:
            x = functional.leaky_relu(layer(x), 0.2)
            found.append(x)
        return found


class DcganCriticFeatures(nn.Module):
    """[N, 3, h, w] in 0..1 -> the maps after each activation of a `DcganCritic`, h/2, h/4 ...; any size."""

    def __init__(self, px: int, width: int, normalization: str) -> None:
        super().__init__()
        self.critic = DcganCritic(px, width, normalization)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        x, found = pixels * 2 - 1, []
        for layer in list(self.critic.stack)[:-1]:
            x = layer(x)
            if isinstance(layer, nn.LeakyReLU):
                found.append(x)
        return found


class ResidualCriticFeatures(nn.Module):
    """[N, 3, h, w] in 0..1, even sides -> the maps after each stage of a `ResidualCritic`, h/2, h/4 ...; any size."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.critic = ResidualCritic(tuple(widths))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        critic, found = self.critic, []
        x = critic.entry(functional.pixel_unshuffle(pixels * 2 - 1, 2))
        for position, stage in enumerate(critic.stages):
            if position:
                x = critic.changes[position - 1](functional.avg_pool2d(x, 2))
            x = stage(x)
            found.append(x)
        return found


class ProjectedCriticFeatures(nn.Module):
    """[N, 3, h, w] in 0..1 -> the last inner map of each head of a `ProjectedCritic`, finest first; any size.

    The finest head of a conditional one is left out: it looks at two pictures at once.
    """

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...], width: int, conditional: bool = False) -> None:
        super().__init__()
        self.critic = ProjectedCritic(Encoder(tuple(widths), tuple(depths)), width, conditional)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        pixels = filled(pixels)
        heads, seen = list(self.critic.heads), self.critic.features(pixels)
        if self.critic.conditional:
            heads = heads[1:]
        else:
            seen = [functional.pixel_unshuffle(pixels * 2 - 1, 2), *seen]
        return [cast(nn.Sequential, head)[:-1](x) for head, x in zip(heads, seen, strict=True)]


def critic_options(state: Mapping[str, Tensor]) -> tuple[str, dict[str, Any], int]:
    """Which critic a state is of: its key in `backbones.BACKBONES`, its options, the side in pixels it was made for.

    Raises `WeightsError` for a network that is no critic, and for one that takes another number of channels.
    """
    if "entry.weight" in state and "exit.weight" in state:
        stages = sum(name.startswith("stages.") and name.endswith(".first.weight") for name in state)
        widths = tuple(state[f"stages.{position}.first.weight"].shape[0] for position in reversed(range(stages)))
        return "residual-critic", {"widths": widths}, SMALLEST_PX * 2**stages
    if "heads.0.0.weight" in state:
        return "projected-critic", _projected_options(state), PATCH_CRITIC_PX
    if "stack.0.weight" in state:
        convolutions = [name for name, one in state.items() if name.endswith(".weight") and one.ndim == 4]
        px, width = SMALLEST_PX * 2 ** (len(convolutions) - 1), state["stack.0.weight"].shape[0]
        normalization = "none" if "stack.2.bias" in state else "instance"
        normalization = "batch" if any(name.endswith("running_mean") for name in state) else normalization
        return "dcgan-critic", {"px": px, "width": width, "normalization": normalization}, px
    spectral = "layers.0.parametrizations.weight.original" in state
    if not spectral and "layers.0.weight" not in state:
        raise WeightsError("The network is no critic that is known here.", remedy="name the run of a training with one")
    end = "parametrizations.weight.original" if spectral else "weight"
    shapes = [state[f"layers.{position}.{end}"].shape for position in range(_layers(state, end))]
    if shapes[0][1] != 12:
        raise WeightsError(
            f"This critic looks at {shapes[0][1] // 4} channels at once, not at one picture.",
            remedy="name the run of a training whose critic sees single pictures: generate, cyclegan, cut, stylize",
        )
    return "patch-critic", {"widths": tuple(shape[0] for shape in shapes[:-2]), "spectral": spectral}, PATCH_CRITIC_PX


PATCH_CRITIC_PX = 256


def _projected_options(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The options of a `ProjectedCriticFeatures`, by the shapes of its finest head and of its encoder."""
    entries = [state.get(f"encoder.stages.{depth}.0.weight") for depth in range(4)]
    widths = tuple(one.shape[0] for one in entries if one is not None and one.ndim == 4)
    finest = state["heads.0.0.weight"]
    if len(widths) != 4 or finest.ndim != 4:
        raise WeightsError(
            "The critic looks through an encoder, and its weights are not whole.", remedy="name another checkpoint"
        )
    if finest.shape[1] not in (BLOCK_CHANNELS, 2 * BLOCK_CHANNELS):
        raise WeightsError(
            f"The critic's finest head takes {finest.shape[1]} channels: {BLOCK_CHANNELS} are known, and "
            f"{2 * BLOCK_CHANNELS} of a conditional one.",
            remedy="name the run of a training of this version",
        )
    return {
        "widths": widths,
        "depths": tuple(
            sum(bool(re.fullmatch(rf"encoder\.stages\.{depth}\.\d+\.weight", name)) for name in state)
            for depth in range(4)
        ),
        "width": finest.shape[0],
        "conditional": finest.shape[1] == 2 * BLOCK_CHANNELS,
    }


def _layers(state: Mapping[str, Tensor], end: str) -> int:
    return sum(name.startswith("layers.") and name.endswith(f".{end}") for name in state)


def critic_of(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of the (first) critic among the tensors of a run's checkpoint; raises `WeightsError` for none."""
    names = sorted({name.split("/")[1] for name in tensors if name.startswith("networks/critic")})
    if not names:
        raise WeightsError(
            "The run has no critic.", remedy="name the run of an adversarial training, or another feature network"
        )
    prefix = f"networks/{'critic' if 'critic' in names else names[-1]}/"
    found = {name: one for name, one in tensors.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): one.to(torch.float32) for name, one in found.items()}
