"""Weights: one `.safetensors` file a model, whose header says which network it is and how it was made.

The header holds one entry, "vasari": JSON with at least `network` (`name` in `models.cards.NETWORKS`, and
`options`), and by convention `task`, `training_data` with licenses, `metrics` with protocol, `version`. A model that
was trained on from a bundled one in some parts alone names it under `upon` (`name`, `sha256`), and holds those parts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WeightsError
from vasari.models import model_files
from vasari.models.model_files import DIGESTS_FILE, HEADER_KEY, bundled, digest, find, read

__all__ = [
    "HEADER_KEY",
    "Loaded",
    "add_bundled",
    "bundled",
    "digest",
    "find",
    "interpolate",
    "load",
    "load_state",
    "portable",
    "read_recipe",
    "recorded",
    "save",
]

HIGHEST_HALF = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class Loaded:
    """A network in evaluation mode, float32 on the CPU, with its recipe, name and SHA-256 digest (hex)."""

    network: nn.Module
    recipe: dict[str, Any]
    name: str
    digest: str


def load(name_or_path: str | Path) -> Loaded:
    """The model of a bundled name, a `.safetensors` file, or an address with its digest (see `downloads`).

    Raises `WeightsError` where it is missing, damaged, of an unknown network or of other shapes, and where it stands
    upon a model that is not there; there is no fallback to random weights.
    """
    path = find(name_or_path)
    data = read(path)
    recipe = _header(data, path)
    network = _build(recipe, path)
    load_state(network, {**_ground(recipe, path), **_tensors(data, path)}, path.name)
    return Loaded(network.eval(), recipe, path.stem, hashlib.sha256(data).hexdigest())


def save(network: nn.Module, path: str | Path, recipe: Mapping[str, Any]) -> Path:
    """Write the network's state as float16 with `recipe` in the header; equal states give equal bytes.

    Tensors beyond float16's range stay float32; absolute paths in the recipe keep their last part alone, since a
    file that travels should not tell of the machine it was made on. With `upon` in the recipe only the tensors that
    differ from that model's are written. Raises `WeightsError` where a weight is not finite or the recipe names no
    network.
    """
    if not isinstance(recipe.get("network"), Mapping) or "name" not in recipe["network"]:
        raise WeightsError("The recipe names no network.", remedy='give {"network": {"name": ..., "options": {...}}}')
    state = {name: _compact(name, value) for name, value in network.state_dict().items()}
    ground = _ground(recipe, Path(path))
    return _write(
        Path(path),
        {name: one for name, one in state.items() if name not in ground or not torch.equal(one, ground[name])},
        recipe,
    )


def recorded(name: str) -> dict[str, str]:
    """A bundled model as `upon` in a recipe names it: its name and its SHA-256 digest (hex)."""
    return {"name": name, "sha256": digest(find(name))}


def read_recipe(name_or_path: str | Path) -> dict[str, Any]:
    """The recipe in the header of a model, without building the network."""
    path = find(name_or_path)
    return _header(read(path), path)


def interpolate(first: nn.Module, second: nn.Module, share: float) -> dict[str, Tensor]:
    """The state (1 - share) × first + share × second of two networks of one shape; share 0..1.

    Interpolated weights of networks fine-tuned from one another behave like something between them
    (Wang et al. 2019, Deep Network Interpolation, equation 1). Integers come from the nearer one.
    """
    one, two = first.state_dict(), second.state_dict()
    if {name: value.shape for name, value in one.items()} != {name: value.shape for name, value in two.items()}:
        raise WeightsError(
            "The two models are of different shapes and cannot be interpolated.",
            remedy="name two weights of the same network",
        )
    nearer = two if share > 0.5 else one
    return {
        name: torch.lerp(one[name], two[name], share) if one[name].is_floating_point() else nearer[name].clone()
        for name in one
    }


def load_state(network: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load `state` strictly, floats as the network's; raises `WeightsError` telling what does not fit."""
    mine = network.state_dict()
    missing, unknown = sorted(set(mine) - set(state)), sorted(set(state) - set(mine))
    misshapen = [key for key in mine if key in state and mine[key].shape != state[key].shape]
    if missing or unknown or misshapen:
        kinds = ((missing, "missing"), (unknown, "unknown"), (misshapen, "of another shape"))
        found = [f"{len(names)} {kind} ({names[0]})" for names, kind in kinds if names]
        raise WeightsError(
            f"{name} does not fit the network its header names: tensors {', '.join(found)}.",
            remedy="use a file of this version of the network, or train it anew",
        )
    infinite = [key for key, one in state.items() if one.is_floating_point() and not bool(torch.isfinite(one).all())]
    if infinite:
        raise WeightsError(f"{name}: the weight {infinite[0]} is not finite.", remedy="use another file of this model")
    network.load_state_dict({key: one.to(mine[key].dtype) for key, one in state.items()})


def add_bundled(path: str | Path, name: str, changes: Mapping[str, Any] | None = None) -> Path:
    """Put a weights file into the package as `name` and record its digest (for maintainers).

    `changes` replace entries of its recipe: the measured `metrics`, say, with their protocol.
    """
    source = Path(path)
    data = read(source)
    state = from_safetensors(data)
    folder = model_files.BUNDLED_FOLDER
    target = _write(folder / f"{name}.safetensors", state, {**_header(data, source), **(changes or {})})
    lines = [f"{digest(one)}  {one.name}\n" for one in sorted(folder.glob("*.safetensors"))]
    write_whole(folder / DIGESTS_FILE, "".join(lines).encode())
    return target


def portable(value: Any) -> Any:
    """The plain value with every absolute path in it cut to its last part."""
    if isinstance(value, Mapping):
        return {key: portable(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [portable(one) for one in value]
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value).name
    return value


def _write(path: Path, state: Mapping[str, Tensor], recipe: Mapping[str, Any]) -> Path:
    header = json.dumps(portable(recipe), sort_keys=True, ensure_ascii=False)
    return write_whole(path, to_safetensors(dict(state), metadata={HEADER_KEY: header}))


def _ground(recipe: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The tensors of the bundled model that the one of `recipe` stands upon; none where it stands alone."""
    upon = recipe.get("upon")
    if upon is None:
        return {}
    if not isinstance(upon, Mapping) or upon.get("name") not in bundled():
        raise WeightsError(
            f"{path.name} stands upon the model {upon!r}, which is not bundled.",
            remedy="use it with the version of Vasari that it was made for",
        )
    below = find(upon["name"])
    if digest(below) != upon.get("sha256"):
        raise WeightsError(
            f"{path.name} stands upon another {upon['name']} than the one that is bundled.",
            remedy="use it with the version of Vasari that it was made for, or train it anew",
        )
    return _tensors(read(below), below)


def _tensors(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        return dict(from_safetensors(data))
    except SafetensorError as error:
        raise _damaged(path, str(error)) from error


def _compact(name: str, value: Tensor) -> Tensor:
    value = value.detach().cpu()
    if value.is_floating_point():
        if not bool(torch.isfinite(value).all()):
            raise WeightsError(f"The weight {name} is not finite.", remedy="go back to an earlier checkpoint")
        if value.numel() == 0 or float(value.abs().max()) <= HIGHEST_HALF:
            value = value.to(torch.float16)
    return value.contiguous().clone()


def _header(data: bytes, path: Path) -> dict[str, Any]:
    """The "vasari" entry of a safetensors header: 8 bytes of length, little-endian, then JSON."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise _damaged(path, "the header is cut short")
    try:
        header = json.loads(data[8 : 8 + length])
        metadata = header.get("__metadata__", {})
    except (ValueError, AttributeError) as error:
        raise _damaged(path, "the header is not JSON") from error
    if not isinstance(metadata, dict) or HEADER_KEY not in metadata:
        raise WeightsError(
            f"{path} is a safetensors file without a Vasari recipe.",
            remedy="use weights saved by Vasari; weights of other programs are imported with `vasari models import`",
        )
    try:
        recipe = json.loads(metadata[HEADER_KEY])
        if isinstance(recipe["network"]["name"], str):
            return dict(recipe)
    except (ValueError, KeyError, TypeError):
        pass
    raise _damaged(path, "its recipe names no network")


def _build(recipe: Mapping[str, Any], path: Path) -> nn.Module:
    from vasari.models.cards import NETWORKS

    name, options = recipe["network"]["name"], recipe["network"].get("options", {})
    if name not in NETWORKS:
        raise WeightsError(
            f"{path.name} is for the network {name!r}, which this version does not know.",
            remedy=f"update Vasari; it knows: {', '.join(sorted(NETWORKS))}",
        )
    try:
        # Building draws first weights; the caller's random numbers are none of its business.
        with torch.random.fork_rng(devices=[]):
            return NETWORKS[name].build(**options)
    except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RuntimeError, MemoryError) as error:
        raise WeightsError(
            f"{path.name} asks {name} for options that it does not have: {error}.",
            remedy="use a file of this version of Vasari",
        ) from error


def _damaged(path: Path, why: str) -> WeightsError:
    return WeightsError(
        f"{path} is no whole safetensors file: {why}.", remedy="fetch the file again and compare its digest"
    )
