"""What all answers of IIIF's interfaces share: their addresses, who may read them from another site, 304."""

from __future__ import annotations

from fastapi import Request

from vasari.app.settings import Settings, is_loopback
from vasari.app.web.security.headers import host_name

LEVEL = "http://iiif.io/api/image/3/level2.json"


def base_of(request: Request) -> str:
    """The address under which this server was asked, without a slash at its end."""
    return f"{request.url.scheme}://{request.url.netloc}"


def open_headers(request: Request, settings: Settings) -> dict[str, str]:
    """Who may read an answer from another site's page (CORS).

    Everybody where the pictures are open, or a bearer token must be shown in any case. Where one person uses the
    server on their own machine without a log-in, only pages of that machine may: else any site that is open in the
    same browser could read the archive.
    """
    headers = {"Vary": "Origin, Accept", "Cross-Origin-Resource-Policy": "cross-origin"}
    origin = request.headers.get("origin", "")
    if settings.open_iiif or not settings.is_local:
        return headers | {"Access-Control-Allow-Origin": "*"}
    if is_loopback(host_name(origin.partition("://")[2])):
        return headers | {"Access-Control-Allow-Origin": origin}
    return {"Vary": "Origin, Accept"}


def unchanged(request: Request, tag: str) -> bool:
    """Whether the browser has this version already (RFC 9110, 13.1.2)."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in known.split(","))
