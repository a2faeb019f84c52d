"""Every recipe that ships trains a few steps on small pictures, and resumes to the same weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data as photographs

from vasari.foundation.runs import RunFolder
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.encoders import Encoder
from vasari.models.feature_networks import VGG_LAYERS
from vasari.tasks.enlarge import objective as enlarging
from vasari.tasks.objectives import OBJECTIVES
from vasari.tasks.recipe import read_recipe, shipped, train_recipe
from vasari.tasks.restore import objective as restoring

SHORT = (
    "train.images=12",
    "train.batch=2",
    "train.workers=0",
    "train.precision=float32",
    "train.log_every_steps=2",
    "train.warmup_images=0",
)
# What makes the networks and the pictures of each kind of recipe small.
SMALL: Mapping[str, tuple[str, ...]] = {
    "restore": (
        "objective.start_from=",
        "network.options.widths=[32, 32, 32]",
        "network.options.depths=[1, 1, 1, 1, 1]",
        "objective.examples.region_px=96",
        "objective.examples.patch_px=32",
        "objective.examples.extra_thumbnails=1",
        "objective.examples.pool=16",
        "objective.examples.smallest_overview_px=96",
        "objective.examples.largest_overview_px=128",
    ),
    "generate": (
        "objective.judged_samples=8",
        "objective.pictures.px=16",
        "objective.pictures.stored_px=32",
    ),
    "translate": (
        "network.options.widths=[8, 8]",
        "network.options.depth=1",
        "objective.pictures.px=32",
        "objective.pictures.stored_px=48",
    ),
    "inpaint": ("network.options.widths=[8, 8, 8, 8]", "objective.examples.patch_px=64"),
    "enlarge": ("network.options.width=8", "network.options.depth=1", "objective.examples.patch_px=16"),
    "colorize": (
        "network.options.widths=[8, 8, 8, 8]",
        "network.options.depths=[1, 1, 1, 1]",
        "objective.examples.patch_px=32",
        "objective.examples.smallest_long_side_px=96",
    ),
    "detect": (
        "network.options.widths=[8, 8, 8]",
        "network.options.depths=[1, 1, 1, 1, 1]",
        "objective.examples.region_px=96",
        "objective.examples.patch_px=32",
        "objective.examples.smallest_overview_px=96",
        "objective.examples.largest_overview_px=128",
    ),
    "texture": ("objective.px=32", "objective.critic_widths=[8, 8]"),
    "encode": (
        "network.options.widths=[8, 8, 8, 8]",
        "objective.reckoned=4",
        "objective.pictures.px=32",
        "objective.pictures.stored_px=48",
    ),
    "recognize": (
        "objective.pictures.px=32",
        "objective.pictures.stored_px=48",
        "objective.split.fewest_pictures=3",
    ),
    "stylize": (
        "network.options.widths=[8, 8, 8]",
        "network.options.features=[8, 8, 8, 8]",
        "objective.pictures.px=32",
        "objective.pictures.stored_px=48",
        "objective.style_pictures.px=32",
        "objective.style_pictures.stored_px=48",
    ),
}
SMALL_NETWORKS: Mapping[str, tuple[str, ...]] = {
    "dcgan": ("network.options.px=16", "network.options.width=8", "objective.critic.width=8"),
    "residual-generator": ("network.options.widths=[8, 8]", "objective.critic.widths=[8, 8]"),
}
FEWEST_PICTURES = 8
# What a restorer is judged on, and what sets its scale before the first step: aging them would take a minute a recipe.
FEWER = {"VALIDATION_PICTURES": 3, "VALIDATION_PX": 128, "STANDARD_EXAMPLES": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photographs")
    for name in ("astronaut", "coffee"):
        whole = Image.fromarray(getattr(photographs, name)())
        for number in range(FEWEST_PICTURES // 2):
            whole.crop((20 * number, 10 * number, 320 + 20 * number, 260 + 10 * number)).resize((160, 128)).save(
                path / f"{name}-{number}.png"
            )
    return path


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a VGG-19 of a few channels, and an encoder."""
    path = tmp_path_factory.mktemp("features")
    torch.manual_seed(0)
    names = ["conv0", *(name for stage in VGG_LAYERS for name in stage)]
    widths = [3, *(4 * (depth + 1) for depth, stage in enumerate(VGG_LAYERS) for _ in stage)]
    state: dict[str, torch.Tensor] = {}
    for name, inner, width in zip(names, [3, *widths], widths, strict=False):
        side = 1 if name == "conv0" else 3
        state[f"{name}.weight"] = 0.2 * torch.randn(width, inner, side, side)
        state[f"{name}.bias"] = 0.1 * torch.randn(width)
    save_file(state, path / "vgg.safetensors")
    options = {"widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}
    hub.save(Encoder(**options), path / "encoder.safetensors", {"network": {"name": "encoder", "options": options}})
    return path


def settings(name: str, folder: Path, features: Path) -> tuple[str, ...]:
    """What makes a recipe short and small; a second domain is the same folder as the first."""
    recipe = read_recipe(name)
    if recipe.kind == "encode":
        return (*SHORT, *SMALL["encode"], f'objective.teacher="{features}/vgg.safetensors"')
    if recipe.kind == "stylize":
        vgg, encoder = features / "vgg.safetensors", features / "encoder.safetensors"
        named = {"features": vgg, "encoder": encoder, "styles": folder}
        return (*SHORT, *SMALL["stylize"], *(f'objective.{name}="{path}"' for name, path in named.items()))
    if recipe.kind == "recognize":
        return (*SHORT, *SMALL["recognize"], f'objective.features="{features}/encoder.safetensors"')
    small = SHORT + SMALL[recipe.kind] + SMALL_NETWORKS.get(str(recipe.network.get("name")), ())
    unpaired = recipe.objective.get("method") in ("cyclegan", "cut")
    return (*small, f'objective.target="{folder}"') if unpaired else small


def sources(name: str, folder: Path) -> tuple[Path, ...]:
    """What a recipe learns from: a texture from one sample, a recognizer from labels, others from a folder."""
    kind = read_recipe(name).kind
    if kind == "texture":
        return (folder / "coffee-0.png",)
    if kind == "recognize":
        table = folder.parent / "labels.csv"
        rows = [f"{path},{path.stem.partition('-')[0]}" for path in sorted(folder.glob("*.png"))]
        table.write_text("\n".join(["path,label", *rows]) + "\n", encoding="utf-8")
        return (table,)
    return (folder,)


def test_every_kind_of_recipe_ships_and_is_tested() -> None:
    assert {read_recipe(name).kind for name in shipped()} == set(OBJECTIVES) == set(SMALL)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_recipe_trains_and_resumes_exactly(
    name: str, folder: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for constant, fewer in FEWER.items():
        monkeypatch.setattr(restoring, constant, fewer)
    monkeypatch.setattr(enlarging, "VALIDATION_PX", 128)  # as large as the pictures of the folder
    small = settings(name, folder, features)
    data = sources(name, folder)
    runs = [RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parted")]
    assert train_recipe(name, data, runs[0].path, small)["finished"]
    hurried = (*small, "train.stop_after_minutes=1e-5")
    assert train_recipe(name, data, runs[1].path, hurried)["stopped_by"] == "time"
    assert train_recipe(name, data, runs[1].path, small, resume=True)["finished"]
    one, other = (run.read_checkpoint() for run in runs)
    assert one is not None and other is not None
    assert [key for key in one.tensors if not torch.equal(one.tensors[key], other.tensors[key])] == []
    published = sorted(runs[0].path.glob("last*.safetensors"))
    assert published and all(hub.load(path).recipe["network"]["name"] in NETWORKS for path in published)
    assert (runs[0].path / "report.html").is_file()
