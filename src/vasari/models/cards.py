"""The one table of networks: what builds them and what the rest of the house must know of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import nn

from vasari.foundation.errors import PlanError
from vasari.models.colorizers import Colorizer
from vasari.models.critics import PatchCritic
from vasari.models.detectors import Detector
from vasari.models.encoders import Encoder
from vasari.models.enlargers import Enlarger
from vasari.models.generators import DcganGenerator, ResidualGenerator
from vasari.models.inpainters import Inpainter
from vasari.models.picture_critics import DcganCritic, ResidualCritic
from vasari.models.pooling import PictureClassifier
from vasari.models.restorers import Restorer
from vasari.models.stylizers import PlainStylizer, Stylizer
from vasari.models.textures import TextureGenerator
from vasari.models.translators import Translator


@dataclass(frozen=True)
class Card:
    """What tiling, training and the web need to know of a network, without knowing its class.

    `halo`: pixels of surroundings after which a tile equals the whole within 1/255, or None where no
    finite halo exists; `multiple_of`: sides of a padded tile; `channels`: in and out.
    """

    build: Callable[..., nn.Module]
    task: str
    halo: int | None
    multiple_of: int
    channels: tuple[int, int]
    paper: str


def built(name: str, options: Mapping[str, Any]) -> nn.Module:
    """A fresh network of the table; raises `PlanError` for a name or an option that it does not have."""
    if name not in NETWORKS:
        raise PlanError(f"There is no network {name!r}.", remedy=f"choose from: {', '.join(NETWORKS)}")
    try:
        return NETWORKS[name].build(**options)
    except TypeError:
        known = list(inspect.signature(NETWORKS[name].build).parameters)
        raise PlanError(
            f"{name} cannot be built with the options {dict(options)}.",
            remedy=f"use [network.options] of these, in their types: {', '.join(known)}",
        ) from None


NETWORKS: Mapping[str, Card] = MappingProxyType(
    {
        "restorer": Card(
            build=Restorer,
            task="restore",
            halo=64,  # 32 were enough for the first weights; with these a tile of 256 px was 5 levels off
            multiple_of=8,
            channels=(3, 3),
            paper="U-Net, arXiv:1505.04597; pixel-unshuffle, arXiv:1710.04026; FiLM, arXiv:1709.07871",
        ),
        "inpainter": Card(
            build=Inpainter,
            task="inpaint",
            halo=96,
            multiple_of=16,
            channels=(3, 3),
            paper="U-Net, arXiv:1505.04597; dilated convolutions, arXiv:1511.07122; pull-push, Gortler et al. 1996",
        ),
        "translator": Card(
            build=Translator,
            task="translate",
            halo=60,
            multiple_of=4,
            channels=(3, 3),
            paper="Johnson et al., arXiv:1603.08155; CycleGAN, arXiv:1703.10593; pixel-unshuffle, arXiv:1710.04026",
        ),
        "enlarger": Card(
            build=Enlarger,
            task="enlarge",
            halo=24,
            multiple_of=1,
            channels=(3, 3),
            paper="EDSR, arXiv:1707.02921; sub-pixel convolution, arXiv:1609.05158",
        ),
        "colorizer": Card(
            build=Colorizer,
            task="colorize",
            halo=None,
            multiple_of=16,
            channels=(1, 2),
            paper="Zhang et al., arXiv:1705.02999; U-Net, arXiv:1505.04597; FiLM, arXiv:1709.07871",
        ),
        "detector": Card(
            build=Detector,
            task="detect",
            halo=64,
            multiple_of=8,
            channels=(3, 1),
            paper="U-Net, arXiv:1505.04597; Wan et al., arXiv:2004.09484; pixel-unshuffle, arXiv:1710.04026",
        ),
        "encoder": Card(
            build=Encoder,
            task="encode",
            halo=96,
            multiple_of=16,
            channels=(3, 192),
            paper="VGG, arXiv:1409.1556; distillation, arXiv:1503.02531, arXiv:1412.6550",
        ),
        "stylizer": Card(
            build=Stylizer,
            task="stylize",
            halo=192,
            multiple_of=16,
            channels=(416, 3),
            paper="AdaIN, arXiv:1703.06868; FiLM, arXiv:1709.07871; Ghiasi et al., arXiv:1705.06830",
        ),
        "plain-stylizer": Card(
            build=PlainStylizer,
            task="stylize",
            halo=128,
            multiple_of=16,
            channels=(416, 3),
            paper="AdaIN, arXiv:1703.06868",
        ),
        "texture-generator": Card(
            build=TextureGenerator,
            task="texture",
            halo=64,
            multiple_of=16,
            channels=(24, 3),
            paper="spatial GAN, arXiv:1611.08207; periodic spatial GAN, arXiv:1705.06566",
        ),
        "patch-critic": Card(
            build=PatchCritic,
            task="critic",
            halo=None,
            multiple_of=8,
            channels=(3, 1),
            paper="PatchGAN, arXiv:1611.07004; spectral norm, arXiv:1802.05957",
        ),
        "dcgan": Card(
            build=DcganGenerator,
            task="generate",
            halo=None,
            multiple_of=8,
            channels=(3, 3),
            paper="DCGAN, arXiv:1511.06434",
        ),
        "residual-generator": Card(
            build=ResidualGenerator,
            task="generate",
            halo=None,
            multiple_of=8,
            channels=(3, 3),
            paper="R3GAN, arXiv:2501.05441; StyleGAN2's sum of pictures, arXiv:1912.04958",
        ),
        "dcgan-critic": Card(
            build=DcganCritic,
            task="critic",
            halo=None,
            multiple_of=8,
            channels=(3, 1),
            paper="DCGAN, arXiv:1511.06434",
        ),
        "residual-critic": Card(
            build=ResidualCritic,
            task="critic",
            halo=None,
            multiple_of=8,
            channels=(3, 1),
            paper="R3GAN, arXiv:2501.05441",
        ),
        "picture-classifier": Card(
            build=PictureClassifier,
            task="recognize",
            halo=None,
            multiple_of=16,
            channels=(3, 0),
            paper="moments of features, arXiv:1508.06576, arXiv:1703.06868; linear probes, arXiv:1610.01644",
        ),
    }
)
