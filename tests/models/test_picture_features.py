"""Fixed and learned features: what they tell apart, what leaves them alone, and the convolutions against SciPy."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import torch
from safetensors.torch import save_file
from skimage import color, data
from torch import Tensor
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models.mobilenet import MobileNet, same_padded
from vasari.models.picture_features import PictureFeatures, feature_network, gabor_pairs


def crops(count: int = 12, side: int = 64) -> Tensor:
    """Pieces of three photographs [3 × count, 3, side, side]."""
    rng, found = np.random.default_rng(3), []
    for picture in (data.astronaut(), data.coffee(), data.chelsea()):
        for _ in range(count):
            row, column = (int(rng.integers(0, size - 2 * side)) for size in picture.shape[:2])
            found.append(picture[row : row + 2 * side : 2, column : column + 2 * side : 2])
    return torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2).float() / 255


def grating(angle: float, wavelength_px: float, side: int = 64) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    phase = 2 * math.pi / wavelength_px * (columns * math.cos(angle) + rows * math.sin(angle))
    return (0.5 + 0.3 * torch.sin(phase)).expand(1, 3, side, side)


def test_features_are_fixed_finite_and_of_the_width_they_say() -> None:
    pixels = crops()
    first, second = PictureFeatures()(pixels), feature_network()(pixels)
    assert torch.equal(first, second) and first.shape == (36, PictureFeatures.width)
    assert PictureFeatures().state_dict() == {}
    extremes = torch.stack([torch.zeros(3, 64, 64), torch.ones(3, 64, 64)])
    found = PictureFeatures()(extremes)
    assert bool(torch.isfinite(found).all()) and float(found.abs().max()) < 10
    assert float((PictureFeatures()(pixels[:1]) - first[:1]).abs().max()) < 1e-4


def test_pieces_of_a_photograph_are_nearer_to_each_other_than_to_others() -> None:
    features = PictureFeatures()(crops())
    distances = torch.cdist(features, features)
    labels = torch.arange(36) // 12
    alike = (labels[:, None] == labels) & ~torch.eye(36, dtype=torch.bool)
    assert float(distances[alike].mean()) < 0.9 * float(distances[labels[:, None] != labels].mean())
    distances.fill_diagonal_(math.inf)
    assert float((labels[distances.argmin(1)] == labels).float().mean()) > 0.6


def test_a_slight_change_moves_features_less_than_another_picture() -> None:
    network, pixels = PictureFeatures(), crops()
    features = network(pixels)
    noisy = pixels + 0.02 * torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))
    larger = functional.interpolate(pixels, (128, 128), mode="bilinear")
    others = torch.cdist(features, features)[~torch.eye(36, dtype=torch.bool)].mean()
    for changed in (noisy, larger):
        assert float((network(changed) - features).norm(dim=1).mean()) < 0.5 * float(others)


def test_colors_are_those_of_scikit_image() -> None:
    cells = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(1))
    network = PictureFeatures()
    found = network(cells.repeat_interleave(8, 1).repeat_interleave(8, 2)[None])[0, :192].view(3, 8, 8)
    oklab = found * network.color_deviation + network.color_mean
    linear = color.rgb2xyz(cells.permute(1, 2, 0).double().numpy())
    # Ottosson's definition by way of XYZ (D65), which is how CSS Color 4 checks it.
    to_cones = [[0.8189330101, 0.3618667424, -0.1288597137], [0.0329845436, 0.9293118715, 0.0361456387],
                [0.0482003018, 0.2643662691, 0.6338517070]]  # fmt: skip
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
              [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    expected = np.cbrt(linear @ np.array(to_cones).T) @ np.array(to_lab).T
    np.testing.assert_allclose(oklab.permute(1, 2, 0).numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("orientation", range(4))
@pytest.mark.parametrize("scale", range(3))
def test_a_grating_answers_where_its_scale_and_orientation_say(scale: int, orientation: int) -> None:
    network = PictureFeatures()
    energies = network(grating(math.pi * orientation / 4, 4.0 * 2**scale))[0, 192:].view(3, 4, 4, 4)
    logarithms = (energies * network.energy_deviation + network.energy_mean).mean((2, 3))
    assert int(logarithms[scale].argmax()) == orientation
    assert int(logarithms[:, orientation].argmax()) == scale


def test_the_filters_answer_nothing_to_a_flat_picture() -> None:
    filters = gabor_pairs()
    assert filters.shape == (8, 1, 7, 7)
    assert float(filters.sum((2, 3)).abs().max()) < 1e-6
    torch.testing.assert_close(filters.abs().sum((1, 2, 3)), torch.ones(8))


def test_a_thousand_pictures_take_less_than_a_second_of_one_core() -> None:
    network, pixels = PictureFeatures(), crops()[:32]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        network(pixels)
        seconds = []
        for _ in range(5):
            started = time.thread_time()
            network(pixels)
            seconds.append(time.thread_time() - started)
    finally:
        torch.set_num_threads(threads)
    assert min(seconds) < len(pixels) / 1000


@pytest.mark.parametrize("side", [9, 16])
@pytest.mark.parametrize("stride", [1, 2])
def test_padding_is_that_of_tensorflow(side: int, stride: int) -> None:
    generator = torch.Generator().manual_seed(1)
    plane, kernel = torch.rand(side, side, generator=generator), torch.rand(3, 3, generator=generator)
    found = functional.conv2d(same_padded(plane[None, None], 3, stride), kernel[None, None], stride=stride)[0, 0]
    # "SAME" gives ceil(side / stride); with an even side and stride 2 the windows begin at the first pixel.
    whole = scipy.signal.correlate2d(plane.numpy(), kernel.numpy(), mode="same")
    first = 1 if stride == 2 and side % 2 == 0 else 0
    np.testing.assert_allclose(found.numpy(), whole[first::stride, first::stride], rtol=1e-5)


def test_a_file_of_a_learned_network_is_used_and_another_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(4)
    network = MobileNet()
    path = tmp_path / "mobilenet.safetensors"
    save_file({name: one.half() for name, one in network.state_dict().items()}, path)
    before = torch.get_rng_state()
    loaded = feature_network(path)
    assert torch.equal(before, torch.get_rng_state())
    assert not loaded.training and not any(one.requires_grad for one in loaded.parameters())
    pixels = crops(1)
    torch.testing.assert_close(loaded(pixels), network.half().float()(pixels))
    assert loaded(pixels).shape == (3, 1024) and loaded(crops(1, 40)).shape == (3, 1024)
    assert sorted(network.state_dict())[:2] == ["convs.0.bias", "convs.0.weight"]
    assert len(network.state_dict()) == 2 * 27 and network.convs[26].weight.shape == (1024, 1024, 1, 1)
    save_file({"other": torch.zeros(3)}, tmp_path / "other.safetensors")
    for name, words in (("other.safetensors", "does not fit"), ("none.safetensors", "no model")):
        with pytest.raises(WeightsError, match=words):
            feature_network(tmp_path / name)
    (tmp_path / "text.safetensors").write_text("none of it")
    with pytest.raises(WeightsError, match="cannot be read as features"):
        feature_network(tmp_path / "text.safetensors")
