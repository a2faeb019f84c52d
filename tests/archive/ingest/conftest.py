"""Small pictures that look like nothing else, as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.archive.ingest.adding import Summary, add
from vasari.archive.ingest.plan import AddPlan
from vasari.archive.store import Archive

Draw = Callable[..., Path]


def pixels(seed: int, width: int = 160, height: int = 120) -> np.ndarray:
    """Soft colored clouds, uint8 [height, width, 3], other ones for each seed."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def clouds() -> Callable[..., np.ndarray]:
    """`pixels`, for tests that write files of their own."""
    return pixels


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Writes a picture: `draw("a/b.jpg", 7)`, with options of Pillow's `save`."""

    def write(name: str, seed: int, width: int = 160, height: int = 120, **options: object) -> Path:
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(seed, width, height)).save(path, **options)  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture
def added() -> Callable[..., Summary]:
    """Adds paths with options of the plan, one picture at a time."""

    def run(archive: Archive, *paths: Path, **options: object) -> Summary:
        return add(archive, [str(path) for path in paths], AddPlan(**{"workers": 1, **options}))  # type: ignore[arg-type]

    return run
