"""Evidence of age: what noise, specks, clipping and borders do to it, whatever the picture's size."""

import pytest
import torch
from torch.nn import functional

from vasari.foundation.devices import threads_of
from vasari.models.evidence import EVIDENCE, evidence

NOISE = slice(0, 9)  # at full size: three zones of lightness, each luma, red - green, blue - green
SPECKS = slice(48, 52)  # at full size: light, dark; slight, strong
CLIPPED = slice(82, 88)
RING = slice(88, 91)


@pytest.fixture
def scene() -> torch.Tensor:
    """Soft shades, as of sky and wall."""
    torch.manual_seed(0)
    shades = torch.rand(1, 3, 5, 7)
    return functional.interpolate(shades, (160, 224), mode="bicubic", align_corners=True).clamp(0.1, 0.9)


@pytest.mark.parametrize("size", [(1, 1), (5, 200), (48, 48), (161, 223)])
def test_pictures_of_every_size_have_finite_evidence(size: tuple[int, int]) -> None:
    assert torch.isfinite(evidence(torch.rand(2, 3, *size))).all()
    assert evidence(torch.zeros(1, 3, *size)).shape == (1, EVIDENCE)


def test_noise_is_measured_in_its_own_unit(scene: torch.Tensor) -> None:
    noise = torch.randn(1, 1, 160, 224)
    for deviation in (0.02, 0.05):
        found = evidence(scene + deviation * noise)[0, NOISE].exp().view(3, 3)
        torch.testing.assert_close(found[:, 0], torch.full((3,), deviation + 1e-3), rtol=0.15, atol=2e-3)
        assert found[:, 1:].max() < 0.005, "grain that is equal in all channels is not noise of color"


def test_light_and_dark_specks_are_told_apart(scene: torch.Tensor) -> None:
    clean = evidence(scene)[0, SPECKS]
    dusty = scene.clone()
    dusty[..., 8::16, 8::16] = 1.0
    seen = evidence(dusty)[0, SPECKS]
    assert seen[0] > clean[0] + 3 and seen[2] > clean[2] + 3
    torch.testing.assert_close(seen[[1, 3]], clean[[1, 3]], atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[2].exp(), torch.tensor(1 / 256), rtol=0.1, atol=0)


def test_clipping_and_a_dark_border_are_seen(scene: torch.Tensor) -> None:
    burnt = scene.clone()
    burnt[:, :, :80] = 1.0
    assert evidence(burnt)[0, CLIPPED].exp()[:3].min() > 0.49 > evidence(scene)[0, CLIPPED].exp()[:3].max()
    framed = functional.pad(scene, (12, 12, 12, 12), value=0.0)
    assert evidence(framed)[0, RING].max() < -0.1


def test_evidence_of_one_does_not_depend_on_the_others(scene: torch.Tensor) -> None:
    pictures = torch.cat([scene, torch.rand_like(scene)])
    torch.testing.assert_close(evidence(pictures)[:1], evidence(scene))


def test_evidence_does_not_depend_on_the_number_of_threads() -> None:
    """To the last bit: what is a hair apart here is a level apart in some pixels of a restoration."""
    pictures = torch.rand(1, 3, 460, 600, generator=torch.Generator().manual_seed(3))
    found = []
    for threads in ("1", "2"):
        with threads_of({"threads": threads}):
            found.append(evidence(pictures))
    assert torch.equal(*found)
