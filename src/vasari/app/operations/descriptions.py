"""Operations as programs and forms read them: the fields as JSON Schema."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from vasari.app.operations.operation import Operation
from vasari.app.operations.table import OPERATIONS

_TYPES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def described() -> list[dict[str, Any]]:
    """All operations with the JSON Schema of their fields."""
    return [description(name, operation) for name, operation in OPERATIONS.items()]


def description(name: str, operation: Operation) -> dict[str, Any]:
    """An operation as plain values."""
    fewest, most = operation.inputs
    return {
        "name": name,
        "title": operation.title,
        "help": operation.help,
        "role": operation.role.word,
        "inputs": {"fewest": fewest, "most": most},
        "references": [*operation.pictures, *operation.styles],
        "fields": schema_of(operation.fields, operation.forbidden),
    }


def schema_of(kind: type, left_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a plan: types, defaults, choices, ranges and help of its fields."""
    hints = typing.get_type_hints(kind)
    properties = {
        item.name: _property(item, hints[item.name]) for item in dataclasses.fields(kind) if item.name not in left_out
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _property(item: dataclasses.Field[Any], hint: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return {**schema_of(hint), "description": (hint.__doc__ or "").split("\n")[0]}
    rules = item.metadata
    bare, optional = _without_none(hint)
    one = bare
    if typing.get_origin(bare) is tuple:
        one = typing.get_args(bare)[0]
    value: dict[str, Any] = {"type": _TYPES.get(one, "string")}
    for rule in ("minimum", "maximum"):
        if rule in rules:
            value[rule] = rules[rule]
    if "choices" in rules:
        value["enum"] = list(rules["choices"])
    if typing.get_origin(bare) is tuple:
        value = {"type": "array", "items": value}
    if optional:
        value["type"] = [value["type"], "null"]
        if "enum" in value:
            value["enum"].append(None)
    default = list(item.default) if isinstance(item.default, tuple) else item.default
    return {**value, "default": default, "description": str(rules.get("help", ""))}


def _without_none(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType):
        return next(one for one in typing.get_args(hint) if one is not type(None)), True
    return hint, False
