"""What the tests of the tasks share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def toys() -> ModuleType:
    """The module of the toy objectives, `toy_objectives.py`."""
    spec = importlib.util.spec_from_file_location("toy_objectives", Path(__file__).parent / "toy_objectives.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toy_objectives"] = module
    spec.loader.exec_module(module)
    return module
