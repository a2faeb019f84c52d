"""From what somebody asks for to an order of the queue, all checked; and from a job back to a plan and files."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vasari.app.operations.operation import Advance, Errand, Operation
from vasari.app.operations.references import Places, Reference, named, referred, weighted
from vasari.app.operations.table import operation_of
from vasari.archive.workbench.jobs import ATTEMPTS_ALLOWED, Job, Order, key_of
from vasari.archive.workbench.roles import Role
from vasari.foundation.errors import PlanError, VasariError
from vasari.foundation.plans import from_dict, to_dict
from vasari.foundation.version import VERSION
from vasari.models import model_files

#: Not a field of any plan: whether results are put into the archive as derivatives.
ADD_TO_ARCHIVE = "add_to_archive"

_Teller = Callable[[str, Callable[[Reference], str], str], str]


class ForbiddenError(VasariError):
    """An order from somebody whose role is too low for it."""


def order_of(
    name: str,
    values: Mapping[str, Any],
    inputs: Sequence[str],
    places: Places,
    *,
    owner: str = "",
    role: Role = Role.ADMIN,
    priority: int = 0,
    add_to_archive: bool = False,
) -> Order:
    """The order for an operation with its fields as plain values and references as inputs.

    Raises `PlanError` for what cannot be carried out, `ArchiveError` for a reference that leads nowhere,
    `ForbiddenError` for a role that is too low.
    """
    operation = operation_of(name)
    if role < operation.role:
        raise ForbiddenError(f"{operation.title!r} is for the role {operation.role.word}.", remedy="ask an admin")
    operation.count(len(inputs))
    taken = [referred(one, "inputs") for one in inputs]
    for one in taken:
        if one.kind == "file" and role < Role.EDITOR:
            raise ForbiddenError("Files are for the role editor.", remedy="ask an admin")
    found = places.found(taken)
    files = [{"reference": str(one), "name": file.path.name} for one, file in zip(taken, found, strict=True)]
    plan = filled(operation, values, places)
    kept = {**to_dict(plan), **_as_asked(operation, values)}
    digested = {**to_dict(plan), **_told(operation, values, places.content)}
    contents = [f"{file.content} {file.path.name}" for file in found]  # results are called after their inputs
    nonce = secrets.token_hex(16) if operation.repeats else ""
    whole = json.dumps([digested, add_to_archive, nonce], sort_keys=True)
    key = key_of(name, contents, hashlib.sha256(whole.encode()).hexdigest(), _models(operation, plan))
    more = {ADD_TO_ARCHIVE: True} if add_to_archive else {}
    return Order(name, key, {**kept, **more}, files, owner, priority, ATTEMPTS_ALLOWED)


def filled(operation: Operation, values: Mapping[str, Any], places: Places) -> Any:
    """The plan of values, with paths where references stood; raises as `order_of`."""
    known = {item.name for item in dataclasses.fields(operation.fields)}
    given = {name: value for name, value in values.items() if value is not None}
    for name in operation.forbidden:
        if given.get(name):
            raise PlanError(f"{name} is not for the workbench.", remedy="leave it out")
    for name in (*operation.models, "format") if "format" in known else operation.models:
        if not isinstance(given.get(name, ""), str):
            raise PlanError(f"{name} is no text.", remedy="correct the value")
    ready = {**given, **_told(operation, given, lambda one: str(places.path(one)))}
    return from_dict(operation.fields, ready, where="fields")


def errand_of(job: Job, output: Path, places: Places, advance: Advance) -> tuple[Operation, Errand]:
    """What a worker is to do for a job; raises `PlanError`, `ArchiveError` where a file is gone by now."""
    operation = operation_of(job.operation)
    values = {name: value for name, value in job.fields.items() if name != ADD_TO_ARCHIVE}
    plan = filled(operation, values, places)
    inputs = [file.path for file in places.found([referred(one["reference"], "inputs") for one in job.inputs])]
    return operation, Errand(plan, inputs, output, places, advance, job.owner)


def _as_asked(operation: Operation, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that hold references, as they were given: paths are another machine's."""
    names = (*operation.pictures, *operation.styles, *operation.models)
    return {name: values[name] for name in names if values.get(name)}


def _told(operation: Operation, values: Mapping[str, Any], tell: Callable[[Reference], str]) -> dict[str, Any]:
    """The fields that hold references, each reference told in another way."""
    kinds: tuple[tuple[tuple[str, ...], _Teller], ...] = (
        (operation.pictures, _picture),
        (operation.styles, _style),
        (operation.models, _model),
    )
    return {
        name: _each(values[name], name, partial(way, name, tell))
        for names, way in kinds
        for name in names
        if values.get(name)
    }


def _each(value: Any, name: str, tell: Callable[[str], str]) -> Any:
    """A text, or each text of a list, told in another way."""
    if isinstance(value, str):
        return tell(value)
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        raise PlanError(f"{name} is neither a text nor a list of texts.", remedy="correct the value")
    return [tell(one) for one in value]


def _picture(name: str, tell: Callable[[Reference], str], text: str) -> str:
    return tell(referred(text, name))


def _style(name: str, tell: Callable[[Reference], str], text: str) -> str:
    reference, style, weight = weighted(text)
    if reference is None:
        return named(style, name) + weight
    path = tell(reference)
    return path + (weight or (":1" if weighted(path)[2] else ""))


def _model(name: str, tell: Callable[[Reference], str], text: str) -> str:
    reference = weighted(text)[0]
    if reference is None:
        return named(text, name)
    if reference.kind == "upload":
        raise PlanError(f"{name}: what was sent in is no model.", remedy="name a bundled model, or one of a training")
    return tell(reference)


def _models(operation: Operation, plan: Any) -> str:
    """A digest of the models that a plan names, and of Vasari's version."""
    parts = [VERSION, operation.digests(plan)]
    for name in operation.models:
        value = getattr(plan, name)
        if isinstance(value, str) and value in model_files.bundled():
            parts.append(model_files.digest(model_files.BUNDLED_FOLDER / f"{value}.safetensors"))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
