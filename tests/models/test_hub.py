"""Weights files: saved and loaded again, and every way in which a file can be wrong."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from vasari.foundation.errors import WeightsError
from vasari.models import hub, model_files
from vasari.models.cards import NETWORKS

RECIPE = {"network": {"name": "patch-critic", "options": {}}, "task": "critic", "training_data": [{"licenses": "CC0"}]}


def critic(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return NETWORKS["patch-critic"].build()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return hub.save(critic(), tmp_path / "critic.safetensors", RECIPE)


def test_a_network_comes_back_as_it_was_saved(saved: Path) -> None:
    loaded = hub.load(saved)
    assert loaded.recipe == RECIPE and loaded.name == "critic"
    assert loaded.digest == hub.digest(saved) == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert not any(module.training for module in loaded.network.modules())
    for name, value in critic().state_dict().items():
        other = loaded.network.state_dict()[name]
        assert other.dtype == value.dtype
        torch.testing.assert_close(other, value.half().to(value.dtype), rtol=0, atol=0)
    assert hub.read_recipe(saved) == RECIPE


def test_a_file_holds_half_floats_and_equal_bytes(saved: Path, tmp_path: Path) -> None:
    with safe_open(str(saved), framework="pt") as file:
        assert list(file.metadata()) == [hub.HEADER_KEY]
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118
    again = hub.save(critic(), tmp_path / "again.safetensors", dict(reversed(RECIPE.items())))
    assert again.read_bytes() == saved.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.safetensors", "critic.safetensors"]


def test_weights_beyond_half_floats_stay_whole_and_infinite_ones_are_refused(tmp_path: Path) -> None:
    network = critic()
    first = next(network.parameters())
    with torch.no_grad():
        first.view(-1)[0] = 1e6
    loaded = hub.load(hub.save(network, tmp_path / "large.safetensors", RECIPE))
    assert next(loaded.network.parameters()).view(-1)[0] == 1e6
    with torch.no_grad():
        first.view(-1)[0] = math.nan
    with pytest.raises(WeightsError, match="not finite"):
        hub.save(network, tmp_path / "broken.safetensors", RECIPE)
    assert not (tmp_path / "broken.safetensors").exists()


def test_interpolation_lies_between(saved: Path) -> None:
    one, two = critic(0), critic(1)
    for share in (0.0, 0.3, 1.0):
        mixed = hub.interpolate(one, two, share)
        for name, value in one.state_dict().items():
            torch.testing.assert_close(mixed[name], (1 - share) * value + share * two.state_dict()[name])
    critic().load_state_dict(hub.interpolate(one, two, 0.5))
    with pytest.raises(WeightsError, match="different shapes"):
        hub.interpolate(one, nn.Conv2d(3, 3, 3), 0.5)


@pytest.mark.parametrize("kept", [0, 4, 8, 100, 2000, -1, -1000])
def test_a_truncated_file_is_named(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(WeightsError, match=r"critic\.safetensors is no whole safetensors file"):
        hub.load(saved)


@pytest.mark.parametrize("content", [b"\x80\x04pickle" * 100, b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"PK\x03\x04" * 9])
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="safetensors file"):
        hub.load(path)


def test_a_missing_file_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no model") as caught:
        hub.load(tmp_path / "nowhere.safetensors")
    assert "name a file" in caught.value.remedy
    with pytest.raises(WeightsError, match="no model"):
        hub.load("restore-perfectly")


def test_a_header_does_not_tell_of_the_machine_it_was_made_on(tmp_path: Path) -> None:
    recipe = {**RECIPE, "recipe": {"data": [str(tmp_path / "photos")], "objective": {"masks": "/data/masks", "n": 1}}}
    path = hub.save(critic(), tmp_path / "critic.safetensors", recipe)
    assert hub.read_recipe(path)["recipe"] == {"data": ["photos"], "objective": {"masks": "masks", "n": 1}}
    assert str(tmp_path).encode() not in path.read_bytes()


def test_the_recipe_of_a_training_in_a_header_is_told_whatever_its_options_are_called_today(tmp_path: Path) -> None:
    trained = {"kind": "restore", "objective": {"learn": "decoder", "energy": True}, "train": {"images": 8}}
    loaded = hub.load(hub.save(critic(), tmp_path / "critic.safetensors", {**RECIPE, "recipe": trained}))
    assert loaded.recipe["recipe"] == trained


def written(path: Path, recipe: object, state: dict[str, torch.Tensor]) -> Path:
    save_file(state, path, metadata={hub.HEADER_KEY: json.dumps(recipe)})
    return path


def test_a_header_that_does_not_fit_is_told(tmp_path: Path) -> None:
    state = {name: one.clone() for name, one in critic().state_dict().items()}
    path = tmp_path / "x.safetensors"
    save_file(state, path)
    with pytest.raises(WeightsError, match="without a Vasari recipe"):
        hub.load(path)
    with pytest.raises(WeightsError, match="names no network"):
        hub.load(written(path, {"task": "restore"}, state))
    with pytest.raises(WeightsError, match="names no network"):
        hub.load(written(path, ["restore"], state))
    with pytest.raises(WeightsError, match="'nobody', which this version does not know"):
        hub.load(written(path, {"network": {"name": "nobody"}}, state))
    with pytest.raises(WeightsError, match="options that it does not have"):
        hub.load(written(path, {"network": {"name": "patch-critic", "options": {"depth": 99}}}, state))
    with pytest.raises(WeightsError, match="names no network"):
        hub.save(critic(), path, {"task": "critic"})


def test_tensors_that_do_not_fit_are_told(tmp_path: Path) -> None:
    state = {name: one.clone() for name, one in critic().state_dict().items()}
    first = next(iter(state))
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match=f"1 missing \\({first}\\)"):
        hub.load(written(path, RECIPE, {name: one for name, one in state.items() if name != first}))
    with pytest.raises(WeightsError, match="1 unknown"):
        hub.load(written(path, RECIPE, state | {"more": torch.zeros(1)}))
    with pytest.raises(WeightsError, match="1 of another shape"):
        hub.load(written(path, RECIPE, state | {first: torch.zeros(2, 3)}))
    with pytest.raises(WeightsError, match="not finite"):
        hub.load(written(path, RECIPE, state | {first: torch.full_like(state[first], math.nan)}))


def test_loading_draws_no_random_numbers(saved: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    hub.load(saved)
    assert torch.equal(torch.rand(2), expected)


def test_bundled_weights_are_held_against_their_digests(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "package"
    monkeypatch.setattr(model_files, "BUNDLED_FOLDER", folder)
    assert hub.bundled() == ()
    hub.add_bundled(saved, "small")
    hub.add_bundled(saved, "second")
    assert hub.bundled() == ("second", "small")
    assert hub.load("small").digest == hub.digest(saved) and hub.load("small").name == "small"
    hub.add_bundled(saved, "measured", {"metrics": {"psnr": 28.5}})
    assert hub.load("measured").recipe == {**RECIPE, "metrics": {"psnr": 28.5}}
    hub.save(critic(5), folder / "small.safetensors", RECIPE)
    with pytest.raises(WeightsError, match="not the one that was recorded"):
        hub.load("small")


@pytest.mark.parametrize("name", hub.bundled())
def test_what_comes_with_the_package_loads(name: str) -> None:
    loaded = hub.load(name)
    assert {"network", "task", "training_data"} <= set(loaded.recipe)


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nn.Module:
    """A critic that is bundled as "ground", in a folder of its own."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    monkeypatch.setattr(model_files, "BUNDLED_FOLDER", folder)
    network = critic()
    hub.add_bundled(hub.save(network, tmp_path / "first.safetensors", RECIPE), "ground")
    return hub.load("ground").network


def test_a_model_upon_another_holds_what_differs_and_comes_back_whole(ground: nn.Module, tmp_path: Path) -> None:
    changed = "layers.4.bias"
    with torch.no_grad():
        dict(ground.named_parameters())[changed].add_(0.5)
    recipe = {**RECIPE, "upon": hub.recorded("ground")}
    path = hub.save(ground, tmp_path / "upon.safetensors", recipe)
    with safe_open(str(path), framework="pt") as file:
        assert list(file.keys()) == [changed]
    loaded = hub.load(path)
    assert loaded.recipe == recipe
    for name, value in ground.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[name], value, rtol=0, atol=1e-3)
    assert not torch.equal(loaded.network.state_dict()[changed], hub.load("ground").network.state_dict()[changed])


def test_a_model_upon_one_that_is_gone_or_another_is_refused(ground: nn.Module, tmp_path: Path) -> None:
    path = hub.save(ground, tmp_path / "upon.safetensors", {**RECIPE, "upon": hub.recorded("ground")})
    hub.add_bundled(hub.save(critic(1), tmp_path / "second.safetensors", RECIPE), "ground")
    with pytest.raises(WeightsError, match="stands upon another ground"):
        hub.load(path)
    (model_files.BUNDLED_FOLDER / "ground.safetensors").unlink()
    with pytest.raises(WeightsError, match="not bundled"):
        hub.load(path)
