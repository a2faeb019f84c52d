"""The folder of a training run: recipe, log, pictures, and checkpoints that are whole or not there.

RUN/recipe.toml                              what was asked for, in full
RUN/log.jsonl                                a line per log interval and per validation
RUN/tensorboard/                             the same as curves, with the extra `training`
RUN/pictures/000120000-pairs.png             grids of the validation
RUN/checkpoints/last-000120000.safetensors   all that resuming needs; the two newest are kept
RUN/best.safetensors, RUN/last.safetensors   weights to ship (see `models.hub`)
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor

from vasari.foundation.atomic_files import remove_leftovers, write_whole
from vasari.foundation.errors import TrainingError
from vasari.foundation.folder_locks import held
from vasari.foundation.toml_text import to_toml

CHECKPOINTS_KEPT = 2


@dataclass(frozen=True)
class Checkpoint:
    """All that resuming needs: tensors by name, and plain `facts` (counters, digest of the recipe)."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the recipe it belongs to; nothing is written before `begin`."""

    path: Path
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def begin(self, recipe: Mapping[str, Any]) -> None:
        """Make the folder and write `recipe.toml`."""
        (self.path / "checkpoints").mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.path)
        remove_leftovers(self.path / "checkpoints")
        write_whole(self.path / "recipe.toml", to_toml(recipe).encode())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training in this folder; the system frees it when this one dies."""
        taken = TrainingError(
            f"Another process is training in {self.path}.", remedy="wait for it, or name another folder"
        )
        called = f"The run's folder {self.path}"
        with held(self.path / ".lock", taken=taken, unusable=TrainingError, called=called):
            yield

    @property
    def is_used(self) -> bool:
        """True where a run has begun in this folder."""
        return (self.path / "recipe.toml").exists() or bool(self.checkpoints())

    def refuse_used(self, resume: bool) -> None:
        """Raise `TrainingError` where a run has begun in this folder that is not to be gone on with."""
        if self.is_used and not resume:
            raise TrainingError(
                f"{self.path} already holds a run.", remedy="add --resume to go on with it, or name a new folder"
            )

    def checkpoints(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted((self.path / "checkpoints").glob("last-*.safetensors"))

    def write_checkpoint(self, images_seen: int, checkpoint: Checkpoint) -> Path:
        """Write atomically, then delete all but the newest `CHECKPOINTS_KEPT`."""
        data = to_safetensors(checkpoint.tensors, metadata={"vasari": json.dumps(checkpoint.facts)})
        path = write_whole(self.path / "checkpoints" / f"last-{images_seen:012d}.safetensors", data)
        for old in self.checkpoints()[:-CHECKPOINTS_KEPT]:
            old.unlink(missing_ok=True)
        return path

    def read_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint, or None; raises `TrainingError` where it is damaged."""
        paths = self.checkpoints()
        return read_checkpoint(paths[-1]) if paths else None

    def log(self, record: Mapping[str, Any]) -> None:
        """Append a line to `log.jsonl`."""
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()

    def read_log(self) -> list[dict[str, Any]]:
        """The lines of `log.jsonl`; a last line cut by a kill is left out."""
        path = self.path / "log.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def cut_log(self, images_seen: int) -> None:
        """Drop the lines that were logged after the checkpoint at `images_seen`."""
        kept = [one for one in self.read_log() if one["images_seen"] <= images_seen]
        write_whole(self.path / "log.jsonl", "".join(json.dumps(one) + "\n" for one in kept).encode())

    def write_picture(self, name: str, pixels: np.ndarray) -> Path:
        """Write uint8 `pixels` [rows, columns, 3] as `pictures/NAME.png`."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="PNG")
        return write_whole(self.path / "pictures" / f"{name}.png", buffer.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """A checkpoint's tensors (on the CPU) and facts; raises `TrainingError` where the file is damaged."""
    try:
        with safe_open(os.fspath(path), framework="pt") as file:
            facts = json.loads((file.metadata() or {})["vasari"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise TrainingError(
            f"The checkpoint {path} cannot be read: {error}.",
            remedy="delete that file and resume: the run goes on from the checkpoint before it",
        ) from error
    return Checkpoint(tensors, facts)


def differences(former: Mapping[str, Any], asked: Mapping[str, Any], free: Collection[str]) -> list[str]:
    """What differs between two recipes, as "train.batch was 16, is 32"; the names in `free` may differ."""
    before, now = _flat(former), _flat(asked)
    names = [name for name in sorted({*before, *now}) if name not in free]
    return [f"{name} was {before.get(name)}, is {now.get(name)}" for name in names if before.get(name) != now.get(name)]


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found
