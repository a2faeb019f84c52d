"""Examples of aging: the same for the same seed, whole in their parts, grey where grey was asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage import data as photographs

from vasari.foundation.errors import PlanError
from vasari.models.evidence import evidence
from vasari.tasks.restore.examples import ExamplesPlan, PooledThumbnails, RestoreExamples

PLAN = ExamplesPlan(96, 64, extra_thumbnails=1, smallest_overview_px=96, largest_overview_px=128)
CLEAN = replace(PLAN, clean_share=1.0)


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    return {"astronaut": photographs.astronaut()[:256, :256], "coffee": photographs.coffee()[:256, :256]}


def test_an_example_depends_on_its_seed_and_index_alone(pictures: dict[str, np.ndarray]) -> None:
    one, same, other = (RestoreExamples(pictures, PLAN, seed)[5] for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["aged"], other["aged"])


def test_an_example_has_its_patch_and_its_thumbnails(pictures: dict[str, np.ndarray]) -> None:
    example = RestoreExamples(pictures, PLAN, 0)[0]
    assert {name: tuple(value.shape) for name, value in example.items()} == {
        "aged": (3, 64, 64),
        "clean": (3, 64, 64),
        "mask": (1, 64, 64),
        "window": (4,),
        "aged_thumbnails": (2, 3, 48, 48),
        "clean_thumbnails": (2, 3, 48, 48),
        "aged_evidence": (2, 103),
    }
    top, left, bottom, right = example["window"]
    assert 0 <= top < bottom <= 1 and 0 <= left < right <= 1


def test_a_clean_share_of_one_leaves_everything_as_it_is(pictures: dict[str, np.ndarray]) -> None:
    examples = RestoreExamples(pictures, CLEAN, 0)
    for index in range(3):
        example = examples[index]
        assert torch.equal(example["aged"], example["clean"]) and example["mask"].max() == 0


def test_noise_lies_on_pictures_of_other_tones_too(pictures: dict[str, np.ndarray]) -> None:
    flat = {"grey": np.full((256, 256, 3), 128, np.uint8)}
    noisy = replace(PLAN, clean_share=0.0, noise_share=1.0, capture_share=0.0, highest_sigma=0.0, things_share=0.0)
    seen = [RestoreExamples(flat, noisy, 0)[index] for index in range(12)]
    assert all(torch.equal(example["aged"], example["clean"]) for example in seen)
    moved = [abs(float(example["clean"].mean()) - 128 / 255) > 0.01 for example in seen]
    assert 3 <= sum(moved) <= 9, "about half of them"


def test_small_things_belong_to_the_scene_and_not_to_the_damage(pictures: dict[str, np.ndarray]) -> None:
    bare, full = (RestoreExamples(pictures, replace(CLEAN, things_share=share), 0) for share in (0.0, 1.0))
    for index in range(3):
        example = full[index]
        assert torch.equal(example["aged"], example["clean"]) and example["mask"].max() == 0
    assert any((full[index]["clean"] - bare[index]["clean"]).abs().max() > 0.1 for index in range(3))


def test_the_evidence_is_that_of_the_pictures_that_were_aged(pictures: dict[str, np.ndarray]) -> None:
    whole = replace(CLEAN, patch_px=64, extra_thumbnails=0, things_share=0.0)
    example = RestoreExamples({"flat": np.full((128, 128, 3), 128, np.uint8)}, whole, 0)[0]
    level = example["aged"].mean((1, 2))
    flat = (level.view(1, 3, 1, 1).expand(1, 3, 96, 96) * 255).round() / 255
    torch.testing.assert_close(example["aged_evidence"], evidence(flat), atol=2e-3, rtol=0)


def test_overviews_have_their_bounds_in_order() -> None:
    with pytest.raises(PlanError, match="smallest_overview_px=256 is above the largest, 128"):
        ExamplesPlan(largest_overview_px=128)


def test_pictures_used_as_grey_photographs_are_grey_and_stretched(pictures: dict[str, np.ndarray]) -> None:
    dull = {name: pixels // 4 + 60 for name, pixels in pictures.items()}
    for index in range(4):
        _, clean, _ = RestoreExamples(dull, PLAN, 0, grey=True).pair(index)
        torch.testing.assert_close(clean[0], clean[1], atol=1e-5, rtol=0)
        torch.testing.assert_close(clean[0], clean[2], atol=1e-5, rtol=0)
        assert clean.max() - clean.min() > 0.5


def test_a_pool_holds_what_was_asked_of_each_source(pictures: dict[str, np.ndarray]) -> None:
    color = RestoreExamples({"red": np.full((128, 128, 3), (200, 40, 40), np.uint8)}, CLEAN, 0)
    grey = RestoreExamples(pictures, CLEAN, 1, grey=True)
    shown = PooledThumbnails({color: 3, grey: 1}, pairs=400, seed=0)[0]["clean_thumbnails"]
    is_grey = (shown[:, 0] - shown[:, 1]).abs().amax((1, 2)) < 1e-3
    assert 0.15 < is_grey.float().mean() < 0.6, "a quarter of the pool, and what else has lost its color"
    assert len(shown[is_grey].flatten(1).unique(dim=0)) <= 4


def test_a_pool_is_the_same_however_many_workers_made_it(
    pictures: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = RestoreExamples(pictures, PLAN, 0)
    monkeypatch.setattr("vasari.tasks.restore.examples.POOL_PART", 2)
    made = []
    for count in (1, 2):
        monkeypatch.setattr("os.cpu_count", lambda count=count: count)
        made.append(PooledThumbnails({source: 5}, pairs=8, seed=3)[1]["aged_thumbnails"])
    assert torch.equal(*made)


def test_a_source_asked_for_nothing_gives_nothing(pictures: dict[str, np.ndarray]) -> None:
    color, grey = RestoreExamples(pictures, PLAN, 0), RestoreExamples(pictures, PLAN, 1, grey=True)
    shown = PooledThumbnails({color: 1, grey: 0}, pairs=6, seed=0)[0]["aged_thumbnails"]
    assert len(shown.flatten(1).unique(dim=0)) == 1


def test_examples_that_marks_cover_more_than_usual_are_drawn_more_seldom(pictures: dict[str, np.ndarray]) -> None:
    def covered(usual: float) -> float:
        plan = replace(PLAN, patch_px=64, extra_thumbnails=0, clean_share=0.0, noise_share=0.0, usual_cover=usual)
        examples = RestoreExamples(pictures, plan, 3)
        return float(np.mean([float((examples[index]["mask"] > 0.3).float().mean()) for index in range(40)]))

    assert 0 < covered(0.01) < 0.5 * covered(0.0)
