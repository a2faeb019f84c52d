"""What a colorizer learns from: color photographs as the grey ones that films made of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color, data

from vasari.foundation.errors import PlanError, TrainingError
from vasari.foundation.lab import srgb_to_lab
from vasari.models.colorizers import CHROMA_UNIT, Colorizer, palette_of
from vasari.models.encoders import Encoder
from vasari.tasks.colorize.examples import (
    FILMS,
    HINT_SIDES_PX,
    MOST_HINTS,
    ColorizeExamples,
    ExamplesPlan,
    as_grey,
    drawn_hints,
    grey_light,
)
from vasari.tasks.colorize.objective import ColorizeObjective, ColorizeObjectivePlan
from vasari.tasks.recipe import recipe_from


@pytest.fixture(scope="module")
def photographs() -> dict[str, np.ndarray]:
    return {"astronaut": data.astronaut()[:300, :320], "coffee": data.coffee()[:300, :360]}


def test_an_example_is_the_same_each_time_and_fits_together(photographs: dict[str, np.ndarray]) -> None:
    plan = ExamplesPlan(patch_px=64)
    one, again = (ColorizeExamples(photographs, plan, seed=3) for _ in range(2))
    said = {"hints": 0, "palette": 0}
    for index in range(24):
        item = one[index]
        assert {name: tuple(value.shape) for name, value in item.items()} == {
            "light": (1, 64, 64),
            "grey": (3, 64, 64),
            "chroma": (2, 32, 32),
            "hints": (3, 64, 64),
            "palette": (5,),
            "true_palette": (4,),
        }
        assert all(torch.equal(value, again[index][name]) for name, value in item.items())
        torch.testing.assert_close(srgb_to_lab(item["grey"])[:1], 100 * item["light"], atol=0.02, rtol=0)
        assert set(item["hints"][2].unique().tolist()) <= {0.0, 1.0}
        assert item["palette"][4] in (0.0, 1.0)
        apart = (item["palette"][:4] - item["true_palette"]).abs().max()
        assert apart < 0.6 if item["palette"][4] else not item["palette"].any()
        said["hints"] += bool(item["hints"].any())
        said["palette"] += bool(item["palette"].any())
    assert 6 <= said["hints"] <= 18 and 10 <= said["palette"] <= 23
    assert not torch.equal(one[0]["light"], one[1]["light"])


def test_the_truth_is_the_photographs_chroma(photographs: dict[str, np.ndarray]) -> None:
    flat = np.full((256, 256, 3), (160, 90, 64), np.uint8)
    item = ColorizeExamples({"flat": flat}, ExamplesPlan(patch_px=32, hinted_share=1.0), seed=0)[0]
    told = color.rgb2lab(flat[:1, :1])[0, 0, 1:]
    np.testing.assert_allclose(item["chroma"].mean((1, 2)).numpy(), told, atol=0.05)
    torch.testing.assert_close(item["true_palette"], palette_of(item["chroma"][None])[0], atol=1e-3, rtol=0)
    known = item["hints"][2] > 0
    np.testing.assert_allclose(item["hints"][:2, known].mean(1).numpy() * CHROMA_UNIT, told, atol=0.05)


@pytest.mark.parametrize(("film", "darkest"), [("panchromatic", 2), ("orthochromatic", 0), ("blue-sensitive", 0)])
def test_films_see_colors_as_they_did(film: str, darkest: int) -> None:
    """Pure red, green and blue side by side: old films saw no red, panchromatic ones see blue darkest."""
    pixels = torch.eye(3)[:, None, :]
    mixed = np.asarray(FILMS[film][1])
    light = grey_light(pixels, mixed)[0, 0].numpy()
    assert light.argmin() == darkest
    expected = color.xyz2lab(np.repeat(mixed[:, None], 3, 1)[None] * np.array([0.95047, 1.0, 1.08883]))[0, :, 0] / 100
    np.testing.assert_allclose(light, expected, atol=0.02)


def test_the_shares_of_films_and_of_their_light_sum_to_one() -> None:
    assert sum(share for share, _ in FILMS.values()) == pytest.approx(1)
    assert all(sum(mixed) == pytest.approx(1) for _, mixed in FILMS.values())


def test_grey_of_every_lightness_comes_back() -> None:
    light = torch.linspace(0, 1, 200).reshape(1, 1, 200)
    torch.testing.assert_close(srgb_to_lab(as_grey(light))[:1] / 100, light, atol=2e-4, rtol=0)


def test_hints_are_blocks_of_the_true_color() -> None:
    chroma = torch.stack([torch.arange(40.0).expand(30, -1), -torch.arange(30.0)[:, None].expand(-1, 40)])
    for count in (0, 1, MOST_HINTS):
        hints = drawn_hints(chroma, count, np.random.default_rng(1))
        known = hints[2] > 0
        assert known.any() == (count > 0)
        assert hints[:2, ~known].abs().sum() == 0
        apart = (hints[:2, known] * CHROMA_UNIT - chroma[:, known]).abs()
        assert count == 0 or apart.max() <= HINT_SIDES_PX[1] / 2


def test_wrong_plans_and_small_photographs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="multiple of 16"):
        ExamplesPlan(patch_px=100)
    Image.fromarray(data.astronaut()[:60, :60]).save(tmp_path / "small.png")
    with pytest.raises(TrainingError, match="long side of 224 px"):
        ColorizeObjective(Colorizer(), Encoder(), {}, (tmp_path,), ColorizeObjectivePlan())


def test_training_brings_the_colorizer_nearer_to_the_truth_than_where_it_began(
    tmp_path: Path, tiny_colorizer: dict[str, str]
) -> None:
    from vasari.foundation.runs import RunFolder
    from vasari.tasks.recipe import build_objective
    from vasari.tasks.training import train

    for name in "abc":  # the first is only validated on, and looks like the others: what is asked is whether it learns
        Image.fromarray(data.coffee()).resize((256, 176)).save(tmp_path / f"{name}.png")
    values = {
        "kind": "colorize",
        "train": {
            "images": 320, "batch": 8, "learning_rate": 3e-3, "ema_half_life_images": 40, "precision": "float32",
            "device": "cpu", "validate_every_images": 0,
        },
        "network": {
            "name": "colorizer", "options": {"widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1], "context": 8},
        },
        "objective": {"encoder": tiny_colorizer["encoder"], "examples": {"patch_px": 48}},
    }  # fmt: skip
    recipe = recipe_from(values, "test")
    objective = build_objective(recipe, (tmp_path,))
    with torch.no_grad():
        first = objective.validate(objective.networks).metrics
    train(objective, recipe.train, RunFolder(tmp_path / "run", recipe.to_dict()))
    with torch.no_grad():
        then = objective.validate({name: one.eval() for name, one in objective.networks.items()}).metrics
    assert first["error_palette"] == pytest.approx(first["error_grey"], rel=0.05)
    assert then["error_palette"] < 0.9 * first["error_palette"]
    assert then["error_hints"] < 0.9 * first["error_hints"]
    assert objective.published["colorizer"]["encoder"]["name"] == "tiny-encoder"
