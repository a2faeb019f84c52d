"""A folder has one holder; a file system without locks is not taken for another process."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from vasari.foundation.errors import PlanError, WriteError
from vasari.foundation.folder_locks import held

TAKEN = PlanError("taken", remedy="wait")


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "made" / "lock"
    with (
        held(lock, taken=TAKEN, unusable=WriteError, called="it"),
        pytest.raises(PlanError, match="taken"),
        held(lock, taken=TAKEN, unusable=WriteError, called="it"),
    ):
        pass
    with held(lock, taken=TAKEN, unusable=WriteError, called="it"):
        pass


def test_a_file_system_without_locks_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(WriteError, match="it cannot be used: No locks available"),
        held(tmp_path / "lock", taken=TAKEN, unusable=WriteError, called="it"),
    ):
        pass
