"""The one table of networks: what builds them and what the rest of the house must know of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import nn

from vasari.models.critics import PatchCritic
from vasari.models.restorers import Restorer


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


NETWORKS: Mapping[str, Card] = MappingProxyType(
    {
        "restorer": Card(
            build=Restorer,
            task="restore",
            halo=32,
            multiple_of=8,
            channels=(3, 3),
            paper="U-Net, arXiv:1505.04597; pixel-unshuffle, arXiv:1710.04026; FiLM, arXiv:1709.07871",
        ),
        "patch-critic": Card(
            build=PatchCritic,
            task="critic",
            halo=None,
            multiple_of=8,
            channels=(3, 1),
            paper="PatchGAN, arXiv:1611.07004; spectral norm, arXiv:1802.05957",
        ),
    }
)
