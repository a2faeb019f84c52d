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


def with_plan(kind: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace the keyword `plan` of a command by one option for each field of the plan `kind`."""

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True)
        names = {item.name for item in dataclasses.fields(kind)}

        def run(*positional: Any, **options: Any) -> int:
            values = {name: options.pop(name) for name in names & set(options)}
            return command(*positional, plan=plan_from_options(kind, values), **options)

        parameters = [one for name, one in own.parameters.items() if name != "plan"]
        parameters += [option_of(item, hint) for item, hint in _fields(kind)]
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        run.__doc__, run.__name__ = command.__doc__, command.__name__
        return run

    return decorate


def plan_from_options(kind: type, values: dict[str, Any]) -> Any:
    """The plan from values as the command line gives them; lists are texts with commas."""
    ready = dict(values)
    for item, hint in _fields(kind):
        if item.name in ready and _is_list(hint):
            ready[item.name] = tuple(one.strip() for one in str(ready[item.name]).split(",") if one.strip())
    return kind(**ready)


def option_of(item: dataclasses.Field[Any], hint: Any) -> inspect.Parameter:
    """One keyword of a command for one field: its help with the choices and the range, its default."""
    default: Any = item.default
    if _is_list(hint):
        default = ",".join(default)
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
