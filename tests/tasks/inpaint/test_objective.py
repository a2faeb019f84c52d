"""What an inpainter is trained for: examples from their seed, terms that fall, a critic and features where asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.tasks.inpaint.examples import ExamplesPlan, InpaintExamples, random_crop
from vasari.tasks.inpaint.objective import InpaintObjective, build, level
from vasari.tasks.recipe import recipe_from
from vasari.tasks.training import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photographs")
    for name in ("astronaut", "coffee", "chelsea"):
        Image.fromarray(getattr(data, name)()[:240, :300]).save(path / f"{name}.png")
    return path


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    sizes = {"conv0": (3, 3, 1), "conv11": (4, 3, 3)}
    state = {f"{name}.weight": torch.randn(a, b, k, k) for name, (a, b, k) in sizes.items()}
    path = tmp_path_factory.mktemp("features") / "features.safetensors"
    save_file(state, path)
    return path


def objective(folder: Path, **options: object) -> InpaintObjective:
    values = {
        "kind": "inpaint",
        "train": {"images": 16, "batch": 2, "precision": "float32", "log_every_steps": 1, "learning_rate": 1e-3},
        "network": {"options": {"widths": [8, 8, 8, 8]}},
        "objective": {"examples": {"patch_px": 32}, **options},
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(recipe_from(values, "test"), (folder,))


def test_an_example_comes_from_its_number_and_the_seed(folder: Path) -> None:
    first, again = (objective(folder).examples(5) for _ in range(2))
    for index in (0, 7):
        one, two = first[index], again[index]
        assert {name: tuple(value.shape) for name, value in one.items()} == {
            "pictures": (3, 32, 32),
            "masks": (1, 32, 32),
        }
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(first[0]["masks"], objective(folder).examples(6)[0]["masks"])


def test_masks_cover_what_the_plan_says(folder: Path) -> None:
    pictures = {"grey": np.full((80, 90, 3), 128, np.uint8)}
    plan = ExamplesPlan(patch_px=64, least_coverage=0.2, most_coverage=0.3)
    shares = [float(InpaintExamples(pictures, plan, 0)[index]["masks"].mean()) for index in range(40)]
    assert 0.15 < min(shares) and max(shares) < 0.46 and 0.2 < np.mean(shares) < 0.33
    for wrong in ({"patch_px": 48}, {"least_coverage": 0.6, "most_coverage": 0.5}):
        with pytest.raises(PlanError):
            ExamplesPlan(**wrong)


def test_a_crop_is_of_the_picture() -> None:
    y, x = np.mgrid[:200, :300]
    picture = np.stack([y, x // 2, np.zeros_like(y)], 2).astype(np.uint8)
    for seed in range(20):
        crop = random_crop(picture, 32, np.random.default_rng(seed)) * 255
        assert crop.shape == (3, 32, 32)
        step_down, step_right = np.diff(crop[0], axis=0).mean(), abs(np.diff(crop[1], axis=1).mean())
        assert 0.9 < step_down < 200 / 32 + 0.3
        assert step_right == pytest.approx(step_down / 2, rel=0.2)


def test_the_level_is_the_mean_square_error_of_the_hole() -> None:
    truth, masks = torch.rand(2, 3, 20, 20), (torch.rand(2, 1, 20, 20) < 0.3).float()
    made = torch.where(masks > 0, torch.rand_like(truth), truth)
    by_hand = []
    for a, b, mask in zip(made, truth, masks, strict=True):
        missing = (mask > 0).expand_as(a)
        by_hand.append(torch.log10((a - b)[missing].square().mean() + 1e-4))
    torch.testing.assert_close(level(made, truth, masks, floor=1e-4), torch.stack(by_hand).mean())


@pytest.mark.parametrize("kind", ["plain", "features", "critic"])
def test_it_trains_on_every_kind_of_term(kind: str, folder: Path, features: Path, tmp_path: Path) -> None:
    options: Mapping[str, Mapping[str, object]] = {
        "plain": {},
        "features": {"features": str(features)},
        "critic": {"adversarial": "rpgan"},
    }
    made = objective(folder, **options[kind])
    plan = recipe_from(
        {"kind": "inpaint", "train": {"images": 12, "batch": 2, "precision": "float32", "log_every_steps": 1}}, "test"
    ).train
    summary = train(made, plan, RunFolder(tmp_path / "run"))
    assert summary["finished"] and summary["skipped_steps"] == 0
    log = (tmp_path / "run" / "log.jsonl").read_text()
    assert ("inpaint.features" in log) == (kind == "features") and ("critic.critic" in log) == (kind == "critic")
    loaded = hub.load(tmp_path / "run" / "last.safetensors")
    assert loaded.recipe["task"] == "inpaint" and loaded.recipe["training_pictures"] == 2
    assert {"psnr", "psnr_smooth", "psnr_15", "psnr_40"} <= set(loaded.recipe["metrics"])


def test_training_makes_the_fill_better(folder: Path) -> None:
    """Forty steps on one batch, smooth and refining fills in turn."""
    made = objective(folder)
    examples = made.examples(0)
    batch = {name: torch.stack([examples[i][name] for i in range(4)]) for name in examples[0]}
    optimizer = torch.optim.Adam(made.networks["inpainter"].parameters(), 2e-3)
    first = last = 0.0
    for step in range(40):
        made.begin_step(step, 4 * step)
        terms = made.turns[0].losses(batch)
        total = sum(made.weights[name] * term for name, term in terms.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        first, last = (float(terms["hole"].detach()) if step == 0 else first), float(terms["hole"].detach())
    assert last < 0.9 * first


def test_refusals(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No photograph"):
        objective(tmp_path)
    with pytest.raises(PlanError, match="unknown key"):
        objective(folder, feature="x")
