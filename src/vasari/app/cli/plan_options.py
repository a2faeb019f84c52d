"""Options of a command derived from a plan: its fields, defaults, help and rules, written once.

    @with_plan(RestorePlan)
    def restore(*scans: str, output: str, plan: RestorePlan) -> int: ...

has `--vividness`, `--tone` ... in the place of `plan`.
"""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from vasari.foundation.errors import PlanError


def with_plan(kind: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace the keyword `plan` of a command by one option for each field of the plan `kind`.

    A field for which the command has a parameter of its own gets that one's value, and no option.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True)
        fields = _fields(kind)
        shown = [(item, hint) for item, hint in fields if item.name not in own.parameters]
        names = {item.name for item, _ in fields}

        def run(*positional: Any, **options: Any) -> int:
            values = {item.name: options.pop(item.name) for item, _ in shown if item.name in options}
            given = own.bind_partial(*positional, **options).arguments
            values |= {name: value for name, value in given.items() if name in names}
            return command(*positional, plan=plan_from_options(kind, values), **options)

        parameters = [one for name, one in own.parameters.items() if name != "plan"]
        parameters += [option_of(item, hint) for item, hint in shown]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__doc__, run.__name__ = command.__doc__, command.__name__
        return run

    return decorate


def plan_from_options(kind: type, values: dict[str, Any]) -> Any:
    """The plan from values as the command line gives them; lists may be texts with commas."""
    ready = dict(values)
    for item, hint in _fields(kind):
        if item.name in ready and _is_list(hint):
            ready[item.name] = _listed(ready[item.name], hint)
    return kind(**ready)


def _listed(value: Any, hint: Any) -> tuple[Any, ...]:
    """The elements of a list, numbers where the field holds numbers; raises `PlanError`."""
    parts = [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else list(value)
    element = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else str
    try:
        return tuple(element(one) for one in parts)
    except ValueError:
        raise PlanError(
            f"{value} is not a list of numbers.", remedy="write numbers separated by commas, as 1,2,3"
        ) from None


def option_of(item: dataclasses.Field[Any], hint: Any) -> inspect.Parameter:
    """One keyword of a command for one field: its help with the choices and the range, its default."""
    default: Any = item.default
    if _is_list(hint):
        default = ",".join(str(one) for one in default)
    shown: Any = str if _is_list(hint) else hint
    annotation = Annotated[
        shown,
        Parameter(help=describe(item), negative=(), show_default=default is not None and default is not False),
    ]
    return inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def describe(item: dataclasses.Field[Any]) -> str:
    """The help of a field, with its choices where the text does not name them all."""
    text = str(item.metadata.get("help", ""))
    choices = item.metadata.get("choices", ())
    if any(one not in text for one in choices):
        text += f" ({', '.join(choices)})"
    return text


def _fields(kind: type) -> list[tuple[dataclasses.Field[Any], Any]]:
    hints = typing.get_type_hints(kind)
    return [(item, hints[item.name]) for item in dataclasses.fields(kind)]


def _is_list(hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_is_list(one) for one in typing.get_args(hint))
    return typing.get_origin(hint) is tuple
