"""Who a program is to the workbench, and the token that it sends with changes when it has no bearer token."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response

from vasari.app.web.route import Role, Route
from vasari.app.web.security.visitors import give_session
from vasari.app.web.workbench import Bench, Who


@dataclass(frozen=True)
class VisitorFacts:
    """What the workbench takes a visitor for."""

    name: str
    role: str
    language: str
    csrf: str


def visitor(response: Response, bench: Bench, who: Who) -> VisitorFacts:
    """Who asks. A program on the server's own machine sends back the cookie, and `csrf` as X-CSRF-Token."""
    if who.is_new and not who.token:
        give_session(response, who.session, bench.settings)
    return VisitorFacts(who.name, who.role.word, who.language, who.csrf)


ROUTES = (Route("GET", "/api/v1/visitor", visitor, Role.VIEWER),)
