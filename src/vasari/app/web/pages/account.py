"""One's own account: password, sessions, and tokens for programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from vasari.app.web.errors import Refusal
from vasari.app.web.rendering import render
from vasari.app.web.route import Role, Route
from vasari.app.web.security.visitors import address_of, give_session
from vasari.app.web.workbench import Bench, Visitor, Who, Workbench
from vasari.archive.workbench.accounts import Account, role_of
from vasari.archive.workbench.roles import GIVEN
from vasari.foundation.errors import PlanError


def account(request: Request, bench: Bench, visitor: Who) -> Response:
    """The page; the one person of this machine is told that no account is needed."""
    if bench.settings.is_local:
        return render(request, "account_local.html")
    return _page(request, bench, _own(bench, visitor))


def change_password(
    request: Request,
    bench: Bench,
    visitor: Who,
    current: Annotated[str, Form(max_length=1000)],
    new: Annotated[str, Form(max_length=1000)],
    again: Annotated[str, Form(max_length=1000)],
) -> Response:
    """Replace the password, for who knows the present one; every session ends, and this browser gets a new one."""
    own = _own(bench, visitor)
    if new != again:
        raise PlanError("The two new passwords differ.", remedy="type the same twice")
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    bench.sessions.log_in(own.name, current, address=address, agent=agent)
    bench.accounts.set_password(own.name, new, by=own.name)
    answer = RedirectResponse("/account", status_code=303)
    give_session(answer, bench.sessions.log_in(own.name, new, address=address, agent=agent), bench.settings)
    return answer


def end_other_sessions(bench: Bench, visitor: Who) -> Response:
    """Log out everywhere else."""
    bench.sessions.end_others(_own(bench, visitor).name, visitor.session)
    return RedirectResponse("/account", status_code=303)


def make_token(
    request: Request,
    bench: Bench,
    visitor: Who,
    label: Annotated[str, Form(max_length=200)],
    role: Annotated[str, Form()],
    days: Annotated[int, Form(ge=0, le=3650)] = 90,
) -> Response:
    """Make a token and show its secret, this once."""
    own = _own(bench, visitor)
    _, secret = bench.tokens.make(own, label, role_of(role), days or None)
    return _page(request, bench, own, secret=secret)


def revoke_token(bench: Bench, visitor: Who, id: str) -> Response:
    """Take a token of one's own away."""
    own = _own(bench, visitor)
    bench.tokens.revoke(id, own.name, by=own.name)
    return RedirectResponse("/account", status_code=303)


def _own(bench: Workbench, visitor: Visitor) -> Account:
    """The visitor's account. A token must not make tokens: who has stolen one could never be shut out."""
    if visitor.token or bench.settings.is_local:
        raise Refusal(403, "This is for somebody who has logged in.", remedy="log in with your name and password")
    return bench.accounts.get(visitor.name)


def _page(request: Request, bench: Workbench, own: Account, **values: Any) -> Response:
    roles = [word for word, role in GIVEN.items() if role <= own.role]
    return render(
        request,
        "account.html",
        account=own,
        sessions=bench.sessions.of(own.name),
        tokens=bench.tokens.of(own.name),
        roles=roles,
        **{"secret": None, **values},
    )


ROUTES = (
    Route("GET", "/account", account, Role.VIEWER),
    Route("POST", "/account/password", change_password, Role.VIEWER),
    Route("POST", "/account/sessions/end-others", end_other_sessions, Role.VIEWER),
    Route("POST", "/account/tokens", make_token, Role.VIEWER),
    Route("POST", "/account/tokens/{id}/revoke", revoke_token, Role.VIEWER),
)
