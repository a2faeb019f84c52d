"""Feature networks: files are recognized by their tensors, run as convolutions by hand do, and distances count."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from vasari.foundation.errors import WeightsError
from vasari.models.feature_networks import (
    MOBILENET_TAPS,
    MobileNetFeatures,
    VggFeatures,
    feature_distance,
    load_features,
)
from vasari.models.mobilenet import MobileNet


@pytest.fixture
def vgg(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"conv0": (3, 3, 1), "conv11": (4, 3, 3), "conv12": (4, 4, 3), "conv21": (6, 4, 3)}
    state = {f"{name}.weight": torch.randn(a, b, k, k) for name, (a, b, k) in sizes.items()}
    state |= {f"{name}.bias": torch.randn(a) for name, (a, _, _) in sizes.items()}
    save_file({**state, "conv11_aux.weight": torch.randn(8, 4, 1, 1)}, tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


@pytest.fixture
def mobilenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_file(MobileNet().state_dict(), tmp_path / "mobilenet.safetensors")
    return tmp_path / "mobilenet.safetensors"


def test_a_vgg_runs_as_by_hand(vgg: Path) -> None:
    network, picture = load_features(vgg), torch.rand(2, 3, 16, 20)
    assert isinstance(network, VggFeatures)
    state = network.layers.state_dict()

    def step(x: torch.Tensor, name: str) -> torch.Tensor:
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return functional.conv2d(padded, state[f"{name}.weight"], state[f"{name}.bias"]).relu()

    x = functional.conv2d(picture, state["conv0.weight"], state["conv0.bias"])
    first = step(x, "conv11")
    second = step(functional.max_pool2d(step(first, "conv12"), 2), "conv21")
    made = network(picture)
    assert [one.shape for one in made] == [(2, 4, 16, 20), (2, 6, 8, 10)]
    torch.testing.assert_close(made, [first, second])
    assert not any(one.requires_grad for one in network.parameters())


def test_the_official_names_are_the_same_network(tmp_path: Path) -> None:
    """Thirteen convolutions by torchvision's count, RGB standardized as it does; what lies behind them is left out."""
    torch.manual_seed(1)
    counts, widths = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28), (3, *[4] * 13)
    state = {}
    for count, a, b in zip(counts, widths[:-1], widths[1:], strict=True):
        state |= {f"features.{count}.weight": torch.randn(b, a, 3, 3) / 3, f"features.{count}.bias": torch.randn(b)}
    save_file({**state, "features.30.weight": torch.randn(4, 4, 3, 3)}, tmp_path / "official.safetensors")
    picture = torch.rand(1, 3, 48, 64)
    made = load_features(tmp_path / "official.safetensors")(picture)
    assert [tuple(one.shape[2:]) for one in made] == [(48 >> n, 64 >> n) for n in range(5)]
    means, deviations = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (picture - means.view(1, 3, 1, 1)) / deviations.view(1, 3, 1, 1)
    for count in counts:
        if count in (5, 10, 19, 28):
            x = functional.max_pool2d(x, 2)
        padded = functional.pad(x, (1, 1, 1, 1), mode="reflect")
        x = functional.conv2d(padded, state[f"features.{count}.weight"], state[f"features.{count}.bias"]).relu()
    torch.testing.assert_close(made[-1], x, atol=1e-4, rtol=1e-4)
    del state["features.16.weight"]  # as in a VGG-16, whose counts differ from there on
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="no feature network"):
        load_features(tmp_path / "other.safetensors")


def test_a_mobilenet_gives_four_depths(mobilenet: Path) -> None:
    network = load_features(mobilenet)
    assert isinstance(network, MobileNetFeatures)
    made = network(torch.rand(1, 3, 64, 96))
    assert [tuple(one.shape[2:]) for one in made] == [(32, 48), (16, 24), (8, 12), (4, 6)]
    assert len(made) == len(MOBILENET_TAPS) and all(0 <= one.min() and one.max() <= 6 for one in made)


def test_other_files_are_refused(tmp_path: Path) -> None:
    save_file({"something.weight": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="no feature network"):
        load_features(tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 20)
    with pytest.raises(WeightsError, match="whole"):
        load_features(tmp_path / "cut.safetensors")


def test_the_distance_counts_where_the_weight_is() -> None:
    truth = [torch.rand(2, 3, 8, 8) + 0.5, torch.rand(2, 5, 4, 4) + 0.5]
    made = [one.clone() for one in truth]
    made[0][1, :, :4, :4] += 1
    made[1][1, :, :2, :2] += 1
    assert feature_distance(truth, truth).tolist() == [0, 0]
    weight = torch.zeros(2, 1, 8, 8)
    weight[..., :4, :4] = 1
    sizes = [float(one[1].abs().mean()) for one in truth]
    distance = feature_distance(made, truth, weight)
    assert distance[0] == 0 and float(distance[1]) == pytest.approx(sum(1 / size for size in sizes) / 2, rel=1e-5)
    everywhere = float(feature_distance(made, truth)[1])
    assert everywhere == pytest.approx(float(distance[1]) / 4, rel=1e-5)
    assert feature_distance(made, truth, 1 - weight)[1] == 0
