"""Devices and precision: chosen as the machine is, refused where it is not."""

from __future__ import annotations

import pytest
import torch

from vasari.foundation.devices import DEVICES, PRECISIONS, choose_device, choose_precision
from vasari.foundation.errors import PlanError

AVAILABLE = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_there_or_refused(name: str) -> None:
    if AVAILABLE.get(name, True):
        assert name in ("auto", choose_device(name).type)
        torch.zeros(1, device=choose_device(name))
    else:
        with pytest.raises(PlanError, match=f"device={name} is not available"):
            choose_device(name)


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_is_what_was_asked(name: str) -> None:
    chosen = choose_precision(name, torch.device("cpu"))
    assert chosen in (torch.float32, torch.bfloat16)
    assert name == "auto" or str(chosen) == f"torch.{name}"


def test_half_precision_is_not_chosen_for_apple() -> None:
    assert choose_precision("auto", torch.device("mps")) == torch.float32
