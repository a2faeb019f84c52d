"""What an enlarger learns from: pictures made smaller, in ways that are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import PlanError, TrainingError
from vasari.models.enlargers import Enlarger
from vasari.tasks.enlarge.examples import KERNELS, EnlargeExamples, ExamplesPlan, marred, smaller
from vasari.tasks.enlarge.objective import EnlargeObjective, EnlargeObjectivePlan
from vasari.tasks.recipe import recipe_from


@pytest.fixture(scope="module")
def photographs() -> dict[str, np.ndarray]:
    return {"astronaut": data.astronaut()[:300, :320], "coffee": data.coffee()[:300, :360]}


def test_an_example_is_the_same_each_time_and_fits_together(photographs: dict[str, np.ndarray]) -> None:
    plan = ExamplesPlan(patch_px=16)
    one, again = (EnlargeExamples(photographs, plan, seed=3) for _ in range(2))
    for index in range(12):
        item = one[index]
        assert {name: tuple(value.shape) for name, value in item.items()} == {
            "small": (3, 16, 16),
            "double": (3, 32, 32),
            "fourfold": (3, 64, 64),
        }
        assert all(torch.equal(value, again[index][name]) for name, value in item.items())
        halved = item["fourfold"].unflatten(1, (32, 2)).unflatten(3, (32, 2)).mean((2, 4))
        assert (halved - item["double"]).abs().max() <= 1.5 / 255  # Pillow rounds twice
    assert not torch.equal(one[0]["small"], one[1]["small"])


def test_truths_are_reductions_and_never_the_photograph_itself() -> None:
    """A checkerboard of single pixels, as a file's faults are, must not be left in what is learned from."""
    board = np.indices((400, 400)).sum(0)[..., None] % 2 * np.full((1, 1, 3), 255)
    plan = ExamplesPlan(patch_px=16, smallest_reduction=2.0, largest_reduction=2.0, marred_share=0.0)
    item = EnlargeExamples({"board": board.astype(np.uint8)}, plan, seed=0)[0]
    assert (item["fourfold"] - 0.5).abs().max() < 0.01


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_halves_the_picture_and_keeps_its_mean(kernel: str) -> None:
    whole = Image.fromarray(data.astronaut()[:64, :80])
    made = smaller(whole, kernel)
    assert made.size == (40, 32)
    assert np.abs(np.asarray(made, float).mean((0, 1)) - np.asarray(whole, float).mean((0, 1))).max() < 2
    if kernel == "area":
        expected = np.asarray(whole, float).reshape(32, 2, 40, 2, 3).mean((1, 3))
        assert np.abs(np.asarray(made) - expected).max() <= 1


def test_what_is_marred_is_marred_lightly() -> None:
    whole = Image.fromarray(data.astronaut()[:64, 100:164])
    moved = [
        np.abs(np.asarray(marred(whole, np.random.default_rng(seed)), float) - np.asarray(whole, float)).mean()
        for seed in range(20)
    ]
    assert 0.5 < np.mean(moved) and max(moved) < 12


def test_wrong_plans_and_small_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError):
        ExamplesPlan(smallest_reduction=4.0)
    Image.fromarray(data.astronaut()[:60, :60]).save(tmp_path / "small.png")
    with pytest.raises(TrainingError, match="sides of 160 px"):
        EnlargeObjective(Enlarger(8, 1), {}, (tmp_path,), EnlargeObjectivePlan())


def test_no_photograph_is_enlarged_to_be_validated_on(tmp_path: Path) -> None:
    plan = EnlargeObjectivePlan(examples=ExamplesPlan(patch_px=16))
    for number in range(3):  # enough for patches of 16 px, too small for the truth of a validation
        Image.fromarray(data.astronaut()[:255, number : number + 300]).save(tmp_path / f"a-small-{number}.png")
    Image.fromarray(data.astronaut()[:60, :60]).save(tmp_path / "tiny.png")
    with pytest.raises(TrainingError, match="None of 3 photographs has sides of 256 px or more") as refused:
        EnlargeObjective(Enlarger(8, 1), {}, (tmp_path,), plan)
    assert "larger photograph" in refused.value.remedy
    Image.fromarray(data.coffee()[:256, :400]).save(tmp_path / "large.png")
    objective = EnlargeObjective(Enlarger(8, 1), {}, (tmp_path,), plan)
    assert objective.data_report == (
        "3 photographs to train on, 1 only to validate on.",
        "Photographs left out for a side below 64 px: 1.",
        "Photographs trained on that are too small to validate on (below 256 px): 3.",
    )
    with torch.no_grad():
        grid = objective.validate(objective.networks).pictures["lanczos_enlarged_truth"]
    truth = torch.from_numpy(data.coffee()[:256, 72:328].transpose(2, 0, 1).astype(np.float32) / 255)
    assert torch.equal(grid[0, 2], truth)


def test_training_brings_the_enlarger_ahead_of_where_it_began(tmp_path: Path) -> None:
    from vasari.foundation.runs import RunFolder
    from vasari.tasks.recipe import build_objective
    from vasari.tasks.training import train

    for name in ("astronaut", "coffee", "rocket"):
        Image.fromarray(getattr(data, name)()).save(tmp_path / f"{name}.png")
    values = {
        "kind": "enlarge",
        "train": {
            "images": 320, "batch": 8, "learning_rate": 2e-3, "ema_half_life_images": 40, "precision": "float32",
            "device": "cpu", "validate_every_images": 0,
        },
        "network": {"name": "enlarger", "options": {"width": 12, "depth": 1}},
        "objective": {"examples": {"patch_px": 16, "marred_share": 0.0}},
    }  # fmt: skip
    recipe = recipe_from(values, "test")
    objective = build_objective(recipe, (tmp_path,))
    with torch.no_grad():
        first = objective.validate(objective.networks).metrics
    train(objective, recipe.train, RunFolder(tmp_path / "run", recipe.to_dict()))
    with torch.no_grad():
        then = objective.validate({name: one.eval() for name, one in objective.networks.items()}).metrics
    assert then["psnr_2"] > first["psnr_2"] + 0.3
    assert then["psnr_lanczos_2"] == first["psnr_lanczos_2"]
