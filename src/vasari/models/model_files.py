"""Where models lie: the bundled ones, paths, addresses; each bundled file is held against its recorded digest.

Imports no torch, so that a batch that has nothing left to do knows it quickly.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from vasari.foundation.errors import WeightsError
from vasari.models import downloads

BUNDLED_FOLDER = Path(__file__).parent / "weights"
DIGESTS_FILE = "SHA256SUMS"
# Where a model keeps its recipe.
HEADER_KEY = "vasari"
# Where a saved style keeps its encoder and its facts.
STYLE_HEADER = "vasari-style"


def bundled() -> tuple[str, ...]:
    """The names of the models that came with the package."""
    return tuple(sorted(path.stem for path in BUNDLED_FOLDER.glob("*.safetensors")))


def find(name_or_path: str | Path) -> Path:
    """The file of a bundled name, a path or an address; what is bundled or downloaded is held against its digest.

    Raises `WeightsError` where there is none, or it is another than the recorded one.
    """
    text = str(name_or_path)
    if text in bundled():
        path = BUNDLED_FOLDER / f"{text}.safetensors"
        _check_recorded(path)
        return path
    if downloads.is_address(text):
        return downloads.fetched(text)
    path = Path(text).expanduser()
    if not path.is_file():
        names = ", ".join(bundled()) or "none"
        raise WeightsError(f"There is no model {text!r}.", remedy=f"name a file, or a bundled model: {names}")
    return path


def read(path: Path) -> bytes:
    """The bytes of a model's file; raises `WeightsError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror or error}.", remedy="name a readable .safetensors file"
        ) from error


def header_entry(data: bytes, key: str) -> dict[str, Any]:
    """The JSON table under a key of a safetensors file's metadata; raises ValueError, KeyError or TypeError."""
    length = int.from_bytes(data[:8], "little")
    found = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][key])
    if not isinstance(found, dict):
        raise TypeError(f"{key} holds no table.")
    return found


def digest(path: str | Path) -> str:
    """SHA-256 of a file, hex."""
    return hashlib.sha256(read(Path(path))).hexdigest()


def _check_recorded(path: Path) -> None:
    sums = BUNDLED_FOLDER / DIGESTS_FILE
    lines = sums.read_text(encoding="utf-8").splitlines() if sums.exists() else []
    recorded = {name: value for value, _, name in (line.partition("  ") for line in lines)}
    if recorded.get(path.name) != digest(path):
        raise WeightsError(
            f"The bundled model {path.stem} is not the one that was recorded in {DIGESTS_FILE}.",
            remedy="reinstall Vasari (maintainers: add weights with `models.hub.add_bundled`)",
        )
