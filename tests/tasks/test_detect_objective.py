"""What a detector learns from: aged patches with the simulator's own masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from vasari.models.detectors import Detector
from vasari.tasks.detect.objective import DetectExamples, DetectObjective, DetectObjectivePlan, overlap_lost
from vasari.tasks.restore.examples import ExamplesPlan, RestoreExamples

EXAMPLES = ExamplesPlan(
    region_px=96, patch_px=64, extra_thumbnails=0, smallest_overview_px=96, largest_overview_px=128, things_share=0.0
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(data.astronaut()[:200, :220]).save(folder / "astronaut.png")
    Image.fromarray(data.coffee()[:200, :220]).save(folder / "coffee.png")
    return folder


def test_an_example_is_the_aged_patch_in_another_tone_with_the_simulators_mask() -> None:
    aged = RestoreExamples({"astronaut": data.astronaut()[:200, :220]}, EXAMPLES, seed=5)
    one, again = DetectExamples(aged, 5), DetectExamples(aged, 5)
    negatives = 0
    for index in range(24):
        item, original = one[index], aged[index]
        assert torch.equal(item["aged"], again[index]["aged"]) and torch.equal(item["mask"], original["mask"])
        before, after = original["aged"].clamp(1e-4, 1).flatten(), item["aged"].flatten()
        order = before.argsort()
        steps = after[order].diff()
        rises, falls = bool((steps >= -1e-6).all()), bool((steps <= 1e-6).all())
        assert rises or falls  # a curve of the same picture, never another picture
        negatives += int(falls and not rises)
    assert 0 < negatives < 12


def test_the_overlap_is_one_minus_dice_and_leaves_out_patches_without_marks() -> None:
    mask = torch.zeros(3, 1, 8, 8)
    mask[0, :, :4] = 1
    mask[1, :, :4] = 1
    told = mask.clone()
    told[1] = 0
    told[2] = 0.9  # a false alarm where nothing is: the cross-entropy tells it
    expected = np.mean([1 - (2 * 32 + 1) / (64 + 1), 1 - 1 / (32 + 1)])
    assert float(overlap_lost(told, mask)) == pytest.approx(expected, abs=1e-6)
    assert float(overlap_lost(told[2:], mask[2:])) == 0.0


def test_a_short_training_learns_the_marks_that_it_is_shown(pictures: Path) -> None:
    torch.manual_seed(0)
    detector = Detector(widths=(16, 16, 16), depths=(1, 1, 1, 1, 1))
    objective = DetectObjective(detector, {}, (pictures,), DetectObjectivePlan(examples=EXAMPLES))
    shown = objective.examples(0)
    batches = [[shown[8 * step + place] for place in range(8)] for step in range(2)]
    optimizer = torch.optim.Adam(detector.parameters(), lr=3e-3)
    turn, totals = objective.turns[0], []
    for step in range(80):
        items = batches[step % len(batches)]
        batch = {name: torch.stack([item[name] for item in items]) for name in items[0]}
        terms = turn.losses(batch)
        total = sum(objective.weights[name] * value for name, value in terms.items())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert np.mean(totals[-6:]) < 0.8 * np.mean(totals[:6])
    assert 0 <= objective.validate({"detector": detector.eval()}).metrics["average_precision"] <= 1
