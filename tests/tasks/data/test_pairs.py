"""Pairs: matched by name, what has no partner named, both cropped alike."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.foundation.errors import TrainingError
from vasari.tasks.data.pairs import PairedCrops, gather_pairs
from vasari.tasks.data.plan import PicturesPlan

PLAN = PicturesPlan(px=24, stored_px=40)


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Photographs, and below another root their negatives as PNG, one of half the size; some without partner."""
    left, right = tmp_path / "left", tmp_path / "right"
    scenes = {"astronaut": data.astronaut()[:160, :200], "deep/cat": data.chelsea()[:240, :160]}
    for name, picture in scenes.items():
        for root, suffix in ((left, ".tif"), (right, ".png")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture if root == left else 255 - picture).save(root / f"{name}{suffix}")
    half = Image.open(right / "astronaut.png").reduce(2)
    half.save(right / "astronaut.png")
    Image.fromarray(scenes["deep/cat"]).save(left / "alone.tif")
    Image.fromarray(scenes["deep/cat"]).save(right / "single.png")
    return left, right


def test_pairs_are_matched_by_name(sides: tuple[Path, Path]) -> None:
    pairs = gather_pairs(*sides, PLAN)
    assert len(pairs) == 2
    assert pairs.sources.names == ("left/astronaut.tif", "left/deep/cat.tif")
    assert pairs.targets.names == ("right/astronaut.png", "right/deep/cat.png")
    assert pairs.unmatched == ("left/alone.tif", "right/single.png") and pairs.unlike == ()
    told = "\n".join(pairs.lines())
    assert "2 pairs." in told and "left/alone.tif, right/single.png" in told


def test_both_of_a_pair_are_cropped_alike(sides: tuple[Path, Path]) -> None:
    """The target is the negative: source + target is even, wherever the crop lies, at whatever sizes."""
    crops = PairedCrops(gather_pairs(*sides, PLAN), PLAN, seed=5)
    for index in range(24):
        example = crops[index]
        assert example["source"].shape == example["target"].shape == (3, 24, 24)
        assert float((example["source"] + example["target"] - 1).abs().mean()) < 0.02
    spread = [float(crops[index]["source"].mean()) for index in range(24)]
    assert len(set(spread)) == 24


def test_pairs_of_unequal_sizes_show_the_same_place(sides: tuple[Path, Path]) -> None:
    """The half-size target is smaller than what is kept of its source."""
    plan = PicturesPlan(px=24, stored_px=120)
    pairs = gather_pairs(*sides, plan)
    assert pairs.sources[0].shape == (120, 150, 3) and pairs.targets[0].shape == (80, 100, 3)
    crops = PairedCrops(pairs, plan, seed=5)
    differences = [float((one["source"] + one["target"] - 1).abs().mean()) for one in map(crops.__getitem__, range(24))]
    assert max(differences) < 0.05


def test_paired_crops_depend_on_seed_and_number_alone(sides: tuple[Path, Path]) -> None:
    pairs = gather_pairs(*sides, PLAN)
    crops, other = PairedCrops(pairs, PLAN, 5), PairedCrops(pairs, PLAN, 6)
    again = pickle.loads(pickle.dumps(crops))
    for index in (9, 2, 5):
        assert all(torch.equal(crops[index][name], again[index][name]) for name in ("source", "target"))
        assert not torch.equal(crops[index]["source"], other[index]["source"])


def test_broken_and_unlike_partners_are_passed_over(sides: tuple[Path, Path]) -> None:
    left, right = sides
    Image.open(right / "astronaut.png").crop((0, 0, 50, 80)).save(right / "astronaut.png")
    (left / "torn.tif").write_bytes(b"II*\0")
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(right / "torn.png")
    pairs = gather_pairs(left, right, PLAN)
    assert pairs.sources.names == ("left/deep/cat.tif",) and pairs.targets.names == ("right/deep/cat.png",)
    assert set(pairs.unlike) == {"left/astronaut.tif", "left/torn.tif"}
    assert "left/torn.tif" in "\n".join(pairs.lines())


def test_names_that_fit_twice_are_no_pair(sides: tuple[Path, Path]) -> None:
    left, right = sides
    Image.open(right / "astronaut.png").save(right / "astronaut.jpg")
    pairs = gather_pairs(left, right, PLAN)
    assert pairs.sources.names == ("left/deep/cat.tif",)
    assert {"left/astronaut.tif", "right/astronaut.jpg", "right/astronaut.png"} <= set(pairs.unmatched)


def test_a_limit_counts_pairs(sides: tuple[Path, Path]) -> None:
    pairs = gather_pairs(*sides, PicturesPlan(px=24, limit=1))
    assert pairs.sources.names == ("left/astronaut.tif",) and pairs.targets.names == ("right/astronaut.png",)


def test_no_pair_at_all_is_an_error(sides: tuple[Path, Path]) -> None:
    left, right = sides
    with pytest.raises(TrainingError, match="No picture of .* has a partner"):
        gather_pairs(left / "deep", right / "single.png", PLAN)
    (right / "deep" / "cat.png").write_text("Dear sir")
    (right / "astronaut.png").unlink()
    Image.fromarray(np.zeros((50, 50, 3), np.uint8)).save(right / "alone.png")
    with pytest.raises(TrainingError, match="None of 2 pairs"):
        gather_pairs(left, right, PLAN)
