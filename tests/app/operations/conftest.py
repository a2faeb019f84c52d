"""An archive with pictures that were sent in, and what references lead to there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vasari.app.operations.references import Places
from vasari.archive.store import Archive


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with Archive.create(tmp_path / "archive") as archive:
        yield Places(archive, archive.folder / "workbench", (tmp_path / "scans",))


@pytest.fixture
def sent(places: Places, tmp_path: Path) -> Callable[..., str]:
    """`sent(seed)`: a small picture among the uploads; its reference."""

    def send(seed: int = 0, name: str = "scan.png", size: tuple[int, int] = (48, 64)) -> str:
        rng = np.random.default_rng(seed)
        path = tmp_path / f"{seed}-{name}"
        Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        folder = places.folder / "uploads" / sha256
        folder.mkdir(parents=True)
        path.rename(folder / name)
        return f"upload:{sha256}"

    return send
