"""Feature networks: every one of the table builds again from its options; files and runs are known by their tensors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vasari.foundation.errors import WeightsError
from vasari.foundation.runs import Checkpoint, RunFolder
from vasari.models import hub
from vasari.models.backbones import BACKBONES, backbone, read_backbone
from vasari.models.critics import PatchCritic
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import VGG_LAYERS
from vasari.models.mobilenet import MobileNet
from vasari.models.picture_critics import DcganCritic, ResidualCritic
from vasari.models.pooling import PictureClassifier, PooledFeatures
from vasari.models.projected_critic import ProjectedCritic
from vasari.models.resnet import ResNet50

VGG_SHAPES = {"conv0.weight": [3, 3, 1, 1], "conv0.bias": [3]} | {
    f"{name}.{kind}": shape
    for name, inner in zip([one for stage in VGG_LAYERS for one in stage], [3, *[4] * 12], strict=True)
    for kind, shape in (("weight", [4, inner, 3, 3]), ("bias", [4]))
}
OPTIONS = {
    "encoder": {"widths": [4, 4, 8, 8], "depths": [1, 1, 1, 1]},
    "mobilenet": {},
    "vgg19": {"shapes": VGG_SHAPES},
    "resnet50": {},
    "inception": {},
    "patch-critic": {"widths": [8, 8], "spectral": True},
    "dcgan-critic": {"px": 32, "width": 4, "normalization": "batch"},
    "residual-critic": {"widths": [8, 8]},
    "projected-critic": {"widths": [4, 4, 8, 8], "depths": [1, 1, 1, 1], "width": 4},
}
CRITICS = {
    "patch": (lambda: PatchCritic(widths=(8, 16)), "patch-critic"),
    "patch with a penalty": (lambda: PatchCritic(widths=(8, 16), spectral=False), "patch-critic"),
    "dcgan": (lambda: DcganCritic(32, 4), "dcgan-critic"),
    "dcgan for wgan-gp": (lambda: DcganCritic(16, 4, "none"), "dcgan-critic"),
    "dcgan, instance": (lambda: DcganCritic(32, 4, "instance"), "dcgan-critic"),
    "residual": (lambda: ResidualCritic((16, 8)), "residual-critic"),
    "projected": (lambda: ProjectedCritic(Encoder((4, 4, 8, 8), (2, 1, 2, 1)), 8), "projected-critic"),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_gives_maps_of_any_size(name: str) -> None:
    network = backbone(name, OPTIONS[name]).eval()
    with torch.no_grad():
        maps = network(torch.rand(2, 3, 64, 96))
    assert len(maps) >= 2 and all(one.ndim == 4 and len(one) == 2 and one.isfinite().all() for one in maps)
    features = PooledFeatures(network)
    assert features.width() == 2 * sum(one.shape[1] for one in maps)


def test_moments_are_those_of_the_style_code() -> None:
    from vasari.models.style import moments

    network, pixels = backbone("encoder", OPTIONS["encoder"]).eval(), torch.rand(1, 3, 48, 64)
    with torch.no_grad():
        expected = moments(network(pixels)).vector()
        torch.testing.assert_close(PooledFeatures(network)(pixels), expected, atol=2e-3, rtol=1e-3)


def test_a_fresh_classifier_favors_no_class() -> None:
    network = PictureClassifier(3, "encoder", OPTIONS["encoder"]).eval()
    with torch.no_grad():
        assert torch.equal(network(torch.rand(2, 3, 32, 32)), torch.zeros(2, 3))


@pytest.mark.parametrize("which", CRITICS)
def test_the_critic_of_a_run_gives_its_own_inner_maps(which: str, tmp_path: Path) -> None:
    make, name = CRITICS[which]
    torch.manual_seed(1)
    critic = make()
    state = {f"networks/critic/{key}": one.clone() for key, one in critic.state_dict().items()}
    run = RunFolder(tmp_path / "run")
    run.begin({})
    path = run.write_checkpoint(8, Checkpoint({**state, "networks/generator/x": torch.zeros(1)}, {}))
    seen: list[torch.Tensor] = []
    critic.eval()
    px = 16 if which in ("dcgan for wgan-gp", "residual") else 32
    last = {
        "patch-critic": lambda: critic.layers[-1],
        "dcgan-critic": lambda: critic.stack[-1],
        "residual-critic": lambda: critic.exit,
        "projected-critic": lambda: critic.heads[-1][-1],
    }[name]()
    last.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach().clone()))
    pixels = torch.rand(2, 3, px, px)
    with torch.no_grad():
        critic(pixels)
        for named in (run.path, path):
            found = read_backbone(named)
            assert found.name == name
            torch.testing.assert_close(found.network(pixels)[-1].flatten(1), seen[0].flatten(1))
            rebuilt = backbone(found.name, found.options)
            rebuilt.load_state_dict(found.network.state_dict())


def test_runs_without_a_critic_and_critics_of_pairs_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(WeightsError, match="no model"):
        read_backbone(run.path)
    run.begin({})
    with pytest.raises(WeightsError, match="no checkpoint"):
        read_backbone(run.path)
    run.write_checkpoint(1, Checkpoint({"networks/restorer/x": torch.zeros(1)}, {}))
    with pytest.raises(WeightsError, match="no critic"):
        read_backbone(run.path)
    pairs = {f"networks/critic/{key}": one.clone() for key, one in PatchCritic(channels=6).state_dict().items()}
    run.write_checkpoint(2, Checkpoint(pairs, {}))
    with pytest.raises(WeightsError, match="6 channels"):
        read_backbone(run.path)


def test_a_conditional_critic_is_known_by_its_finest_head_which_is_left_out(tmp_path: Path) -> None:
    torch.manual_seed(3)
    critic = ProjectedCritic(Encoder((4, 4, 8, 8), (2, 1, 2, 1)), 6, conditional=True).eval()
    state = {f"networks/critic/{key}": one.clone() for key, one in critic.state_dict().items()}
    save_file(state, tmp_path / "last.safetensors")
    found = read_backbone(tmp_path / "last.safetensors")
    assert found.options == {"widths": (4, 4, 8, 8), "depths": (2, 1, 2, 1), "width": 6, "conditional": True}
    seen: list[torch.Tensor] = []
    for head in critic.heads:
        head[-1].register_forward_pre_hook(lambda module, given: seen.append(given[0].detach().clone()))
    pixels = torch.rand(2, 3, 32, 48)
    with torch.no_grad():
        critic(pixels, torch.rand(2, 3, 32, 48))
        maps = found.network(pixels)
    torch.testing.assert_close(maps, seen[1:])


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"encoder.stages.2.0.weight": None}, "not whole"),
        ({"encoder.stages.2.1.bias": None}, r"missing \(critic.encoder.stages.2.1.bias\)"),
        ({"heads.2.2.weight": None}, r"missing \(critic.heads.2.2.weight\)"),
        ({"heads.0.0.weight": torch.zeros(8)}, "not whole"),
        ({"heads.0.0.weight": torch.zeros(8, 36, 3, 3)}, "36 channels"),
        ({"heads.1.4.weight": torch.full((1, 8, 3, 3), float("nan"))}, "not finite"),
        ({"heads.4.0.weight": torch.zeros(8, 8, 3, 3)}, "unknown"),
    ],
)
def test_a_broken_projected_critic_is_refused(
    broken: dict[str, torch.Tensor | None], told: str, tmp_path: Path
) -> None:
    state = {**ProjectedCritic(Encoder((4, 4, 8, 8), (2, 1, 2, 1)), 8).state_dict(), **broken}
    tensors = {f"networks/critic/{key}": one.clone() for key, one in state.items() if one is not None}
    save_file(tensors, tmp_path / "last.safetensors")
    with pytest.raises(WeightsError, match=told):
        read_backbone(tmp_path / "last.safetensors")


def test_files_are_known_by_their_tensors(tmp_path: Path) -> None:
    torch.manual_seed(0)
    files: dict[str, nn.Module] = {"mobilenet": MobileNet(), "resnet50": ResNet50()}
    pixels = torch.rand(1, 3, 64, 64)
    for name, network in files.items():
        state = {key: one.clone() for key, one in network.state_dict().items()}
        if name == "resnet50":
            state |= {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
        save_file(state, tmp_path / f"{name}.safetensors")
        found = read_backbone(tmp_path / f"{name}.safetensors")
        assert found.name == name and found.source == name and len(found.digest) == 64
        network.eval()
        with torch.no_grad():
            maps = found.network(pixels)
            expected = network(pixels)[-1] if name == "resnet50" else network.activations(pixels)[-1]
        torch.testing.assert_close(maps[-1], expected)
    save_file({key: torch.rand(shape) for key, shape in VGG_SHAPES.items()}, tmp_path / "vgg.safetensors")
    found = read_backbone(tmp_path / "vgg.safetensors")
    assert found.name == "vgg19" and len(found.network(pixels)) == 5
    backbone(found.name, found.options).load_state_dict(found.network.state_dict())
    header = {"network": {"name": "encoder", "options": {"widths": [4, 4, 8, 8]}}}
    hub.save(Encoder((4, 4, 8, 8)), tmp_path / "e.safetensors", header)
    assert read_backbone(tmp_path / "e.safetensors").name == "encoder"
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="no feature network"):
        read_backbone(tmp_path / "other.safetensors")


def test_resnet_50_has_the_published_size_and_stands_still_in_training() -> None:
    network = ResNet50().train()
    # 25,557,032 parameters are published for all of it, 2,049,000 of them in the last layer that is left out.
    assert sum(one.numel() for one in network.parameters()) == 25_557_032 - 2_049_000
    names = set(network.state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer3.5.conv2.weight"} <= names
    before = network.bn1.running_mean.clone()
    with torch.no_grad():
        maps = network(torch.rand(1, 3, 64, 64))
    assert torch.equal(network.bn1.running_mean, before)
    assert [tuple(one.shape[1:]) for one in maps] == [(256, 16, 16), (512, 8, 8), (1024, 4, 4), (2048, 2, 2)]


def test_unknown_networks_and_options_are_told() -> None:
    with pytest.raises(WeightsError, match="no feature network"):
        backbone("transformer", {})
    with pytest.raises(WeightsError, match="cannot be built"):
        backbone("encoder", {"depth": 3})
