"""A row of the table of routes: what is asked how, who answers, and what a visitor must be to ask it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vasari.archive.workbench.roles import Role

__all__ = ["MUTATING", "Role", "Route"]

#: Methods that change something: they need the visitor's CSRF token, or a bearer token of the API.
MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Route:
    """One address of the workbench; `path` is FastAPI's, such as `/works/{id}`.

    `largest_body` is what a request may send, in bytes; None for the settings' limit of a form. An endpoint that
    itself streams and limits its body says `largest_body=0`: then no limit is laid on it here. `event`, one of
    `EVENTS`, is what the audit calls a request that was done; of what, is its address, or the Location of the answer.
    """

    method: str
    path: str
    endpoint: Callable[..., Any]
    role: Role
    status: int = 200
    largest_body: int | None = None
    event: str = ""

    @property
    def is_api(self) -> bool:
        """True for what answers in JSON to programs, errors as well."""
        return self.path.startswith(("/api/", "/iiif/"))

    @property
    def is_documented(self) -> bool:
        """True for what the OpenAPI document describes."""
        return self.path.startswith("/api/v1/") and not self.path.endswith("openapi.json")

    @property
    def changes(self) -> bool:
        """True for a request that changes something."""
        return self.method in MUTATING
