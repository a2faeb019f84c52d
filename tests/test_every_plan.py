"""All plans alike: options that hold numbers take numbers, and nothing that only looks like one."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import typing
from pathlib import Path
from typing import Any

import pytest

from vasari.foundation import devices
from vasari.foundation.errors import PlanError
from vasari.foundation.image_formats import FORMATS
from vasari.tasks import shared_options

SOURCE = Path(__file__).resolve().parents[1] / "src"
NO_NUMBERS = ("1", "", True, False)


def _plans_of(path: Path) -> list[tuple[str, str]]:
    """(module, class) of each class in a file that has an `option`."""
    module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    classes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]
    return [(module, one.name) for one in classes if any(_is_option(line) for line in one.body)]


def _is_option(line: ast.stmt) -> bool:
    called = line.value.func if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "option"


PLANS = sorted(one for path in SOURCE.rglob("*.py") for one in _plans_of(path))


def _of_numbers(hint: Any) -> bool:
    return hint in (int, float) or any(_of_numbers(one) for one in typing.get_args(hint))


@pytest.mark.parametrize(("module", "name"), PLANS)
def test_options_of_numbers_refuse_texts_and_booleans(module: str, name: str) -> None:
    kind = getattr(importlib.import_module(module), name)
    hints = typing.get_type_hints(kind)
    for item in dataclasses.fields(kind):
        if not _of_numbers(hints[item.name]):
            continue
        for given in NO_NUMBERS:
            wrong = {tuple: (given,), dict: {"one": given}}.get(typing.get_origin(hints[item.name]), given)
            with pytest.raises(PlanError, match=rf"^{item.name}(\.one)?={given!r} is not a number") as refused:
                kind(**{item.name: wrong})
            assert refused.value.remedy == "give a number"


def test_all_plans_are_found() -> None:
    names = {name for _, name in PLANS}
    assert {"RestorePlan", "StylizePlan", "ColorizePlan", "TrainPlan", "Settings", "CriticPlan"} <= names


def test_shared_options_name_what_a_machine_can_be_asked_for() -> None:
    assert (shared_options.DEVICES, shared_options.PRECISIONS) == (devices.DEVICES, devices.PRECISIONS)
    assert set(shared_options.PICTURE_FORMATS) == {one.written_as for one in FORMATS.values()}
