"""Plans: frozen options with help and units; TOML in and out; the command line is derived from them."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import numbers
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from vasari.foundation.errors import PlanError

P = TypeVar("P")


def option(default: Any, help: str, **rules: Any) -> Any:
    """A field of a plan: its one default, its help with the unit, and its rules.

    Rules: `minimum`, `maximum` (numbers), `choices` (a tuple of strings). They are checked by
    `check`, shown in the help and in web forms.
    """
    metadata = {"help": help, **rules}
    if isinstance(default, (list, dict, set)):
        raise TypeError("a plan's defaults are immutable: use a tuple")
    return dataclasses.field(default=default, metadata=metadata)


def check(plan: Any) -> None:
    """Hold every field of a plan against its type, if it is of numbers, and its rules.

    Raises `PlanError` naming the option. A text is no number though it may read as one, nor are True and False.
    """
    numeric = _numeric_fields(type(plan))  # type: ignore[arg-type]  # classes are hashable, which mypy doubts
    for item in dataclasses.fields(plan):
        value, rules = getattr(plan, item.name), item.metadata
        if item.name in numeric:
            _check_numbers(item.name, value, numeric[item.name])
        values = value if isinstance(value, (tuple, list)) else (value,)
        for one in values:
            if "choices" in rules and one is not None and str(one) not in rules["choices"]:
                listed = ", ".join(rules["choices"])
                raise PlanError(f"{item.name}={one} is not known.", remedy=f"choose from: {listed}")
            # "not above" and not "below": NaN compares false with everything, and must not slip through.
            if isinstance(one, numbers.Real) and one != one:
                raise PlanError(f"{item.name}={one} is not a number.", remedy="give a number")
            if "minimum" in rules and one is not None and not one >= rules["minimum"]:
                raise PlanError(
                    f"{item.name}={one} is below {rules['minimum']}.", remedy=f"use {rules['minimum']} or more"
                )
            if "maximum" in rules and one is not None and not one <= rules["maximum"]:
                raise PlanError(
                    f"{item.name}={one} is above {rules['maximum']}.", remedy=f"use {rules['maximum']} or less"
                )


@dataclasses.dataclass(frozen=True)
class _Numbers:
    """What a field of numbers holds: int or float, in a tuple or a table or alone, and whether it may hold None."""

    kind: type
    within: type | None
    optional: bool


@functools.cache
def _numeric_fields(kind: type) -> Mapping[str, _Numbers]:
    """The fields of a plan that hold numbers."""
    hints = typing.get_type_hints(kind)
    found = ((item.name, _numbers_of(hints[item.name])) for item in dataclasses.fields(kind))
    return {name: one for name, one in found if one is not None}


def _numbers_of(hint: Any) -> _Numbers | None:
    """What a hint says of numbers: alone, or None, in a tuple, as the values of a table; None where it says nothing."""
    if hint in (int, float):
        return _Numbers(hint, None, False)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    kinds = [one for one in arguments if one not in (type(None), Ellipsis)]
    inner = _numbers_of(kinds[-1]) if kinds else None
    if inner is None:
        return None
    within = origin if origin in (tuple, dict) else inner.within
    return _Numbers(inner.kind, within, inner.optional or type(None) in arguments)


def _check_numbers(name: str, value: Any, wanted: _Numbers) -> None:
    """Raise `PlanError` where a field of numbers holds something else."""
    if value is None and wanted.optional:
        return
    listed: Iterable[tuple[str, Any]] = ((name, value),)
    if wanted.within is dict and isinstance(value, Mapping):
        listed = ((f"{name}.{key}", one) for key, one in value.items())
    elif wanted.within is tuple and isinstance(value, (tuple, list)):
        listed = ((name, one) for one in value)
    elif wanted.within is not None:
        expected, remedy = ("list", "write [a, b]") if wanted.within is tuple else ("table", "name each number")
        raise PlanError(f"{name}: got {value!r}, a {expected} was expected.", remedy=remedy)
    for called, one in listed:
        if isinstance(one, bool) or not isinstance(one, numbers.Real):
            raise PlanError(f"{called}={one!r} is not a number.", remedy="give a number")
        if wanted.kind is int and not isinstance(one, numbers.Integral):
            raise PlanError(f"{called}={one!r} is not a whole number.", remedy="give a whole number")


def to_dict(plan: Any) -> dict[str, Any]:
    """A plan as plain values (tables, lists, strings, numbers), in the order of its fields; None left out.

    Numbers come out as Python's own, and those of float fields as floats: equal plans are alike however they were made.
    """

    def plain(value: Any, kind: type | None) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return to_dict(value)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, (tuple, list)):
            return [plain(one, kind) for one in value]
        if isinstance(value, dict):
            return {key: plain(one, kind) for key, one in value.items()}
        return value if kind is None or value is None else kind(value)

    pairs = ((item.name, getattr(plan, item.name)) for item in dataclasses.fields(plan))
    numeric = _numeric_fields(type(plan))  # type: ignore[arg-type]  # as in `check`
    kinds = {name: one.kind for name, one in numeric.items()}
    return {name: plain(value, kinds.get(name)) for name, value in pairs if value is not None}


def from_dict(kind: type[P], values: dict[str, Any], *, where: str = "recipe") -> P:
    """A plan of `kind` from plain values; raises `PlanError` for an unknown key or a wrong type."""
    fields = {item.name: item for item in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise PlanError(f"{where}: unknown key {unknown[0]!r}.", remedy=f"use one of: {', '.join(sorted(fields))}")
    hints = typing.get_type_hints(kind)
    ready = {name: _convert(value, hints[name], f"{where}.{name}") for name, value in values.items()}
    plan = kind(**ready)
    check(plan)
    return plan


def _convert(value: Any, hint: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        hint = next(one for one in arguments if one is not type(None))
        return _convert(value, hint, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise PlanError(f"{where}: got {value!r}, a list was expected.", remedy="write [a, b]")
        return tuple(_convert(one, arguments[0], where) for one in value)
    if (origin is dict or dataclasses.is_dataclass(hint)) and not isinstance(value, dict):
        raise PlanError(f"{where}: got {value!r}, a table was expected.", remedy=f"write [{where}] and its keys below")
    if origin is dict:
        return {key: _convert(one, arguments[1], f"{where}.{key}") for key, one in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, where=where)
    return _convert_scalar(value, hint, where)


def _convert_scalar(value: Any, hint: Any, where: str) -> Any:
    if hint is bool and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    try:
        if isinstance(value, bool) != (hint is bool) and hint in (bool, int, float):
            raise ValueError
        if hint is int and isinstance(value, float) and value != int(value):
            raise ValueError
        return hint(value)
    except (TypeError, ValueError, OverflowError):
        raise PlanError(
            f"{where}: got {value!r}, {getattr(hint, '__name__', hint)} was expected.", remedy="correct the value"
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The table of a TOML file; raises `PlanError` where it is missing or malformed."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PlanError(f"There is no recipe {path}.", remedy="name a TOML file, or a recipe that ships") from None
    except OSError as error:
        raise PlanError(
            f"{path} cannot be read: {error.strerror or error}.", remedy="name a readable TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{path} is not TOML: {error}.", remedy="correct the file") from None


def with_settings(values: dict[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """The table with `a.b=value` settings laid over it; values are read as TOML, else as text."""
    merged = json.loads(json.dumps(values))
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator:
            raise PlanError(f"--set {setting} has no '='.", remedy="write --set losses.adversarial=0.1")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        *parents, last = key.strip().split(".")
        table = merged
        for parent in parents:
            table = table.setdefault(parent, {})
            if not isinstance(table, dict):
                raise PlanError(f"--set {setting}: {parent} is no table.", remedy="check the key's spelling")
        table[last] = value
    return merged


def digest(plan: Any) -> str:
    """SHA-256 of a plan's canonical JSON: equal plans, equal digests."""
    text = json.dumps(to_dict(plan), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
