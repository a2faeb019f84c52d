"""A profile counts what can be counted by hand, leaves no hooks behind, and forecasts by what it tried."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.tasks.profile.forecast import forecast
from vasari.tasks.profile.measuring import BETWEEN, measured, parameters
from vasari.tasks.profile.peak import measured_peak
from vasari.tasks.profile.plan import ProfilePlan
from vasari.tasks.profile.profiling import profile
from vasari.tasks.profile.subjects import Subject, subject

PLAN = ProfilePlan(precision="float32", runs=1, megapixels=0.01)


class _Slow(nn.Module):
    """Two layers, of which the second sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.quick = nn.Conv2d(3, 4, 3, padding=1)
        self.slow = _Sleeping(4, 2, 1)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.slow(self.quick(pixels))


class _Sleeping(nn.Conv2d):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        time.sleep(0.1)
        return super().forward(pixels)


def of(network: nn.Module, treats: bool = True) -> Subject:
    def run(picture: Picture) -> Picture:
        network(picture.pixels[None])
        return picture

    return Subject("made up", {"net": network}, torch.device("cpu"), torch.float32, run, treats)


def test_layers_tell_their_own_operations_and_time() -> None:
    network = _Slow()
    found = measured(of(network), Picture(torch.rand(3, 20, 30)), runs=2)
    quick, slow = found.layers
    assert (quick.name, slow.name) == ("net.quick", "net.slow")
    # A multiplication and an addition are two operations.
    assert quick.operations == 2 * 3 * 4 * 9 * 20 * 30
    assert slow.operations == 2 * 4 * 2 * 20 * 30
    assert found.operations == quick.operations + slow.operations
    assert quick.largest_bytes == 4 * 20 * 30 * 4 and quick.calls == 1
    assert slow.seconds >= 0.1 and slow.seconds > quick.seconds
    assert len(found.all_seconds) == 2 and found.seconds == min(found.all_seconds) >= 0.1
    assert parameters(of(network)) == 4 * 28 + 2 * 5
    assert not any(one._forward_hooks or one._forward_pre_hooks for one in network.modules())


def test_stages_and_what_lies_between_make_up_the_whole(tiny_restorer: Path) -> None:
    found = profile(str(tiny_restorer), PLAN)
    stages = found.measurement.stages()
    assert stages[-1].name == BETWEEN
    assert sum(one.operations for one in stages) == found.measurement.operations
    assert sum(one.seconds for one in stages) == pytest.approx(found.measurement.hooked_seconds)
    assert sum(one.parameters for one in stages) <= found.parameters
    tail = {one.name: one for one in stages}["restorer.tail"]
    side = 104 // 2  # of 100 px, filled up to a multiple of 8, and halved
    assert tail.operations == 2 * 32 * 16 * 9 * side * side
    assert found.share == pytest.approx(
        found.measurement.operations / found.measurement.seconds / found.peaks[0].operations_per_second
    )


def test_the_peak_is_that_of_a_convolution() -> None:
    peak = measured_peak(torch.float32, torch.device("cpu"), ((32, 64),), seconds=0.05)
    pixels = torch.rand(1, 32, 64, 64).contiguous(memory_format=torch.channels_last)
    weight = torch.rand(32, 32, 3, 3).contiguous(memory_format=torch.channels_last)
    fastest = min(_seconds(pixels, weight) for _ in range(60))
    reached = 2 * 32 * 32 * 9 * 64 * 64 / fastest
    assert 0.2 < peak.operations_per_second / reached < 5
    assert (peak.channels, peak.side_px, peak.precision) == (32, 64, "float32")


def _seconds(pixels: torch.Tensor, weight: torch.Tensor) -> float:
    began = time.perf_counter()
    with torch.inference_mode():
        functional.conv2d(pixels, weight, padding=1)
    return time.perf_counter() - began


def test_a_folder_is_forecast_by_what_was_tried(tmp_path: Path) -> None:
    for number, size in enumerate(((100, 80), (60, 50), (40, 30))):
        Image.fromarray(np.full((size[1], size[0], 3), 90, np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    found = forecast(of(_Slow()), tmp_path, PLAN)
    assert (found.pictures, found.unreadable, found.tried) == (3, 1, 3)
    assert found.megapixels == pytest.approx((8000 + 3000 + 1200) / 1e6)
    assert found.seconds >= 0.15 and found.low <= found.seconds <= found.high
    assert sum(found.shares.values()) == pytest.approx(1) and found.shares["treating"] > 0.3
    # All were tried, whole: the forecast is what it took.
    again = forecast(of(_Slow()), tmp_path, ProfilePlan(sampled_files=1))
    assert again.tried == 1 and again.low == pytest.approx(again.seconds) == again.high


def test_what_cannot_be_profiled_or_forecast_is_told(tmp_path: Path, tiny_painter: dict[str, str]) -> None:
    with pytest.raises(WeightsError):
        subject("no-such-model", PLAN)
    with pytest.raises(PlanError, match="makes no pictures"):
        forecast(of(_Slow(), treats=False), tmp_path, PLAN)
    with pytest.raises(PlanError, match="can be read"):
        forecast(of(_Slow()), tmp_path, PLAN)
    (tmp_path / "a.png").write_bytes(b"none")
    with pytest.raises(PlanError, match="can be read"):
        forecast(of(_Slow()), tmp_path, PLAN)
    with pytest.raises(PlanError, match="no folder"):
        forecast(of(_Slow()), tmp_path / "none", PLAN)
    encoder = subject(tiny_painter["encoder"], PLAN)
    assert not encoder.treats and encoder.run(Picture(torch.rand(3, 32, 32))) is None


@pytest.mark.parametrize("name", ["encoder", "inpaint", "generate-retro", "stylize"])
def test_bundled_models_can_be_profiled(name: str) -> None:
    ready = subject(name, PLAN)
    found = measured(ready, Picture(torch.rand(3, 64, 64)), runs=1)
    assert found.operations > 1e6 and all(one.calls for one in found.layers if one.operations)
    assert ready.sized is (name != "generate-retro")
