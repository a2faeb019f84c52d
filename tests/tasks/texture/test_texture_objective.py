"""The recipe `texture`: it trains on one sample, resumes exactly, and refuses what is none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.tasks.recipe import train_recipe
from vasari.tasks.texture.objective import SampleCrops, TextureObjectivePlan, read_sample, strongest_waves

SHORT = (
    "train.images=8",
    "train.batch=2",
    "train.precision=float32",
    "train.log_every_steps=2",
    "objective.px=32",
    "objective.critic_widths=[16,16]",
    "network.options.widths=[16, 12, 8, 8]",
    "network.options.noise=4",
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "brick.png"
    Image.fromarray(data.brick()[:128, :160]).save(path)
    return path


@pytest.mark.parametrize("kind", ["hinge/spectral", "rpgan/r1r2"])
def test_it_trains_and_resumes_exactly(sample, tmp_path, kind):
    adversarial, penalty = kind.split("/")
    settings = (*SHORT, f"objective.adversarial={adversarial}", f"objective.penalty={penalty}")
    runs = [RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parted")]
    assert train_recipe("texture", (sample,), runs[0].path, settings)["finished"]
    hurried = (*settings, "train.stop_after_minutes=1e-5")
    assert train_recipe("texture", (sample,), runs[1].path, hurried)["stopped_by"] == "time"
    assert train_recipe("texture", (sample,), runs[1].path, settings, resume=True)["finished"]
    one, other = (run.read_checkpoint() for run in runs)
    assert [key for key in one.tensors if not torch.equal(one.tensors[key], other.tensors[key])] == []
    recipe = hub.load(runs[0].path / "best.safetensors").recipe
    assert recipe["task"] == "texture" and recipe["metrics"]["patch_distance"] > 0


def test_crops_are_the_sample_s_own_and_positioned(sample):
    pixels = read_sample(sample)
    assert pixels.shape == (3, 128, 160)
    crops = SampleCrops(pixels, TextureObjectivePlan(px=32, flip=True), seed=3)
    assert torch.equal(crops[5]["pictures"], crops[5]["pictures"])
    assert not torch.equal(crops[5]["pictures"], crops[6]["pictures"])
    views = pixels[0].unfold(0, 32, 1).unfold(1, 32, 1)
    for index in range(4):
        crop = crops[index]["pictures"][0]
        assert any(bool((views == one).all((2, 3)).any()) for one in (crop, crop.flip(1)))


def test_the_strongest_waves_are_those_of_the_sample():
    y, x = np.mgrid[:128, :160]
    grating = 0.5 + 0.2 * np.sin(2 * np.pi * (y * 0.05)) + 0.1 * np.sin(2 * np.pi * (x * 0.08 - y * 0.03))
    found = strongest_waves(torch.from_numpy(grating.astype(np.float32))[None], 2)
    wanted = torch.tensor([[0.05, 0.0], [-0.03, 0.08]])
    for vector in wanted:
        assert min(float((one - sign * vector).norm()) for one in found for sign in (1, -1)) < 1 / 128


def test_what_is_no_sample_is_refused(sample, tmp_path):
    small = tmp_path / "small.png"
    Image.fromarray(data.brick()[:31, :64]).save(small)
    with pytest.raises(TrainingError, match="32 px"):
        read_sample(small)
    for given in ((sample.parent,), (sample, sample), ()):
        with pytest.raises(TrainingError, match="one sample"):
            train_recipe("texture", given, tmp_path / "run", SHORT)
    with pytest.raises(TrainingError, match="crops"):
        train_recipe("texture", (sample,), tmp_path / "run", (*SHORT, "objective.px=144"))
    with pytest.raises(PlanError, match="multiple of 16"):
        train_recipe("texture", (sample,), tmp_path / "run", (*SHORT, "objective.px=40"))
