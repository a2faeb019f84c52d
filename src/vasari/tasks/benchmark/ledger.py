"""Scores as they come, a line each, so that a killed run goes on where it was.

DIR/scores.jsonl: {"key": SHA-256 of case, method and measure, "scores": {...}} or {"key": ..., "failed": "why"}. What a
killed process left half written is cut off.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from vasari.foundation.errors import WriteError
from vasari.tasks.evaluate.outcome import plain

Entry = dict[str, Any]


class Ledger:
    """What was measured, by key; a context that writes each entry at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Entry] = {}

    def __enter__(self) -> Ledger:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("a+b")
            self._read()
        except OSError as error:
            raise _unusable(self.path, error) from error
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def get(self, key: str) -> Entry | None:
        """The entry of a key, or None."""
        return self.entries.get(key)

    def put(self, key: str, scores: dict[str, float] | None, failed: str = "") -> Entry:
        """Write an entry; raises `WriteError`."""
        entry: Entry = {"scores": scores} if scores is not None else {"failed": failed}
        try:
            self.file.write((json.dumps({"key": key, **plain(entry)}) + "\n").encode())
            self.file.flush()
        except OSError as error:
            raise _unusable(self.path, error) from error
        self.entries[key] = entry
        return entry

    def _read(self) -> None:
        self.file.seek(0)
        data = self.file.read()
        whole = data.rfind(b"\n") + 1
        self.file.truncate(whole)
        for line in data[:whole].splitlines():
            try:
                found = json.loads(line)
                key = found.pop("key")
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
            if found.get("scores") is not None:
                found["scores"] = {name: math.nan if one is None else one for name, one in found["scores"].items()}
            self.entries[key] = found


def key_of(*parts: str) -> str:
    """SHA-256 of texts, hex."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _unusable(path: Path, error: OSError) -> WriteError:
    return WriteError(
        f"{path} cannot be written: {error.strerror or error}.", remedy="name another folder with --output"
    )
