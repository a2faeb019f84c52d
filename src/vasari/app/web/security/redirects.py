"""Where to go after a form: an address of our own, whatever was asked for."""

from __future__ import annotations

from urllib.parse import urlsplit


def safe_address(wanted: str | None, otherwise: str = "/") -> str:
    """`wanted` if it is a path of this server, else `otherwise`.

    Browsers read backslashes as slashes and leave out tabs and line ends, so that neither may be in it.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return otherwise
    if any(ord(sign) < 0x20 or ord(sign) == 0x7F for sign in wanted):
        return otherwise
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else wanted
