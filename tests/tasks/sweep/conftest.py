"""A recipe of a few steps, pictures to learn from, and plans as files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

RECIPE = """
kind = "generate"

[train]
images = 32
batch = 4
learning_rate = 1e-3
schedule = "constant"
precision = "float32"
log_every_steps = 1

[network]
name = "dcgan"
options = {px = 16, width = 2, latent = 4}

[objective]
adversarial = "bce"
penalty = "none"
judged_samples = 12
judged_pictures = 12
critic = {name = "dcgan-critic", width = 2, normalization = "none"}
pictures = {px = 16}
"""


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures of 16 px, of smooth random colors."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    for index in range(12):
        small = Image.fromarray(rng.integers(0, 256, (3, 3, 3), dtype=np.uint8))
        small.resize((16, 16), Image.Resampling.BICUBIC).save(folder / f"{index:02}.png")
    return folder


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a plan beside the recipe `tiny.toml`; its path."""
    (tmp_path / "tiny.toml").write_text(RECIPE)

    def write(text: str, name: str = "plan") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text)
        return path

    return write
