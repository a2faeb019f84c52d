"""Official networks: of the published sizes, equal to what they are defined as, found by digest or told where from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vasari.foundation.errors import WeightsError
from vasari.models import downloads
from vasari.models.inception import InceptionV3, as_tensorflow
from vasari.models.lpips import LAYERS, POOL, Lpips
from vasari.models.official import OFFICIAL, load_lpips, lpips_of, official_file


@pytest.fixture(scope="module")
def inception() -> InceptionV3:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = InceptionV3()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.8, 1.6)
                nn.init.normal_(module.bias, 0, 0.1)
                nn.init.normal_(module.running_mean, 0, 0.1)  # type: ignore[arg-type]
    return network.eval().requires_grad_(False)


def test_inception_is_of_the_published_size(inception: InceptionV3) -> None:
    state = inception.state_dict()
    # torchvision's Inception-v3 without its second classifier has 23,834,568 parameters, of 1000 classes.
    assert sum(one.numel() for one in inception.parameters()) == 23_834_568 + 8 * 2049
    # 94 convolutions with normalization (6 tensors each), and the last layer; the published file is 95,628,359 bytes.
    assert len(state) == 94 * 6 + 2
    assert 0 < 95_628_359 - sum(one.numel() * one.element_size() for one in state.values()) < 100_000
    assert state["Mixed_6c.branch7x7dbl_4.conv.weight"].shape == (160, 160, 7, 1)
    assert state["Mixed_7b.branch3x3dbl_3a.bn.running_var"].shape == (384,)
    assert state["fc.weight"].shape == (1008, 2048)


def test_inception_gives_its_maps_and_folding_changes_nothing(inception: InceptionV3) -> None:
    pixels = torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(1))
    maps = inception(pixels)
    assert [tuple(one.shape[1:]) for one in maps] == [(64, 73, 73), (192, 35, 35), (768, 17, 17), (2048, 8, 8)]
    other = InceptionV3().eval()
    other.load_state_dict(inception.state_dict())
    folded = other.folded()(pixels)
    for one, two in zip(maps, folded, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-3, atol=1e-5)
    assert inception.shares(maps[-1].mean((2, 3))).sum() == pytest.approx(1.0, abs=1e-5)


def test_pictures_are_resized_as_tensorflow_does() -> None:
    picture = np.random.default_rng(0).random((17, 23)).astype(np.float32)
    found = as_tensorflow(torch.from_numpy(picture)[None, None], 31)[0, 0].numpy()
    for row, column in ((0, 0), (30, 30), (7, 22), (29, 3)):
        y, x = row * 17 / 31, column * 23 / 31
        top, left = int(y), int(x)
        below, right = min(top + 1, 16), min(left + 1, 22)
        upper = picture[top, left] * (1 - x + left) + picture[top, right] * (x - left)
        lower = picture[below, left] * (1 - x + left) + picture[below, right] * (x - left)
        assert found[row, column] == pytest.approx(upper * (1 - y + top) + lower * (y - top), abs=1e-5)


def drawn(kind: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(2)
    trunk, heads = {}, {}
    for number, inner, outer, kernel, *_ in (one for one in LAYERS[kind] if one != POOL):
        scale = (2 / (inner * kernel**2)) ** 0.5
        trunk[f"features.{number}.weight"] = torch.randn(outer, inner, kernel, kernel, generator=generator) * scale
        trunk[f"features.{number}.bias"] = torch.randn(outer, generator=generator) * 0.1
    for number, width in enumerate({"vgg": (64, 128, 256, 512, 512), "alex": (64, 192, 384, 256, 256)}[kind]):
        heads[f"lin{number}.model.1.weight"] = torch.rand(1, width, 1, 1, generator=generator)
    return trunk, heads


def vgg16() -> nn.Sequential:
    """torchvision's `features`, by the table of the paper."""
    layers: list[nn.Module] = []
    inner = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512):
        layers += [nn.Conv2d(inner, width, 3, padding=1), nn.ReLU()] if width else [nn.MaxPool2d(2, 2)]
        inner = width or inner
    return nn.Sequential(*layers)


def alexnet() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(),
        nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "plain", "taps"), [("vgg", vgg16, (3, 8, 15, 22, 29)), ("alex", alexnet, (1, 4, 7, 9, 11))]
)
def test_lpips_is_the_papers_distance(kind: str, plain: object, taps: tuple[int, ...]) -> None:
    trunk, heads = drawn(kind)
    network = lpips_of(kind, {**trunk, "classifier.0.weight": torch.zeros(1)}, heads)
    stack = plain().requires_grad_(False)  # type: ignore[operator]
    stack.load_state_dict({name.removeprefix("features."): one for name, one in trunk.items()})
    generator = torch.Generator().manual_seed(3)
    first, second = (torch.rand(1, 3, 64, 72, generator=generator) for _ in range(2))
    expected = 0.0
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    seen = [((one * 2 - 1).numpy() - shift[:, None, None]) / scale[:, None, None] for one in (first, second)]
    maps = [torch.from_numpy(one).float() for one in seen]
    for position, layer in enumerate(stack):
        maps = [layer(one) for one in maps]
        if position in taps:
            unit = [one[0].double().numpy() / np.linalg.norm(one[0].double().numpy(), axis=0) for one in maps]
            weight = heads[f"lin{taps.index(position)}.model.1.weight"].flatten().double().numpy()
            expected += np.tensordot(weight, (unit[0] - unit[1]) ** 2, 1).mean()
    assert float(network(first, second)) == pytest.approx(expected, rel=1e-4)
    assert float(network(first, first)) == 0


def test_missing_official_weights_say_where_from_and_where_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(url: str, digest: str, cache: Path) -> Path:
        raise WeightsError(f"{url} could not be downloaded: no network.", remedy="check the network")

    monkeypatch.setattr(downloads, "fetch", no_network)
    monkeypatch.setenv("VASARI_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="official weights inception are not here") as caught:
        official_file("inception")
    assert OFFICIAL["inception"].url in caught.value.remedy
    assert str(tmp_path / OFFICIAL["inception"].sha256) in caught.value.remedy
    with pytest.raises(WeightsError, match="vgg16 are not here"):
        load_lpips("vgg")
    with pytest.raises(WeightsError, match="does not hold weights-inception"):
        official_file("inception", tmp_path)
    (tmp_path / OFFICIAL["inception"].file).write_bytes(b"another")
    with pytest.raises(WeightsError, match="not the official file"):
        official_file("inception", tmp_path)


def test_unknown_kinds_and_wrong_tables_are_refused() -> None:
    with pytest.raises(WeightsError, match="no LPIPS"):
        load_lpips("squeeze")
    trunk, heads = drawn("alex")
    with pytest.raises(WeightsError, match="missing"):
        lpips_of("alex", trunk, {})
    with pytest.raises(WeightsError, match="another shape"):
        lpips_of("alex", {**trunk, "features.0.weight": torch.zeros(64, 3, 3, 3)}, heads)
    assert set(Lpips("vgg").state_dict()) >= {"features.28.bias", "weights.4"}
