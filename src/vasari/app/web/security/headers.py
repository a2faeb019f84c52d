"""What goes with every answer, and which hosts are answered at all: an ASGI layer around the application."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vasari.app.settings import Settings, is_loopback

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
#: For pages that bring their own styles, as reports do: shown in a world of their own, where nothing runs.
SANDBOX_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Where an endpoint does not say otherwise.
DEFAULTS = {"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store"}
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


class SecurityHeaders:
    """Answers only the hosts that the settings name, and lays the headers on whatever is answered."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                sandboxed = headers.get("Content-Security-Policy") == SANDBOX_POLICY
                headers.update(HEADERS)
                if sandboxed:
                    headers["Content-Security-Policy"] = SANDBOX_POLICY
                for name, value in DEFAULTS.items():
                    headers.setdefault(name, value)
                if self.settings.secure_cookies:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        await (refusal or self.app)(scope, receive, with_headers)

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        """421 for a host that is not ours: a name of another's may lead to this machine (DNS rebinding)."""
        hosts = headers.getlist("host")
        if self.settings.is_local and any(name in headers for name in _FORWARDED):
            return _misdirected("This server takes all comers for its owner, and a proxy stands before it.", _PROXY)
        if len(hosts) != 1 or not self._is_ours(host_name(hosts[0])):
            return _misdirected("This server does not go by that name.", _NAME)
        return None

    def _is_ours(self, name: str) -> bool:
        if self.settings.is_local:
            return is_loopback(name)
        return not self.settings.names or name in {one.lower() for one in self.settings.names} or is_loopback(name)


def host_name(host: str) -> str:
    """The name in a Host header, in lower case, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


_PROXY = "start it with --accounts --trusted-proxy ADDRESS, after vasari accounts add"
_NAME = "use the address that vasari serve printed, or start it with --names"


def _misdirected(what: str, remedy: str) -> JSONResponse:
    return JSONResponse({"error": {"what": what, "remedy": remedy}}, status_code=421)
