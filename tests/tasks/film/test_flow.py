"""Known motion is found, hidden places are not trusted, and warping undoes motion."""

from __future__ import annotations

from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from vasari.tasks.film import flow
from vasari.tasks.film.flow import Motion, filled, motion, seen, warp


@pytest.mark.parametrize("step", [(2.6, -1.3), (-5.0, 0.4)])
def test_a_pan_is_found(step: tuple[float, float], clips: ModuleType) -> None:
    first, second = clips.tensors(clips.pan(data.astronaut()[:400, :400], 2, (120, 160), step))
    found = motion(first, second)
    inner = (slice(12, -12), slice(12, -12))
    for moved, sign in ((found.onward, -1), (found.back, 1)):
        for axis in (0, 1):
            assert abs(float(moved[axis][inner].median()) - sign * step[axis]) < 0.1
    assert float(found.seen_onward[0][inner].mean()) > 0.95
    assert float((warp(first, found.back) - second).abs()[:, 12:-12, 12:-12].mean()) < 0.01


def test_what_is_hidden_is_not_trusted(clips: ModuleType) -> None:
    """A square moves over a still ground: it hides on one side what is seen before, and bares the other."""
    ground = clips.pan(data.coffee(), 1, (120, 160), (0.0, 0.0))[0]
    square = clips.pan(data.astronaut()[:200, 100:300], 1, (40, 40), (0.0, 0.0))[0]
    frames = []
    for left in (50, 58):
        frame = ground.copy()
        frame[40:80, left : left + 40] = square
        frames.append(frame)
    found = motion(*clips.tensors(frames))
    bared = found.seen_back[0, 44:76, 51:57]  # the ground that the square has left
    assert float(bared.mean()) < 0.25
    assert float(found.seen_back[0, 46:74, 66:92].mean()) > 0.9  # the square itself
    assert float(found.seen_back[0, :30].mean()) > 0.95
    assert abs(float(found.back[0, 50:70, 70:90].median()) + 8) < 0.5


def test_warping_agrees_with_opencv() -> None:
    rng = np.random.default_rng(4)
    pixels = torch.from_numpy(rng.random((3, 40, 56), np.float32))
    moved = torch.from_numpy(rng.uniform(-3, 3, (2, 40, 56)).astype(np.float32))
    columns, rows = np.meshgrid(np.arange(56, dtype=np.float32), np.arange(40, dtype=np.float32))
    theirs = cv2.remap(
        pixels.permute(1, 2, 0).contiguous().numpy(), columns + moved[0].numpy(), rows + moved[1].numpy(),
        cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    # OpenCV rounds places to 1/32 of a pixel.
    assert np.abs(warp(pixels, moved, "bilinear").permute(1, 2, 0).numpy() - theirs).max() < 0.06
    still = torch.zeros(2, 40, 56)
    assert torch.allclose(warp(pixels, still), pixels, atol=1e-5)


def test_a_flow_that_does_not_lead_home_is_not_trusted() -> None:
    onward = torch.full((2, 30, 40), 3.0)
    assert float(seen(onward, -onward)[0, 4:-4, 4:-4].min()) == 1
    assert float(seen(onward, onward).max()) == 0
    assert float(seen(onward, -onward)[0, :, -2:].max()) == 0  # leads out of the picture


def test_unknown_flow_is_filled_from_around() -> None:
    moved = torch.stack([torch.full((50, 60), 4.0), torch.full((50, 60), -2.0)])
    known = torch.ones(1, 50, 60)
    known[:, 10:40, 15:45] = 0
    spoilt = torch.where(known > 0, moved, torch.tensor(99.0))
    assert torch.allclose(filled(spoilt, known), moved, atol=1e-4)
    assert torch.equal(filled(moved, torch.ones(1, 50, 60)), moved)
    assert float(filled(moved, torch.zeros(1, 50, 60)).abs().max()) == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (20, 20)])
def test_tiny_frames_stand_still(size: tuple[int, int]) -> None:
    frames = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    found = motion(frames[0], frames[1])
    assert isinstance(found, Motion)
    assert float(found.onward.abs().max()) == 0
    assert found.seen_back.shape == (1, *size)


def test_large_frames_are_reduced_for_the_search(clips: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = clips.tensors(clips.pan(data.astronaut()[:400, :400], 2, (120, 160), (4.0, 2.0)))
    monkeypatch.setattr(flow, "FLOW_PX", 80)
    found = motion(first, second)
    assert found.back.shape == (2, 120, 160)
    assert abs(float(found.back[0, 20:-20, 20:-20].median()) - 4) < 0.25
