"""Who asks: told by a bearer token, by a session's cookie, or by the machine itself."""

from __future__ import annotations

import re

from fastapi import Request, Response

from vasari.app.settings import Settings
from vasari.app.web.errors import Refusal
from vasari.app.web.security.csrf import token_of
from vasari.app.web.texts import language_of
from vasari.app.web.workbench import Visitor, workbench_of
from vasari.archive.workbench.accounts import LOCAL
from vasari.archive.workbench.roles import Role
from vasari.archive.workbench.secrets_kept import new_secret

LANGUAGE, THEME = "vasari-language", "vasari-theme"
THEMES = ("auto", "light", "dark")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")


def identify(request: Request, *, is_visit: bool = True) -> Visitor:
    """The visitor of a request; asks the database for those with a session or a token. Refuses a bad token: 401.

    Where it `is_visit`, a session lives on by it.
    """
    bench = workbench_of(request)
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        bearer = bench.tokens.bearer(shown.strip())
        if bearer is None:
            raise Refusal(401, "This token is not known, or was revoked.", remedy="make a new one on your account page")
        return _visitor(request, bearer.name, bearer.role, "", token=True)
    given = request.cookies.get(cookie_name(bench.settings), "")
    session = given if _SESSION.fullmatch(given) else ""
    if bench.settings.is_local:
        return _visitor(request, LOCAL, Role.ADMIN, session)
    account = bench.sessions.account(session, is_visit=is_visit) if session else None
    if account is not None:
        return _visitor(request, account.name, account.role, session)
    return _visitor(request, "", Role.PUBLIC, session)


def asks_database(request: Request) -> bool:
    """True where `identify` has to look something up, and must not hold up the other requests meanwhile."""
    settings = workbench_of(request).settings
    return "authorization" in request.headers or (not settings.is_local and cookie_name(settings) in request.cookies)


def stranger(request: Request) -> Visitor:
    """A visitor of whom nothing is known, to whom an error is told."""
    return _visitor(request, "", Role.PUBLIC, "")


def _visitor(request: Request, name: str, role: Role, session: str, *, token: bool = False) -> Visitor:
    theme = request.cookies.get(THEME, "")
    accepted, chosen = request.headers.get("accept-language", ""), request.cookies.get(LANGUAGE, "")
    secret = session or new_secret()
    return Visitor(
        name=name,
        role=role,
        language=language_of(accepted, chosen, workbench_of(request).settings.language),
        csrf=token_of(secret),
        session=secret,
        theme=theme if theme in THEMES else THEMES[0],
        token=token,
        is_new=not session,
    )


def cookie_name(settings: Settings) -> str:
    """The cookie of a session. Servers on other ports of this machine share its cookies: they get other names."""
    return "__Host-vasari" if settings.secure_cookies else f"vasari-{settings.port}"


def give_session(response: Response, session: str, settings: Settings) -> None:
    """Set the cookie of a session; scripts cannot read it, other sites cannot send it along with a form."""
    response.set_cookie(
        cookie_name(settings),
        session,
        max_age=round(settings.session_days * 86400),
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def address_of(request: Request) -> str:
    """The address a request comes from; a trusted proxy's word for it, where there is one."""
    return request.client.host if request.client is not None else ""
