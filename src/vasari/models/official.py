"""Official weights that published numbers are defined by: known by their digests, fetched once, never shipped.

Their publishers' files are used as they are (`.pth`, read without running anything in them).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from vasari.foundation.errors import WeightsError
from vasari.models import downloads, hub
from vasari.models.inception import InceptionV3
from vasari.models.lpips import LAYERS, Lpips
from vasari.models.model_files import read
from vasari.models.torch_files import read_torch


@dataclass(frozen=True)
class Official:
    """A published file: where it lies, its SHA-256, its license."""

    url: str
    sha256: str
    license: str

    @property
    def file(self) -> str:
        """Its name."""
        return self.url.rsplit("/", 1)[-1]


_LPIPS = "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1"
OFFICIAL: Mapping[str, Official] = MappingProxyType({
    "inception": Official(
        "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
        "Apache-2.0",
    ),
    "vgg16": Official(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        "BSD-3-Clause",
    ),
    "alexnet": Official(
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
        "BSD-3-Clause",
    ),
    "lpips-vgg": Official(
        f"{_LPIPS}/vgg.pth", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868", "BSD-2-Clause"
    ),
    "lpips-alex": Official(
        f"{_LPIPS}/alex.pth", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0", "BSD-2-Clause"
    ),
})  # fmt: skip
INCEPTION = "inception"
TRUNKS: Mapping[str, str] = MappingProxyType({"vgg": "vgg16", "alex": "alexnet"})


def official_file(name: str, folder: Path | None = None) -> Path:
    """The file of an official name: in `folder` under its published name, in the cache, or downloaded; by its digest.

    Raises `WeightsError`, which says where the file comes from and where to put it.
    """
    about = OFFICIAL[name]
    if folder is not None:
        path = folder / about.file
        if not path.is_file():
            raise WeightsError(f"{folder} does not hold {about.file}.", remedy=f"fetch {about.url} into it")
        if hashlib.sha256(read(path)).hexdigest() != about.sha256:
            raise WeightsError(
                f"{path} is not the official file: its SHA-256 is another than {about.sha256[:16]}….",
                remedy=f"fetch {about.url} again",
            )
        return path
    try:
        return downloads.fetch(about.url, about.sha256, downloads.cache_folder())
    except WeightsError as error:
        place = downloads.cache_folder() / about.sha256 / about.file
        raise WeightsError(
            f"The official weights {name} are not here: {error.message}",
            remedy=f"where there is a network, fetch {about.url}, and put it here as {place}",
        ) from error


def is_official(name: str, digest: str) -> bool:
    """Whether a SHA-256 is that of the official file."""
    return OFFICIAL[name].sha256 == digest


def inception_of(state: Mapping[str, Tensor], called: str) -> InceptionV3:
    """The network of a table of tensors, in evaluation mode; raises `WeightsError`."""
    with torch.device("meta"):  # first weights are not drawn: they would only be thrown away
        network = InceptionV3()
    network.to_empty(device="cpu")
    hub.load_state(network, state, called)
    return network.eval().requires_grad_(False)


def load_lpips(kind: str, folder: Path | None = None) -> Lpips:
    """LPIPS 0.1 of "vgg" or "alex" with its official weights; raises `WeightsError` where they cannot be had."""
    if kind not in LAYERS:
        raise WeightsError(f"There is no LPIPS {kind!r}.", remedy=f"name one of {', '.join(LAYERS)}")
    trunk, heads = (official_file(name, folder) for name in (TRUNKS[kind], f"lpips-{kind}"))
    return lpips_of(kind, read_torch(read(trunk), trunk.name), read_torch(read(heads), heads.name))


def lpips_of(kind: str, trunk: Mapping[str, Tensor], heads: Mapping[str, Tensor]) -> Lpips:
    """The network of two tables of tensors, in evaluation mode; raises `WeightsError`."""
    network = Lpips(kind)
    hub.load_state(network, network.state_of(trunk, heads), f"LPIPS {kind}")
    return network.eval().requires_grad_(False)
