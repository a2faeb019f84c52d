"""A recognizer as one `.safetensors` file: its network, its training pictures' features, and a header; no pickle.

The header's entry "vasari" holds `network` (name and options), `task`, `recognizer` (classes, method, temperature,
thresholds) and the facts of the card. The tensor `examples` holds the training pictures by name, label, artist and
content hash as JSON in UTF-8: two entries of a header come in any order, and equal recognizers are to be equal files.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as to_safetensors
from torch import Tensor

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WeightsError
from vasari.foundation.version import VERSION
from vasari.models import hub
from vasari.models.cards import NETWORKS
from vasari.models.model_files import find, read

if TYPE_CHECKING:
    from vasari.tasks.recognize.recognizer import Recognizer

NETWORK = "picture-classifier"
LAYOUT = 1  # of the file; another one is not read


def network_header(options: dict[str, Any]) -> dict[str, Any]:
    """What a header says of the network, so that it can be built again."""
    return {"name": NETWORK, "options": options}


def save(recognizer: Recognizer, path: str | Path) -> Path:
    """Write a recognizer whole or not at all; raises `WriteError`."""
    state = {f"network/{name}": _compact(one) for name, one in recognizer.network.state_dict().items()}
    state["evidence"] = _compact(recognizer.evidence)
    facts = dict(recognizer.facts)
    header = {
        "network": facts.pop("network"),
        "task": "recognize",
        "version": VERSION,
        "recognizer": {
            "layout": LAYOUT,
            "method": recognizer.method,
            "classes": list(recognizer.classes),
            "px": recognizer.px,
            "neighbors": recognizer.neighbors,
            "temperature": recognizer.temperature,
            "threshold": recognizer.threshold,
            "novelty": recognizer.novelty,
        },
        **facts,
    }
    examples = _text([asdict(one) for one in recognizer.examples]).encode()
    state["examples"] = torch.frombuffer(bytearray(examples), dtype=torch.uint8)
    return write_whole(Path(path), to_safetensors(state, metadata={hub.HEADER_KEY: _text(header)}))


def load(path: str | Path) -> Recognizer:
    """Read what `save` wrote; raises `WeightsError` for anything else."""
    from vasari.tasks.recognize.recognizer import Example, Recognizer

    file = find(path)
    header = hub.read_recipe(file)
    about = header.pop("recognizer", None)
    if header.get("task") != "recognize" or not isinstance(about, dict) or about.get("layout") != LAYOUT:
        raise WeightsError(
            f"{file.name} is no recognizer of this version.",
            remedy="name a file that `vasari recognize train -o FILE` wrote, or train it again",
        )
    try:
        state = from_safetensors(read(file))
        examples = json.loads(state["examples"].numpy().tobytes())
        with torch.random.fork_rng(devices=[]):
            network = NETWORKS[NETWORK].build(**header["network"]["options"])
        weights = {name.removeprefix("network/"): one for name, one in state.items() if name.startswith("network/")}
        hub.load_state(network, weights, file.name)
        found = Recognizer(
            network=network.eval().requires_grad_(False),  # type: ignore[arg-type]
            classes=tuple(str(one) for one in about["classes"]),
            method=str(about["method"]),
            px=int(about["px"]),
            evidence=state["evidence"].float(),
            examples=tuple(Example(**one) for one in examples),
            neighbors=int(about["neighbors"]),
            temperature=float(about["temperature"]),
            threshold=float(about["threshold"]),
            novelty=float(about["novelty"]),
            facts={name: one for name, one in header.items() if name not in ("task", "version")},
        )
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{file.name} is a damaged recognizer: {error}.", remedy="train it again") from error
    if len(found.evidence) != len(found.examples) or network.head.out_features != len(found.classes):  # type: ignore
        raise WeightsError(f"{file.name} is a damaged recognizer: its parts differ in number.", remedy="train it again")
    return found


def _text(values: Any) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _compact(value: Tensor) -> Tensor:
    """As float16 where that loses nothing, so that a loaded recognizer answers as the saved one did."""
    if not value.is_floating_point():
        return value.contiguous()
    half = value.to(torch.float16)
    return (half if torch.equal(half.to(value.dtype), value) else value).contiguous().clone()
