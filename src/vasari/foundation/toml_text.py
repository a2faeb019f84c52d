"""Plain values as TOML text: the other direction of `tomllib`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from vasari.foundation.errors import PlanError


def to_toml(values: Mapping[str, Any]) -> str:
    """TOML text that `tomllib.loads` reads back as `values` (tables, lists, text, numbers, booleans; None left out)."""
    return "\n".join(_lines(values, ())).strip() + "\n"


def _lines(table: Mapping[str, Any], parents: tuple[str, ...]) -> list[str]:
    simple = {key: one for key, one in table.items() if not isinstance(one, Mapping) and one is not None}
    tables = {key: one for key, one in table.items() if isinstance(one, Mapping)}
    lines = [f"{_key(key)} = {_value(one)}" for key, one in simple.items()]
    for key, one in tables.items():
        here = (*parents, key)
        lines += ["", f"[{'.'.join(_key(part) for part in here)}]", *_lines(one, here)]
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in value.items()) + "}"
    raise PlanError(f"{value!r} has no form in TOML.", remedy="use text, numbers, lists or tables")
