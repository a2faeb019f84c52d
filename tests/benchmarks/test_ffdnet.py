"""The timing stand-in has the size that FFDNet's paper states."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch


def test_color_ffdnet_is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    network = importlib.import_module("ffdnet").ColorFFDNet()
    convolutions = [layer for layer in network.body if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [96] * 11 + [12]
    # The published color model ffdnet_color.pth holds 852,108 parameters.
    assert sum(parameter.numel() for parameter in network.parameters()) == 852_108
    with torch.inference_mode():
        assert network(torch.rand(1, 3, 32, 48), torch.tensor([0.1])).shape == (1, 3, 32, 48)
