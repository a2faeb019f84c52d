"""The archives made up for the benchmarks, whose truth is known."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="session")
def archives() -> ModuleType:
    """The module that makes them, `benchmarks/made_archives.py`."""
    spec = importlib.util.spec_from_file_location("made_archives", BENCHMARKS / "made_archives.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)  # its dataclass asks for the module by name
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def made_archive(archives: ModuleType) -> Callable:
    """`make_archive(seed, **options)`."""
    return archives.make_archive
