"""The switches of language and theme, which every page has and which work without scripts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request, Response
from fastapi.responses import RedirectResponse

from vasari.app.settings import LANGUAGES
from vasari.app.web.failures import wants_json
from vasari.app.web.route import Role, Route
from vasari.app.web.security.redirects import safe_address
from vasari.app.web.security.visitors import LANGUAGE, THEME, THEMES
from vasari.app.web.static_files import YEAR_SECONDS
from vasari.app.web.workbench import Bench


def prefer(
    request: Request,
    bench: Bench,
    next: Annotated[str, Form()] = "/",
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
) -> Response:
    """Remember a language, a theme or both in the browser, and go back to the page one was on."""
    answer: Response = RedirectResponse(safe_address(next), status_code=303)
    if wants_json(request):  # a script, which has done the rest itself
        answer = Response(status_code=204)
    for name, value, known in ((LANGUAGE, language, LANGUAGES), (THEME, theme, THEMES)):
        if value in known:
            secure = bench.settings.secure_cookies
            answer.set_cookie(name, value, max_age=YEAR_SECONDS, secure=secure, httponly=True, samesite="lax")
    return answer


ROUTES = (Route("POST", "/preferences", prefer, Role.PUBLIC, status=303),)
