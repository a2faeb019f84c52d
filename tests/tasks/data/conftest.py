"""What the tests of the data share: real photographs as small files of several formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data


@pytest.fixture(scope="session")
def pictures() -> dict[str, np.ndarray]:
    """Photographs uint8 [rows, columns, 3] by name."""
    return {
        "astronaut": data.astronaut()[:200, 100:300],
        "cat": data.chelsea()[:160, 60:300],
        "coffee": data.coffee()[40:240, 100:250],
    }


@pytest.fixture
def folder(tmp_path: Path, pictures: dict[str, np.ndarray]) -> Path:
    """A folder with a JPEG, and below it a PNG in `animals/` and a TIFF in `things/deep/`."""
    root = tmp_path / "photos"
    places = {"astronaut": "astronaut.jpg", "cat": "animals/cat.PNG", "coffee": "things/deep/coffee.tif"}
    for name, place in places.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures[name]).save(path)
    return root


@pytest.fixture(autouse=True)
def _user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes to the cache of whoever runs it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
