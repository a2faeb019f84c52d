"""Devices and precision: chosen as the machine is, refused where it is not."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vasari.foundation.devices import DEVICES, PRECISIONS, choose_device, choose_precision, machine_of, threads_of
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


def test_the_threads_of_a_record_are_computed_with_and_told_and_then_those_before() -> None:
    before, cpu = torch.get_num_threads(), torch.device("cpu")
    for threads in ("1", "3"):
        with pytest.raises(ZeroDivisionError), threads_of({"threads": threads}):
            assert machine_of(cpu, torch.float32) | {"threads": threads} == machine_of(cpu, torch.float32)
            raise ZeroDivisionError
        assert torch.get_num_threads() == before
    with threads_of({}):
        assert torch.get_num_threads() == before


@pytest.mark.parametrize("told", ["0", "1025", "9" * 5000, "two", 2, [2]])
def test_a_number_of_threads_that_no_record_tells_is_refused(told: Any) -> None:
    before = torch.get_num_threads()
    with pytest.raises(PlanError, match="a number from 1 to 1024 is needed"), threads_of({"threads": told}):
        pass
    assert torch.get_num_threads() == before
