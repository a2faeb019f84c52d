"""What a critic sees is told as it is: its own scores, their slopes, and what they lose when a square goes."""

from __future__ import annotations

import copy
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
from vasari.models import hub
from vasari.models.critics import PatchCritic
from vasari.models.encoders import Encoder
from vasari.models.losses import in_the_tone_of
from vasari.models.picture_critics import DcganCritic
from vasari.models.projected_critic import ProjectedCritic
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


def far_looking(conditional: bool = False) -> ProjectedCritic:
    """A critic whose scores rest on what is far to the left and to the right more than on what is near."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        critic = ProjectedCritic(Encoder((4, 4, 8, 8)), width=8, conditional=conditional).eval().requires_grad_(False)
    for one in critic.parameters():
        if one.ndim == 4:
            one[..., 1] = 0
            one *= 2
    return critic


def painted_over(pixels: torch.Tensor, rows: slice, columns: slice) -> torch.Tensor:
    covered = pixels.clone()
    square = covered[:, rows, columns]
    square.copy_(square.mean((1, 2), keepdim=True).expand_as(square))
    return covered


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
    covered = painted_over(found.pixels, slice(64, 72), slice(96, 104))
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


def test_a_projected_critics_scores_are_the_mean_over_its_depths(tmp_path: Path) -> None:
    encoder = hub.load("encoder").network
    assert isinstance(encoder, Encoder)
    with torch.random.fork_rng():
        torch.manual_seed(6)
        critic = ProjectedCritic(encoder, width=8).eval().requires_grad_(False)
    scan = Picture.from_array(skimage.data.astronaut()[:50, 200:270])
    found = critic_maps(scan, str(checkpoint(critic, tmp_path / "last.safetensors")), silent)
    assert found.pixels.shape == (3, 48, 64) and not found.whole
    scores = critic(found.pixels[None])
    expected = scores[0].mean(0).repeat_interleave(4, 0).repeat_interleave(4, 1)
    torch.testing.assert_close(found.scores, expected)
    by_head = _by_depth(critic, found.pixels)
    assert found.depths == pytest.approx(by_head.tolist(), rel=1e-4) and len(set(found.depths)) == 4
    # The slope of the mean score, by a small step of one pixel's channel.
    place = divmod(int(found.gradient.argmax()), 64)
    slopes = []
    for channel in range(3):
        step = torch.zeros(3, 48, 64, dtype=torch.float64)
        step[channel, place[0], place[1]] = 1e-5
        moved = _by_depth(critic, found.pixels + step).mean() - _by_depth(critic, found.pixels - step).mean()
        slopes.append(abs(float(moved)) / 2e-5)
    assert max(slopes) * 48 * 64 == pytest.approx(float(found.gradient.max()), rel=1e-2)


def _by_depth(critic: ProjectedCritic, pixels: torch.Tensor) -> torch.Tensor:
    """Each head's own mean score, finest first, in double precision."""
    critic, pixels = copy.deepcopy(critic).double(), pixels.double()[None]
    seen = [nn.functional.pixel_unshuffle(pixels * 2 - 1, 2), *critic.features(pixels)]
    return torch.stack([head(x).mean() for head, x in zip(critic.heads, seen, strict=True)])


def test_a_projected_critic_is_asked_about_a_square_with_all_that_it_sees(tmp_path: Path) -> None:
    critic = far_looking()
    wide = Picture.from_array(skimage.data.astronaut()[:32])
    found = critic_maps(wide, str(checkpoint(critic, tmp_path / "last.safetensors")), silent)
    for columns in (slice(240, 256), slice(96, 112)):
        covered = painted_over(found.pixels, slice(0, 16), columns)
        before, after = (critic(one[None]).double().mean(1).sum() for one in (found.pixels, covered))
        value = float(found.occlusion[3, columns.start + 5])
        assert value == pytest.approx(float(before - after) / 16, rel=1e-3)
        assert len(found.occlusion[:16, columns].unique()) == 1 and abs(value) > 0.005


def test_a_conditional_critic_is_shown_the_scan_in_the_tone_of_the_picture(tmp_path: Path) -> None:
    critic = far_looking(conditional=True)
    named = str(checkpoint(critic, tmp_path / "last.safetensors"))
    pixels = 0.2 + 0.6 * torch.from_numpy(skimage.data.astronaut()[:32, :208].copy()).permute(2, 0, 1) / 255
    grain = 0.05 * torch.randn(3, 32, 208, generator=torch.Generator().manual_seed(8))
    restored, scan, faded = (Picture(one) for one in (pixels, pixels + grain, 0.2 + (pixels + grain) * 0.9))
    found = critic_maps(restored, named, silent, given=faded)
    shown = in_the_tone_of(faded.pixels[None], restored.pixels[None], torch.zeros(1, 1, 32, 208))
    scores = critic(restored.pixels[None], shown)
    torch.testing.assert_close(found.scores[::4, ::4], scores[0].mean(0))
    # Fading is none of the critic's business, grain is.

    def apart(other: torch.Tensor) -> float:
        return float((found.scores - other).abs().mean())

    as_it_came = critic(restored.pixels[None], faded.pixels[None])[0].mean(0)
    untouched = critic_maps(restored, named, silent, given=restored)
    assert untouched.depths[1:] == pytest.approx(found.depths[1:])
    of_grain, of_fading = apart(untouched.scores), apart(as_it_came.repeat_interleave(4, 0).repeat_interleave(4, 1))
    assert 6 * apart(critic_maps(restored, named, silent, given=scan).scores) < of_grain < of_fading
    # A square of the picture is painted over; what it was restored from stays.
    covered = painted_over(found.pixels, slice(16, 32), slice(96, 112))
    lost = (scores - critic(covered[None], shown)).double().mean(1).sum()
    assert float(found.occlusion[20, 100]) == pytest.approx(float(lost) / 16, rel=1e-3)


def test_what_a_picture_was_restored_from_is_asked_for_and_refused(
    scan: Picture, patch_critic: PatchCritic, tmp_path: Path
) -> None:
    scan.save(tmp_path / "scan.png")
    Picture.from_array(skimage.data.astronaut()[:64, 100:180]).save(tmp_path / "restored.png")
    Picture.from_array(skimage.data.coins()[:64, 100:180]).save(tmp_path / "grey.png")
    conditional = checkpoint(far_looking(conditional=True), tmp_path / "conditional.safetensors")
    alone = checkpoint(far_looking(), tmp_path / "alone.safetensors")
    patches = checkpoint(patch_critic, tmp_path / "patches.safetensors")

    def explained(critic: Path, given: str) -> dict[str, object]:
        plan = ExplainPlan(critic=str(critic), given=str(tmp_path / given) if given else "")
        return explain(tmp_path / "restored.png", tmp_path / "out", plan)

    with pytest.raises(PlanError, match="restored from, and none was named.*--given SCAN"):
        explained(conditional, "")
    with pytest.raises(PlanError, match=r"80x64 px and the scan that was given 200x130 px.*the very scan"):
        explained(conditional, "scan.png")
    for critic in (alone, patches):
        with pytest.raises(PlanError, match="looks at the restored picture alone.*leave --given out"):
            explained(critic, "restored.png")
    with pytest.raises(PlanError, match="without a critic.*--critic RUN"):
        ExplainPlan(given="scan.png")
    facts = explained(conditional, "grey.png")
    assert facts["given"] == "grey.png" and facts["judges"] == "patches"
    depths = facts["mean_score_by_depth"]
    assert isinstance(depths, list) and len(depths) == 4
    assert facts["mean_score"] == pytest.approx(sum(depths) / 4, rel=1e-4)
    assert json.loads((tmp_path / "out" / "restored.critic.json").read_text()) == facts
    assert "given" not in explained(alone, "") and "mean_score_by_depth" not in explained(patches, "")


def test_a_picture_smaller_than_a_block_is_refused(tmp_path: Path) -> None:
    named = str(checkpoint(far_looking(), tmp_path / "last.safetensors"))
    small = Picture.from_array(skimage.data.astronaut()[:15, :40])
    with pytest.raises(PlanError, match="40x15 px are too few.*16 px or more"):
        critic_maps(small, named, silent)


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
