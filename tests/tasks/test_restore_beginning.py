"""A restorer is taught where it is used: from pictures whose sure marks are lifted off."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from vasari.models.blocks import whole_window
from vasari.models.detectors import Detector
from vasari.models.restorers import Restorer
from vasari.models.surveyor import Survey
from vasari.tasks.restore.beginning import from_their_beginning

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


def darker(restorer: Restorer, pixels: Tensor, by: float) -> Survey:
    """The survey of a fresh one, which leaves the tone as it is, but for an offset."""
    survey = restorer.survey(pixels)
    return survey.map(lambda part: part - by if part.shape == (2, 3) and part is survey.offset else part)


def restored(restorer: Restorer, detector: Detector | None, pixels: Tensor, by: float) -> Tensor:
    with torch.no_grad():
        survey = darker(restorer, pixels, by)
        return from_their_beginning(restorer, detector, pixels, survey, whole_window(pixels)).picture


def test_the_repair_begins_without_what_is_surely_a_mark(restorer: Restorer, patches: Tensor) -> None:
    made = restored(restorer, LightIsAMark(**NARROW), patches, by=0.05)
    assert (made - 0.35).abs().max() < 0.02, "the line is gone, in the survey's tone"


def test_a_sound_patch_keeps_what_looks_like_a_mark(restorer: Restorer, patches: Tensor) -> None:
    torch.testing.assert_close(restored(restorer, LightIsAMark(**NARROW), patches, by=0.0), patches)


def test_without_a_detector_nothing_is_lifted(restorer: Restorer, patches: Tensor) -> None:
    torch.testing.assert_close(restored(restorer, None, patches, by=0.05), patches - 0.05)


def test_the_network_is_told_of_the_marks_that_were_lifted(patches: Tensor) -> None:
    torch.manual_seed(0)
    restorer = Restorer(**NARROW, marked=True)
    nn.init.normal_(restorer.tail.weight, std=0.1)
    told = restored(restorer, LightIsAMark(**NARROW), patches, by=0.05)
    nn.init.zeros_(restorer.head.weight[:, 12:])
    assert (told - restored(restorer, LightIsAMark(**NARROW), patches, by=0.05)).abs().max() > 1e-4


def test_what_the_repair_learns_reaches_its_weights(restorer: Restorer, patches: Tensor) -> None:
    survey = darker(restorer, patches, 0.05)
    made = from_their_beginning(restorer, LightIsAMark(**NARROW), patches, survey, whole_window(patches))
    made.picture.square().mean().backward()
    assert restorer.tail.weight.grad is not None and restorer.tail.weight.grad.abs().max() > 0
