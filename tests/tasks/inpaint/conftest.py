"""A small inpainter with weights of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def tiny_inpainter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.safetensors` file of a narrow inpainter whose seeded weights change a fill visibly."""
    from vasari.models import hub
    from vasari.models.inpainters import Inpainter

    options = {"widths": [16, 16, 16, 32], "depths": [1, 1, 1, 1, 1, 1]}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = Inpainter(**options)  # type: ignore[arg-type]
        torch.nn.init.normal_(network.tail.weight, std=0.02)
    path = tmp_path_factory.mktemp("models") / "tiny-inpainter.safetensors"
    return hub.save(network, path, {"network": {"name": "inpainter", "options": options}, "task": "inpaint"})
