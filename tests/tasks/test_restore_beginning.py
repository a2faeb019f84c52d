"""A restorer is taught where it is used: from pictures whose sure marks are lifted off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from vasari.models.blocks import whole_window
from vasari.models.detectors import Detector
from vasari.models.restorers import Restored, Restorer
from vasari.models.surveyor import Survey
from vasari.tasks.restore.beginning import from_their_beginning
from vasari.tasks.restore.surveyed import Surveyed

NARROW = {"widths": (16, 16, 16), "depths": (1, 1, 1, 1, 1)}


class LightIsAMark(Detector):
    """Finds what is lighter than the rest."""

    def forward(self, pixels: Tensor) -> Tensor:
        return 40 * (pixels.amin(1, keepdim=True) - 0.6)


@pytest.fixture
def restorer() -> Restorer:
    """One that repairs nothing: what comes out is where it began."""
    made = Restorer(**NARROW, marked=True)
    nn.init.zeros_(made.tail.weight)
    return made


@pytest.fixture
def patches() -> Tensor:
    """Two grey patches, a white line across the second."""
    pixels = torch.full((2, 3, 64, 64), 0.4)
    pixels[1, :, 20:23] = 1.0
    return pixels


def darker(restorer: Restorer, pixels: Tensor, by: Sequence[float]) -> Survey:
    """The survey of a fresh one, which leaves the tone as it is, but for an offset of each picture."""
    survey = restorer.survey(pixels)
    return replace(survey, offset=survey.offset - torch.tensor(by)[:, None])


def restored(restorer: Restorer, detector: Detector | None, pixels: Tensor, by: Sequence[float]) -> Restored:
    with torch.no_grad():
        survey = darker(restorer, pixels, by)
        return from_their_beginning(restorer, detector, pixels, survey, whole_window(pixels))


def test_the_repair_begins_without_what_is_surely_a_mark(restorer: Restorer, patches: Tensor) -> None:
    made = restored(restorer, LightIsAMark(**NARROW), patches, by=(0.05, 0.05))
    assert (made.picture - 0.35).abs().max() < 0.02, "the line is gone, in the survey's tone"
    torch.testing.assert_close(made.toned, patches - 0.05)  # what it is measured against still has it


def test_each_patch_is_judged_by_itself(restorer: Restorer, patches: Tensor) -> None:
    both = torch.full((2, 3, 64, 64), 0.4)
    both[:, :, 20:22, 20:22] = 1.0  # too small to be scratches in a sound one
    aged, sound = restored(restorer, LightIsAMark(**NARROW), both, by=(0.05, 0.0)).picture
    assert (aged - 0.35).abs().max() < 0.15, "one has aged and loses its speck"
    torch.testing.assert_close(sound, both[1])  # the other is sound and keeps it


def test_one_that_marks_cover_wholly_keeps_its_mean_and_leaves_its_neighbor_alone(restorer: Restorer) -> None:
    patches = torch.full((2, 3, 64, 64), 0.4)
    patches[0], patches[1, :, :, :32] = 0.8, 0.3
    covered, other = restored(restorer, LightIsAMark(**NARROW), patches, by=(0.05, 0.05)).picture
    torch.testing.assert_close(covered, torch.full_like(covered, 0.75))
    torch.testing.assert_close(other, patches[1] - 0.05)


def test_without_a_detector_nothing_is_lifted(restorer: Restorer, patches: Tensor) -> None:
    made = restored(restorer, None, patches, by=(0.05, 0.05))
    torch.testing.assert_close(made.picture, patches - 0.05)


def test_marks_are_sought_in_the_restored_tone(restorer: Restorer, patches: Tensor) -> None:
    dark = patches * 0.5  # light only once the survey has made it so
    made = restored(restorer, LightIsAMark(**NARROW), dark, by=(-0.3, -0.3))
    assert (made.picture[1] - 0.5).abs().max() < 0.02


def test_a_patch_of_a_picture_gets_the_tone_of_its_place(restorer: Restorer, patches: Tensor) -> None:
    survey = darker(restorer, patches, (0.05, 0.05))
    gain = torch.zeros_like(survey.gain)
    gain[..., 3:] = -0.3  # the right half was too light
    survey = replace(survey, gain=gain)
    for left, expected in ((0.0, 0.35), (0.75, 0.4 * math.exp(-0.3) - 0.05)):
        window = torch.tensor([[0.0, left, 0.25, left + 0.25]]).expand(2, 4)
        with torch.no_grad():
            made = from_their_beginning(restorer, LightIsAMark(**NARROW), patches, survey, window)
        assert (made.picture - expected).abs().max() < 0.03, left


def test_a_patch_that_is_a_whole_picture_is_restored_as_pictures_are(patches: Tensor) -> None:
    """Training begins where use does: the same as `Surveyed` of a picture with scratches, to rounding."""
    torch.manual_seed(0)
    restorer = Restorer(**NARROW, marked=True)
    nn.init.normal_(restorer.tail.weight, std=0.1)
    nn.init.constant_(restorer.surveyor.color.bias, 0.02)
    detector = LightIsAMark(**NARROW)
    with torch.inference_mode():
        seen = Surveyed.of(patches[1], restorer, detector)
        used = seen.restored(restorer, patches[1:], whole_window(patches[1:]))
        taught = from_their_beginning(restorer, detector, patches[1:], seen.survey, whole_window(patches[1:]))
    assert seen.lifted is not None
    torch.testing.assert_close(taught.picture, used.picture, atol=5e-3, rtol=0)
    torch.testing.assert_close(taught.toned, used.toned)


def test_the_network_is_told_of_the_marks_that_were_lifted(patches: Tensor) -> None:
    torch.manual_seed(0)
    restorer = Restorer(**NARROW, marked=True)
    nn.init.normal_(restorer.tail.weight, std=0.1)
    told = restored(restorer, LightIsAMark(**NARROW), patches, by=(0.05, 0.05)).picture
    nn.init.zeros_(restorer.head.weight[:, 12:])
    untold = restored(restorer, LightIsAMark(**NARROW), patches, by=(0.05, 0.05)).picture
    assert (told - untold).abs().max() > 1e-4


def test_what_the_repair_learns_reaches_its_weights(restorer: Restorer, patches: Tensor) -> None:
    survey = darker(restorer, patches, (0.05, 0.05))
    made = from_their_beginning(restorer, LightIsAMark(**NARROW), patches, survey, whole_window(patches))
    made.picture.square().mean().backward()
    assert restorer.tail.weight.grad is not None and restorer.tail.weight.grad.abs().max() > 0
