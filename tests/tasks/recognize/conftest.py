"""Small labeled pictures of three plain styles, by artists of their own, and a small encoder."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vasari.models import hub
from vasari.models.encoders import Encoder
from vasari.tasks.recognize.fitting import Trained, train_recognizer
from vasari.tasks.recognize.labels import read_labeled
from vasari.tasks.recognize.plan import RecognizePlan, SplitPlan

STYLES = ("checks", "rings", "stripes")
ARTISTS, WORKS = 6, 4
PX = 64


def painted(style: str, rng: np.random.Generator) -> np.ndarray:
    """A picture uint8 [72, 96, 3] in one of the styles, in colors and sizes of its own."""
    rows, columns = np.mgrid[0:72, 0:96].astype(float)
    size, shift = rng.uniform(6, 10), rng.uniform(0, 10)
    if style == "stripes":
        pattern = np.sin((columns + shift) * 2 * np.pi / size)
    elif style == "checks":
        pattern = np.sin((columns + shift) * 2 * np.pi / size) * np.sin((rows + shift) * 2 * np.pi / size)
    else:
        pattern = np.sin(np.hypot(rows - 36, columns - 48 + shift) * 2 * np.pi / (2 * size))
    color = rng.uniform(0.3, 1.0, 3)
    picture = (0.5 + 0.4 * pattern)[..., None] * color + rng.normal(0, 0.04, (72, 96, 3))
    return (picture.clip(0, 1) * 255).round().astype(np.uint8)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GALLERY/style/artist/number.png, and GALLERY.csv beside it with file, style, artist, year_from, year_to."""
    root = tmp_path_factory.mktemp("galleries") / "gallery"
    rng = np.random.default_rng(5)
    rows = []
    for which, style in enumerate(STYLES):
        for artist in range(ARTISTS):
            for number in range(WORKS):
                path = root / style / f"{style}-{artist}" / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(painted(style, rng)).save(path)
                place = path.relative_to(root.parent).as_posix()
                rows.append([place, style, path.parent.name, 1700 + 50 * which, 1710 + 50 * which])
    with (root.parent / "gallery.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "style", "artist", "year_from", "year_to"], *rows])
    return root


@pytest.fixture(scope="session")
def small_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.safetensors` file of an encoder of few channels and first weights."""
    options = {"widths": [8, 12, 16, 24], "depths": [1, 1, 1, 1]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        network = Encoder(**options)
    path = tmp_path_factory.mktemp("encoders") / "small.safetensors"
    return hub.save(network, path, {"network": {"name": "encoder", "options": options}, "task": "encode"})


@pytest.fixture(scope="session", params=["probe", "knn"])
def trained(request: pytest.FixtureRequest, gallery: Path, small_encoder: Path) -> Trained:
    """A recognizer of the three styles by each method that leaves the features as they are."""
    plan = RecognizePlan(method=request.param, features=str(small_encoder), px=PX, neighbors=5)
    return train_recognizer(read_labeled(gallery), plan, SplitPlan(seed=1))
