"""Textures of samples, in memory: size, depth, profile, seeds, tiles of the generator; and the plan's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

import vasari
from vasari.foundation.errors import PictureError, PlanError, TrainingError, WeightsError
from vasari.foundation.picture import Picture
from vasari.models import hub
from vasari.models.textures import TextureGenerator
from vasari.tasks.texture import apply
from vasari.tasks.texture.plan import GAN, OPTIMIZE, TexturePlan
from vasari.tasks.texture.statistics import border_score

OPTIONS = {"widths": [16, 12, 8, 8], "noise": 4, "waves": 2}


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = TextureGenerator(**OPTIONS)
    header = {"network": {"name": "texture-generator", "options": OPTIONS}, "task": "texture"}
    return hub.save(network, tmp_path_factory.mktemp("models") / "pebbles.safetensors", header)


@pytest.fixture(scope="module")
def coffee() -> np.ndarray:
    return data.coffee()[300:364, 60:140]


def test_a_texture_has_the_size_depth_and_colors_asked_for(coffee):
    made = vasari.texture(coffee, size=(70, 45), iterations=4)
    assert (made.width, made.height, made.depth, made.is_grey) == (70, 45, 8, False)
    assert float(made.pixels.min()) >= 0 and float(made.pixels.max()) <= 1
    deep = vasari.texture(coffee[:, :, 0].astype(np.uint16) * 257, size="40x50", iterations=4)
    assert (deep.width, deep.height, deep.depth, deep.is_grey) == (40, 50, 16, True)


def test_equal_seeds_give_equal_pixels_and_others_others(coffee):
    one, same, other = (vasari.texture(coffee, size=(48, 48), iterations=4, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.pixels, same.pixels)
    assert (one.pixels - other.pixels).abs().mean() > 0.01


def test_a_generator_s_tiles_join_without_a_seam(generator, coffee, monkeypatch):
    options = {"size": (112, 96), "model": str(generator), "seed": 3}
    whole = vasari.texture(coffee, **options)
    monkeypatch.setattr(apply, "TILE_PX", 40)
    parted = vasari.texture(coffee, **options)
    torch.testing.assert_close(parted.pixels, whole.pixels, atol=2e-5, rtol=0)


def test_a_generator_s_tileable_texture_goes_on_across_its_border(generator, coffee):
    options = {"size": (512, 384), "model": str(generator), "seed": 0}
    tileable = vasari.texture(coffee, tileable=True, **options)
    assert border_score(tileable.pixels) < 3.5
    assert border_score(vasari.texture(coffee, **options).pixels) > 7
    with pytest.raises(PlanError, match="multiple of 16") as refused:
        vasari.texture(coffee, size=(100, 128), model=str(generator), tileable=True)
    assert "96x128" in refused.value.remedy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"size": "1024"}, "no size"),
        ({"size": "-5x20"}, "no size"),
        ({"size": "31x64"}, "smaller than 32"),
        ({"size": "66000x64"}, "above"),
        ({"size": "65000x65000"}, "above"),
        ({"size": "4097x4096", "method": "optimize"}, "16.8 megapixels"),
        ({"method": "magic"}, "not known"),
        ({"method": "optimize", "model": "a.safetensors"}, "no model"),
    ],
)
def test_plans_that_cannot_be_carried_out_are_refused(values, words):
    with pytest.raises(PlanError, match=words) as refused:
        TexturePlan(**values)
    assert refused.value.remedy


def test_the_method_that_can_is_chosen():
    assert TexturePlan(size="4096x4096").chosen == OPTIMIZE
    assert TexturePlan(size="4096×4097").chosen == GAN
    assert TexturePlan(model="a.safetensors").chosen == GAN


def test_what_is_no_sample_or_no_model_is_refused(coffee, tiny_restorer, tmp_path):
    with pytest.raises(TrainingError, match="32 px"):
        vasari.texture(coffee[:31], size=(64, 64))
    with pytest.raises(PictureError, match="no file"):
        vasari.texture(tmp_path / "none.png", size=(64, 64))
    with pytest.raises(WeightsError, match="makes no textures"):
        vasari.texture(coffee, size=(64, 64), model=str(tiny_restorer))


def test_a_profile_comes_along(coffee):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sample = Picture.from_array(coffee)
    sample = Picture(sample.pixels, metadata=vasari.Metadata(icc=profile, exif=b"Exif\0\0", dpi=(300, 300)))
    made = vasari.texture(sample, size=(40, 40), iterations=2)
    assert made.metadata == vasari.Metadata(icc=profile, dpi=(300, 300))
