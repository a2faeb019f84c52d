"""What a critic sees is told as it is: its own scores, their slopes, and what they lose when a square goes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from safetensors.torch import save_file
from torch import nn

from vasari.foundation.errors import PlanError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models.critics import PatchCritic
from vasari.models.picture_critics import DcganCritic
from vasari.tasks.explain.criticizing import critic_maps
from vasari.tasks.explain.explaining import explain
from vasari.tasks.explain.plan import ExplainPlan
from vasari.tasks.explain.restoring import restoration_maps
from vasari.tasks.restore.apply import restore


def checkpoint(critic: nn.Module, path: Path) -> Path:
    save_file({f"networks/critic/{name}": one.contiguous() for name, one in critic.state_dict().items()}, path)
    return path


def silent(done: int, all: int) -> None:
    return None


@pytest.fixture
def patch_critic() -> PatchCritic:
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return PatchCritic(widths=(8, 8, 8), spectral=False).eval().requires_grad_(False)


@pytest.fixture
def scan() -> Picture:
    return Picture.from_array(skimage.data.astronaut()[:130, 100:300])


def test_a_patch_critics_scores_stand_over_their_places(scan: Picture, patch_critic: PatchCritic, tmp_path: Path):
    found = critic_maps(scan, str(checkpoint(patch_critic, tmp_path / "last.safetensors")), silent)
    assert found.pixels.shape == (3, 128, 200) and not found.whole
    scores = patch_critic(found.pixels[None])[0, 0]
    torch.testing.assert_close(found.scores[::8, ::8], scores)
    # The slope of the mean score, by a small step of one pixel's channel.
    place = divmod(int(found.gradient.argmax()), 200)
    moved = []
    for channel in range(3):
        pixels = found.pixels.double().clone()
        pixels[channel, place[0], place[1]] += 1e-4
        critic = patch_critic.double()
        apart = nn.functional.pixel_unshuffle(pixels[None] * 2 - 1, 2)
        moved.append(float(_scored(critic, apart) - _scored(critic, _entered(found.pixels))) / 1e-4)
    assert max(map(abs, moved)) * 128 * 200 == pytest.approx(float(found.gradient.max()), rel=1e-2)


def _entered(pixels: torch.Tensor) -> torch.Tensor:
    return nn.functional.pixel_unshuffle(pixels.double()[None] * 2 - 1, 2)


def _scored(critic: PatchCritic, x: torch.Tensor) -> torch.Tensor:
    *inner, last = critic.layers
    for layer in inner:
        x = nn.functional.leaky_relu(layer(x), 0.2)
    return last(x).mean()


def test_what_a_square_is_worth_is_measured_around_it_alone(
    scan: Picture, patch_critic: PatchCritic, tmp_path: Path
) -> None:
    found = critic_maps(scan, str(checkpoint(patch_critic, tmp_path / "last.safetensors")), silent)
    covered = found.pixels.clone()
    square = covered[:, 64:72, 96:104]
    square.copy_(square.mean((1, 2), keepdim=True).expand_as(square))
    whole = patch_critic(found.pixels[None]).sum() - patch_critic(covered[None]).sum()
    assert float(found.occlusion[66, 99]) == pytest.approx(float(whole), abs=1e-4)
    assert len(found.occlusion[64:72, 96:104].unique()) == 1 and float(found.occlusion.abs().max()) > 0


def test_a_critic_of_whole_pictures_has_one_score(scan: Picture, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        critic = DcganCritic(32, 4, "none").eval()
    found = critic_maps(scan, str(checkpoint(critic, tmp_path / "last.safetensors")), silent)
    assert found.whole and found.pixels.shape == (3, 32, 32)
    assert len(found.scores.unique()) == 1
    assert float(found.scores[0, 0]) == pytest.approx(float(critic(found.pixels[None]).detach()), abs=1e-5)


def test_a_critics_maps_are_written_and_other_networks_refused(
    scan: Picture, patch_critic: PatchCritic, tmp_path: Path
) -> None:
    scan.save(tmp_path / "scan.png")
    path = checkpoint(patch_critic, tmp_path / "last.safetensors")
    facts = explain(tmp_path / "scan.png", tmp_path / "out", ExplainPlan(critic=str(path)))
    names = {one.name for one in (tmp_path / "out").iterdir()}
    assert {"scan.critic.html", "scan.critic.json", "scan.critic-scores.png", "scan.critic-occlusion.npy"} <= names
    scores = np.load(tmp_path / "out" / "scan.critic-scores.npy", allow_pickle=False)
    assert facts["mean_score"] == pytest.approx(float(scores.mean()), rel=1e-4)
    assert facts["share_that_passes_for_real"] == pytest.approx(float((scores > 0).mean()))
    assert json.loads((tmp_path / "out" / "scan.critic.json").read_text()) == facts
    with pytest.raises(WeightsError, match="is no critic"):
        critic_maps(scan, "encoder", silent)
    with pytest.raises(PlanError, match="two explanations"):
        explain(tmp_path / "scan.png", tmp_path / "out", ExplainPlan(critic=str(path), style="mosaic"))


def test_two_restorers_disagree_by_the_difference_of_their_results(
    tiny_restorer: Path, other_restorer: Path, tmp_path: Path
) -> None:
    scan = Picture.from_array(skimage.data.astronaut()[:60, 150:230])
    options = {"model": str(tiny_restorer), "precision": "float32", "shifts": 0}
    found = restoration_maps(scan, ExplainPlan(other=str(other_restorer), **options))
    results = [
        restore(scan, model=str(one), precision="float32").pixels for one in (tiny_restorer, other_restorer)
    ]  # fmt: skip
    assert found.disagreement is not None
    torch.testing.assert_close(found.disagreement, (results[0] - results[1]).abs().amax(0) * 255, atol=1e-2, rtol=1e-3)
    assert float(found.disagreement.max()) > 0.5
    same = restoration_maps(scan, ExplainPlan(other=str(tiny_restorer), **options))
    assert same.disagreement is not None and float(same.disagreement.max()) == 0
    scan.save(tmp_path / "scan.png")
    facts = explain(tmp_path / "scan.png", tmp_path / "out", ExplainPlan(other=str(other_restorer), **options))
    assert facts["mean_disagreement_levels"] == pytest.approx(float(found.disagreement.mean()), rel=0.05)
    assert (tmp_path / "out" / "scan.disagreement.png").exists()
