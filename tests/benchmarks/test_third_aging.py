"""The judging simulator: repeatable, apart from the other two, as bad as it says, its marks where it says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
import skimage.data

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = tuple(f"third_aging{part}.py" for part in ("", "_image", "_surface", "_marks", "_scan"))
ERAS = (
    "albumen print",
    "cabinet card",
    "gelatin silver print",
    "plate or nitrate negative",
    "halftone page",
    "chromogenic print",
    "color slide",
    "instant print",
)


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    # The benchmarks are scripts that find each other by standing in one folder.
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def third_aging(benchmarks: None) -> ModuleType:
    return importlib.import_module("third_aging")


def photograph() -> np.ndarray:
    return skimage.data.astronaut()[20:116, 160:288]


def test_the_eras_are_those_tested_here(third_aging: ModuleType) -> None:
    assert tuple(third_aging.ERAS) == ERAS


@pytest.mark.parametrize("severity", [1, 2, 3])
@pytest.mark.parametrize("era", ERAS)
def test_shapes_ranges_and_grey(third_aging: ModuleType, era: str, severity: int) -> None:
    clean = photograph()
    target, aged, mask = third_aging.age(clean, era, severity, 1)
    assert target.shape == aged.shape == clean.shape and mask.shape == clean.shape[:2]
    for array in (target, aged, mask):
        assert array.dtype == np.float32 and array.min() >= 0 and array.max() <= 1
    if third_aging.ERAS[era].grey:
        np.testing.assert_array_equal(target[:, :, 0], target[:, :, 2])
        luma = cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)
        assert np.abs(target[:, :, 0] * 255 - luma).max() < 1.01
    else:
        np.testing.assert_allclose(target, clean / 255, atol=1e-6)
    # An 8-bit scan: every value is a 255th.
    np.testing.assert_allclose(aged * 255, np.rint(aged * 255), atol=1e-3)


@pytest.mark.parametrize("era", ERAS)
def test_one_seed_one_picture(third_aging: ModuleType, era: str) -> None:
    first, again, other = (third_aging.age(photograph(), era, 2, seed) for seed in (4, 4, 5))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.abs(first[1] - other[1]).max() > 0.05


def test_severity_is_worse(third_aging: ModuleType) -> None:
    def error(severity: int) -> float:
        pairs = [third_aging.age(photograph(), era, severity, 0)[:2] for era in ERAS]
        return float(np.mean([np.square(target - aged).mean() for target, aged in pairs]))

    assert error(1) < error(2) < error(3)


def test_what_is_covered_is_changed(third_aging: ModuleType) -> None:
    image, surface = (importlib.import_module(f"third_aging_{part}") for part in ("image", "surface"))
    marks = {
        step.way for era in third_aging.ERAS.values() for step in era.steps if step.way.__module__ == surface.__name__
    }
    assert len(marks) >= 20
    flat = image.Sheet(np.full((96, 128, 3), 0.6), np.zeros((96, 128)))
    for way in sorted(marks, key=lambda way: way.__name__):
        made = [way(flat, np.random.default_rng(seed), 1.0) for seed in range(4)]
        assert any((one.density != flat.density).any() for one in made), way.__name__
        for one in made:
            assert np.isfinite(one.density).all() and one.covered.min() >= 0 and one.covered.max() <= 1, way.__name__
            moved = np.abs(one.density - flat.density).max(axis=2)[one.covered > 0.5]
            assert moved.size == 0 or np.mean(moved > 0.02) > 0.95, way.__name__


@pytest.mark.parametrize("quality", [50, 75, 92])
def test_jpeg_loses_what_another_coder_loses(benchmarks: None, quality: int) -> None:
    scan = importlib.import_module("third_aging_scan")
    clean = skimage.data.astronaut()[:240, 61:382]
    _, code = cv2.imencode(".jpg", clean[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    theirs = cv2.imdecode(code, cv2.IMREAD_COLOR)[:, :, ::-1] / 255
    ours = scan.jpeg(clean / 255, quality)
    lost, distance = np.square(theirs - clean / 255).mean(), np.square(ours - theirs).mean()
    assert np.square(ours - clean / 255).mean() == pytest.approx(lost, rel=0.15)
    assert distance < 0.35 * lost


def test_it_shares_no_code_with_the_other_simulators() -> None:
    for name in FILES:
        text = (BENCHMARKS / name).read_text(encoding="utf-8")
        for other in ("import vasari", "from vasari", "second_"):
            assert other not in text
