"""Maps of what speaks for a class: captum's Grad-CAM where the last maps are averaged, and in the right place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from vasari.foundation.errors import PlanError
from vasari.models.pooling import PictureClassifier, PooledFeatures, compressed
from vasari.tasks.recognize.fitting import Trained
from vasari.tasks.recognize.maps import class_map, overlay, write_map
from vasari.tasks.recognize.recognizer import Example, Recognizer

PX = 64


class LastMaps(nn.Module):
    """One convolution's maps, as a feature network with one depth."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 6, 5, stride=4, padding=2)

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        return [self.convolution(pixels).relu()]


def recognizer_of_last_maps() -> Recognizer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = PictureClassifier(2)
        network.features = PooledFeatures(LastMaps(), deviations=False)
        network.head = nn.Linear(6, 2)
        network.center, network.scale = torch.rand(6), torch.rand(6) + 0.5
    network.eval().requires_grad_(False)
    examples = (Example("a", "a", "", "0"), Example("b", "b", "", "1"))
    return Recognizer(network, ("a", "b"), "probe", PX, torch.rand(2, 6), examples)


def test_where_means_of_one_depth_are_pooled_it_is_captums_grad_cam() -> None:
    attribution = pytest.importorskip("captum.attr")
    recognizer = recognizer_of_last_maps()
    network, pixels = recognizer.network, torch.rand(3, 32, 48, generator=torch.Generator().manual_seed(0))
    tap = nn.Identity()

    class Tapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tap = tap

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            maps = [self.tap(one) for one in network.features.maps(x)]
            return network.head(network.standardized(network.features.pooled(maps)))

    method = attribution.LayerGradCam(Tapped(), tap)
    for index, label in enumerate(recognizer.classes):
        theirs = method.attribute(pixels[None].requires_grad_(True), target=index).detach()
        theirs = torch.nn.functional.interpolate(theirs, (32, 48), mode="bilinear", align_corners=False)[0, 0]
        theirs = theirs.clamp(min=0)
        ours = class_map(recognizer, pixels.detach(), label)
        assert float(theirs.max()) > 0 or float(ours.max()) == 0
        torch.testing.assert_close(ours / ours.max().clamp(min=1e-9), theirs / theirs.max().clamp(min=1e-9))


def test_the_map_lies_where_the_style_is(trained: Trained) -> None:
    striped = next(one for one in trained.test if one.label == "stripes")
    pixels = np.full((96, 96, 3), 128, np.uint8)
    pixels[16:80, 52:92] = np.asarray(Image.open(striped.path))[4:68, 20:60]
    recognizer = trained.recognizer
    shown = recognizer.pixels_of(pixels)
    values = class_map(recognizer, shown, "stripes")
    assert values.shape == shown.shape[1:] and float(values.min()) >= 0
    middle = shown.shape[2] // 2
    assert float(values[:, middle:].sum()) > float(values[:, :middle].sum())


def test_overlay_and_file(trained: Trained, tmp_path: Path) -> None:
    recognizer = trained.recognizer
    shown = recognizer.pixels_of(trained.test[0].path)
    path = write_map(recognizer, shown, trained.test[0].label, tmp_path / "maps" / "one.png")
    assert np.asarray(Image.open(path)).shape == (*shown.shape[1:], 3)
    nothing = overlay(shown, torch.zeros(shown.shape[1:]))
    assert (nothing[..., 0] == nothing[..., 1]).all()  # nothing speaks for it: the grey picture
    with pytest.raises(PlanError, match="is no class"):
        class_map(recognizer, shown, "cubism")


def test_compressed_features_keep_sign_and_order() -> None:
    values = torch.linspace(-3, 3, 101)
    found = compressed(values)
    assert torch.equal(found.sign(), values.sign()) and bool((found.diff() > 0).all())
    assert float(compressed(torch.tensor(0.01))) == pytest.approx(np.log(2))
