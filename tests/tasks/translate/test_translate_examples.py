"""Pairs that are made, and domains side by side, by seed and number alone; the painterly filter by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data as photographs

from vasari.tasks.translate.examples import Domains
from vasari.tasks.translate.painterly import flat_strokes, painted
from vasari.tasks.translate.plan import TranslateObjectivePlan

PICTURES = {"px": 48, "stored_px": 64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures")
    Image.fromarray(photographs.astronaut()).resize((96, 96)).save(path / "a.png")
    Image.fromarray(photographs.coffee()).resize((96, 72)).save(path / "b.png")
    return path


def domains(folder: Path, **options: object) -> Domains:
    from vasari.tasks.data.plan import PicturesPlan

    pictures = PicturesPlan(**PICTURES, cache=str(folder.parent / "cache"))  # type: ignore[arg-type]
    (folder.parent / "cache").mkdir(exist_ok=True)
    return Domains([folder], TranslateObjectivePlan(pictures=pictures, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("pairing", ["aged", "stylized", "mixed"])
def test_made_pairs_repeat_and_differ(pairing: str, folder: Path) -> None:
    found = domains(folder, pairing=pairing)
    one, other = found.examples(5), found.examples(5)
    for index in (11, 2):
        for name in ("source", "target"):
            item = one[index][name]
            assert torch.equal(item, other[index][name])
            assert item.shape == (3, 48, 48) and 0 <= item.min() and item.max() <= 1
            assert not torch.equal(item, one[index + 1][name])
    assert not torch.equal(one[2]["source"], found.examples(6)[2]["source"])
    gaps = [float((one[index]["source"] - one[index]["target"]).abs().mean()) for index in range(12)]
    assert min(gaps) > 0.002 and np.mean(gaps) > 0.02


def test_mixed_pairs_are_of_both_kinds(folder: Path) -> None:
    """Half of the eras make a grey target, which the painterly filter never does; the drawn share must lie between."""
    examples = domains(folder, pairing="mixed").examples(0)
    grey = [bool((one["target"][0] == one["target"][2]).all()) for one in (examples[index] for index in range(40))]
    assert 2 <= sum(grey) <= 20


def test_two_domains_are_drawn_apart(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 10, 10)).save(tmp_path / "red.png")
    found = domains(folder, method="cut", target=str(tmp_path))
    assert found.pictures == 3
    item = found.examples(0)[3]
    assert torch.allclose(item["target"][0], torch.tensor(200 / 255)) and item["source"].std() > 0.05


def test_flat_strokes_against_a_plain_loop() -> None:
    rng = np.random.default_rng(1)
    pixels, radius = rng.random((3, 9, 11)).astype(np.float32), 2
    padded = np.pad(pixels, ((0, 0), (2, 2), (2, 2)), mode="edge").astype(np.float64)
    luma = np.tensordot([0.299, 0.587, 0.114], padded, 1)
    expected = np.empty_like(pixels)
    for y in range(9):
        for x in range(11):
            squares = [(slice(y + a, y + a + 3), slice(x + b, x + b + 3)) for a in (0, 2) for b in (0, 2)]
            calmest = min(squares, key=lambda square: luma[square].var())
            expected[:, y, x] = padded[:, calmest[0], calmest[1]].mean((1, 2))
    np.testing.assert_allclose(flat_strokes(pixels, radius), expected, atol=1e-5)


def test_flat_strokes_keep_an_edge_and_take_off_noise() -> None:
    rng = np.random.default_rng(2)
    clean = np.zeros((3, 32, 32), np.float32)
    clean[:, :, 16:] = 1
    filtered = flat_strokes(clean + rng.normal(0, 0.1, clean.shape).astype(np.float32), 3)
    assert np.abs(filtered - clean).mean() < 0.05
    np.testing.assert_array_equal(flat_strokes(clean, 3), clean)


def test_painted_is_decided_by_the_seed() -> None:
    photograph = torch.from_numpy(photographs.astronaut()[:96, 150:246].astype(np.float32) / 255).permute(2, 0, 1)
    one, same, other = (painted(photograph, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.dtype == torch.float32 and 0 <= one.min() and one.max() <= 1
