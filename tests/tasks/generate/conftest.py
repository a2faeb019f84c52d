"""Small generators with seeded weights, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from vasari.models import hub
from vasari.models.cards import NETWORKS


def _saved(path: Path, name: str, options: dict[str, Any]) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = NETWORKS[name].build(**options)
    return hub.save(network, path, {"network": {"name": name, "options": options}, "task": "generate"})


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A residual generator of 32 px with three layers."""
    options = {"widths": [16, 16, 16], "latent": 16, "code": 16}
    return _saved(tmp_path_factory.mktemp("generators") / "tiny.safetensors", "residual-generator", options)


@pytest.fixture(scope="session")
def tiny_dcgan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DCGAN of 16 px, whose one code is its noise."""
    options = {"px": 16, "latent": 12, "width": 8}
    return _saved(tmp_path_factory.mktemp("generators") / "dcgan.safetensors", "dcgan", options)
