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
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from cyclopts import Parameter

from vasari.foundation.errors import PlanError


@dataclasses.dataclass(frozen=True)
class PlanOptions:
    """A plan as options: `prefix` stands before each name, `defaults` are those that differ from the plan's own."""

    kind: type
    prefix: str = ""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def parameters(self, taken: Collection[str]) -> list[inspect.Parameter]:
        """An option for each field, but for those whose name a parameter of the command's own has."""
        shown = []
        for item, hint in _fields(self.kind):
            name = self.prefix + item.name
            if name not in taken:
                one = option_of(item, hint).replace(name=name)
                shown.append(one.replace(default=self.defaults.get(item.name, one.default)))
        return shown

    def plan(self, given: Mapping[str, Any]) -> Any:
        """The plan from what the command line gives, by the names of the options."""
        named = {item.name: self.prefix + item.name for item, _ in _fields(self.kind)}
        values = {name: given[option] for name, option in named.items() if option in given}
        return plan_from_options(self.kind, {**self.defaults, **values})


def with_plan(kind: type) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace the keyword `plan` of a command by the options of the plan `kind`, as `with_plans` does."""
    return with_plans(plan=kind)


def with_plans(**plans: type | PlanOptions) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Replace keywords of a command by one option for each field of the plans given for them.

    A field for which the command has a parameter of its own gets that one's value, and no option.
    """
    kinds = {name: plan if isinstance(plan, PlanOptions) else PlanOptions(plan) for name, plan in plans.items()}

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = inspect.signature(command, eval_str=True)
        shown = {name: kind.parameters(own.parameters) for name, kind in kinds.items()}
        names = {one.name for options in shown.values() for one in options}

        def run(*positional: Any, **options: Any) -> int:
            derived = {name: options.pop(name) for name in names & options.keys()}
            given = derived | own.bind_partial(*positional, **options).arguments
            made = {name: kind.plan(given) for name, kind in kinds.items()}
            return command(*positional, **made, **options)

        parameters = [one for name, own_one in own.parameters.items() for one in shown.get(name, [own_one])]
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
