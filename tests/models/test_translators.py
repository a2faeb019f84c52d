"""The translator: any size, tiles that equal the whole by surveyed statistics, normalization as torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from vasari.foundation import tiles
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.normalization import NORMALIZATIONS, Normalization, Sitting, _OwnInstance
from vasari.models.translators import DEEPEST, Translator

CARD = NETWORKS["translator"]


def lively(normalization: str, seed: int = 0, **options: object) -> Translator:
    """A translator that changes pictures much, with statistics of batch normalization that are not those of birth."""
    torch.manual_seed(seed)
    net = Translator(**{"widths": (16, 24), "depth": 2, "normalization": normalization, **options})  # type: ignore[arg-type]
    for name, parameter in net.named_parameters():
        if name.endswith(("gain", "batch.weight")):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
        elif name.endswith(("offset", "batch.bias")):
            torch.nn.init.normal_(parameter, std=0.3)
        elif name == "tail.weight":
            torch.nn.init.normal_(parameter, std=0.1)
    if normalization == "batch":
        net(torch.rand(4, 3, 32, 32))
    return net.eval()


def scene(height: int, width: int) -> torch.Tensor:
    """A picture with shapes of every size and uneven light: its parts have other statistics than the whole."""
    generator = torch.Generator().manual_seed(7)
    coarse = functional.interpolate(torch.rand(1, 3, 5, 7, generator=generator), (height, width), mode="bicubic")
    fine = torch.rand(1, 3, height, width, generator=generator)
    return (0.7 * coarse + 0.3 * fine * torch.linspace(0, 1, width)).clamp(0, 1)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("residual", [True, False])
def test_any_size_comes_back_in_its_size_and_range(normalization: str, residual: bool) -> None:
    net = lively(normalization, residual=residual)
    for size in ((32, 32), (33, 47), (5, 6)):
        with torch.inference_mode():
            made = net(torch.rand(2, 3, *size))
        assert made.shape == (2, 3, *size) and made.dtype == torch.float32
        assert 0 <= made.min() and made.max() <= 1
        assert made.std() > 0.004


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_tiles_by_surveyed_statistics_equal_the_whole(normalization: str) -> None:
    """The deepest network, in tiles far smaller than the picture, within 1/255."""
    net, picture = lively(normalization, depth=DEEPEST), scene(180, 201)
    with torch.inference_mode():
        statistics = net.survey(functional.interpolate(picture, (90, 100), mode="area"))
        whole = net(picture, statistics)
        tiled = tiles.in_tiles(
            lambda pixels, window: net(pixels, statistics),
            picture,
            tile=40,
            halo=CARD.halo,
            multiple_of=CARD.multiple_of,
        )
        alone = tiles.in_tiles(
            lambda pixels, window: net(pixels), picture, tile=40, halo=CARD.halo, multiple_of=CARD.multiple_of
        )
    assert (tiled - whole).abs().max() < 1 / 255
    assert (whole - picture).abs().mean() > 0.05, "the network of this test must do something"
    if normalization == "instance":
        assert (alone - net(picture)).abs().max() > 4 / 255, "without the survey a tile must not know the whole"


def test_a_smaller_halo_does_not_do() -> None:
    net, picture = lively("none", depth=DEEPEST), scene(96, 96)
    with torch.inference_mode():
        tiled = tiles.in_tiles(lambda pixels, window: net(pixels), picture, tile=32, halo=4, multiple_of=4)
        assert (tiled - net(picture)).abs().max() > 1 / 255


def test_a_flat_picture_gets_no_checkerboard() -> None:
    """The four pixels of a block are made by weights of their own; the filter takes off what that leaves."""
    flat = torch.full((1, 3, 128, 128), 0.5)
    with torch.inference_mode():
        spread = {smooth: lively("none", smooth=smooth)(flat)[..., 48:80, 48:80].std((2, 3)).max() for smooth in (0, 1)}
    assert spread[1] < 1e-6 < 1e-3 < spread[0]


def test_the_survey_of_a_picture_itself_changes_nothing() -> None:
    net, picture = lively("instance"), scene(48, 64)
    with torch.inference_mode():
        statistics = net.survey(picture)
        torch.testing.assert_close(net(picture, statistics), net(picture), atol=1e-5, rtol=0)
    assert len(statistics.means) == len(statistics.deviations) == 3 + 2 * 2
    assert statistics.map(torch.Tensor.double).means[0].dtype == torch.float64


@pytest.mark.parametrize("normalization", ["batch", "none"])
def test_without_instance_statistics_the_survey_is_empty(normalization: str) -> None:
    statistics = lively(normalization).survey(torch.rand(1, 3, 32, 32))
    assert statistics.means == statistics.deviations == ()


def test_instance_normalization_and_its_gradients_as_torch_has_them() -> None:
    torch.manual_seed(0)
    x = (3 + torch.randn(2, 5, 6, 7, dtype=torch.float64)).requires_grad_(True)
    gain, offset = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    weights = torch.randn(2, 5, 6, 7, dtype=torch.float64)
    found, expected = [], []
    for results, made in (
        (found, _OwnInstance.apply(x, gain, offset)),
        (expected, functional.instance_norm(x, weight=gain, bias=offset, eps=1e-5)),
    ):
        results += [made, *torch.autograd.grad((made * weights).sum(), (x, gain, offset))]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-7)


def test_batch_normalization_forgets_the_batch_in_evaluation() -> None:
    net, pictures = lively("batch"), torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        together, alone = net(pictures), torch.cat([net(one[None]) for one in pictures])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    assert isinstance(net.head_norm, Normalization) and net.head_norm.batch is not None


def test_a_fresh_residual_translator_hardly_changes_a_picture() -> None:
    torch.manual_seed(0)
    net, picture = Translator().eval(), scene(64, 64)
    with torch.inference_mode():
        assert (net(picture) - picture).abs().mean() < 0.05
        assert (Translator(residual=False).eval()(picture) - picture).abs().mean() > 0.05
    assert sum(one.numel() for one in net.parameters()) < 3_000_000


def test_features_are_those_of_the_pass_itself() -> None:
    net, pictures = lively("instance"), torch.rand(2, 3, 32, 40)
    with torch.inference_mode():
        every = net.features(pictures, range(len(net.layer_channels)))
        some = net.features(pictures, (0, 3))
    assert [one.shape[1] for one in every] == list(net.layer_channels) == [12, 16, 24, 24, 24]
    assert [tuple(one.shape[2:]) for one in every] == [(16, 20)] * 2 + [(8, 10)] * 3
    torch.testing.assert_close(some[0], functional.pixel_unshuffle(pictures * 2 - 1, 2))
    assert torch.equal(some[1], every[3]) and len(some) == 2


def test_statistics_are_handed_out_in_order() -> None:
    given = Translator(widths=(8, 8), depth=1).survey(torch.rand(1, 3, 16, 16))
    sitting = Sitting(given)
    handed = [sitting.of(torch.zeros(1, 8, 4, 4)) for _ in given.means]
    for one, mean, deviation in zip(handed, given.means, given.deviations, strict=True):
        assert one is not None and one[0] is mean and one[1] is deviation


@pytest.mark.parametrize("options", [{"depth": DEEPEST + 1}, {"depth": 0}, {"normalization": "layer"}])
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Translator(**options)  # type: ignore[arg-type]


def test_weights_go_through_a_file(tmp_path) -> None:
    net = lively("batch")
    options = {"widths": [16, 24], "depth": 2, "normalization": "batch"}
    path = hub.save(net, tmp_path / "t.safetensors", {"network": {"name": "translator", "options": options}})
    loaded, picture = hub.load(path), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(picture), net(picture), atol=2e-3, rtol=0)
