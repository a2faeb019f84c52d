"""Requests that change something must come from our own pages: a token, and where browsers tell, the origin."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request

from vasari.app.web.errors import Refusal

HEADER = "X-CSRF-Token"
FIELD = "csrf"
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def token_of(session: str) -> str:
    """The CSRF token that goes with a session: 256 bits made of its secret, which they do not betray."""
    return hashlib.sha256(b"vasari csrf " + session.encode()).hexdigest()


async def check(request: Request, expected: str, *, in_form: bool = True) -> None:
    """Refuse with 403 a request without the token in its header or form, or one that another site made.

    Without `in_form` only the header counts: the body is not read here, however large it is.
    """
    if not _is_ours(request):
        raise _refused("The request comes from another site.")
    given = request.headers.get(HEADER)
    is_form = request.headers.get("content-type", "").lower().startswith(_FORMS)
    if given is None and in_form and is_form:
        value = (await request.form()).get(FIELD)
        given = value if isinstance(value, str) else None
    if given is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise _refused("The request has no valid token against forgery.")


def _is_ours(request: Request) -> bool:
    """False where the browser says that another site sends the request."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")
    except ValueError:  # no address at all
        return False


def _refused(message: str) -> Refusal:
    return Refusal(403, message, remedy="load the page anew and try again; programs send a bearer token")
