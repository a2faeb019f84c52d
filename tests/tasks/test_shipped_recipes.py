"""Every recipe that ships trains a few steps on two photographs, and resumes to the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data as photographs

from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.tasks.recipe import shipped, train_recipe

SMALL = (
    "train.images=12",
    "train.batch=2",
    "train.workers=0",
    "train.precision=float32",
    "train.log_every_steps=2",
    "train.warmup_images=0",
    "objective.start_from=",
    "network.options.widths=[32, 32, 32]",
    "network.options.depths=[1, 1, 1, 1, 1]",
    "objective.examples.region_px=96",
    "objective.examples.patch_px=32",
    "objective.examples.extra_thumbnails=1",
    "objective.examples.pool=16",
    "objective.examples.thumbnail_region_px=96",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photographs")
    for name, pixels in (("astronaut", photographs.astronaut()), ("coffee", photographs.coffee())):
        Image.fromarray(pixels).resize((160, 128)).save(path / f"{name}.png")
    return path


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_trains_and_resumes_exactly(name: str, folder: Path, tmp_path: Path) -> None:
    runs = [RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parted")]
    assert train_recipe(name, (folder,), runs[0].path, SMALL)["finished"]
    hurried = (*SMALL, "train.stop_after_minutes=1e-5")
    assert train_recipe(name, (folder,), runs[1].path, hurried)["stopped_by"] == "time"
    assert train_recipe(name, (folder,), runs[1].path, SMALL, resume=True)["finished"]
    one, other = (run.read_checkpoint() for run in runs)
    assert one is not None and other is not None
    assert [key for key in one.tensors if not torch.equal(one.tensors[key], other.tensors[key])] == []
    assert hub.load(runs[0].path / "last.safetensors").recipe["network"]["name"]
