"""The validation simulator: repeatable, independent of the training one, as bad as it says."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import skimage.data

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ERAS = ("albumen", "gelatin-silver", "autochrome", "chromogenic-1970s", "newspaper", "modern-print")


@pytest.fixture
def second_aging(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # The benchmarks are scripts that find each other by standing in one folder.
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("second_aging")


def photograph() -> np.ndarray:
    return skimage.data.astronaut()[:240, 60:380]


def test_the_eras_are_those_tested_here(second_aging: ModuleType) -> None:
    assert tuple(second_aging.ERAS) == ERAS


def test_every_mark_is_used(second_aging: ModuleType) -> None:
    used = {name for era in second_aging.ERAS.values() for name in era.marks}
    assert used == set(second_aging.MARKS)


@pytest.mark.parametrize("era", ERAS)
def test_one_seed_one_picture(second_aging: ModuleType, era: str) -> None:
    first, again, other = (second_aging.age(photograph(), era, 2, seed) for seed in (4, 4, 5))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert np.abs(first[1] - other[1]).max() > 0.05


@pytest.mark.parametrize("era", ERAS)
def test_shapes_ranges_and_grey(second_aging: ModuleType, era: str) -> None:
    clean = photograph()
    target, aged, mask = second_aging.age(clean, era, 3, 1)
    assert target.shape == aged.shape == clean.shape and mask.shape == clean.shape[:2]
    for array in (target, aged, mask):
        assert array.dtype == np.float32 and array.min() >= 0 and array.max() <= 1
    if second_aging.ERAS[era].grey:
        np.testing.assert_array_equal(target[:, :, 0], target[:, :, 2])
    else:
        np.testing.assert_allclose(target, clean / 255, atol=1e-6)
    # An 8-bit scan: every value is a 255th.
    np.testing.assert_allclose(aged * 255, np.rint(aged * 255), atol=1e-3)


def test_severity_is_worse(second_aging: ModuleType) -> None:
    def error(severity: int) -> float:
        pairs = [second_aging.age(photograph(), era, severity, seed)[:2] for era in ERAS for seed in (0, 1)]
        return float(np.mean([np.square(target - aged).mean() for target, aged in pairs]))

    assert error(1) < error(2) < error(3)


def test_it_shares_no_code_with_the_training_simulator() -> None:
    for name in ("second_aging.py", "second_aging_marks.py"):
        assert "import vasari" not in (text := (BENCHMARKS / name).read_text(encoding="utf-8"))
        assert "from vasari" not in text


def test_twenty_four_photographs_are_held_out() -> None:
    names = (BENCHMARKS / "held_out_photos.txt").read_text(encoding="utf-8").split()
    assert len(names) == len(set(names)) == 24
