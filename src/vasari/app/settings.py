"""How the workbench is served: where, for whom, and within which limits. A plan: the options of `vasari serve`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from vasari.foundation.plans import check, option

LANGUAGES = {"en": "English", "zh": "中文"}
#: How much disk reading copies may be given, wherever one says so.
COPIES_GIB = {"minimum": 0.001, "maximum": 1e6}


@dataclass(frozen=True)
class Settings:
    """The settings of a server."""

    host: str = option("127.0.0.1", "address to listen at; beyond this machine accounts are needed")
    port: int = option(8765, "port to listen at; 0 takes a free one", minimum=0, maximum=65535)
    processes: int = option(1, "server processes at the one port, for many visitors at once", minimum=1, maximum=64)
    workers: int = option(1, "worker processes that do jobs here; 0 where others do them", minimum=0, maximum=64)
    accounts: bool = option(False, "ask for a log-in on this machine too, as behind a reverse proxy")
    names: tuple[str, ...] = option((), "host names that the server answers to; empty for any, once there are accounts")
    trusted_proxy: str = option("", "address of a reverse proxy whose X-Forwarded headers are believed")
    insecure_cookies: bool = option(False, "send cookies without TLS beyond this machine; only in a network you trust")
    language: str = option("en", "language of a visitor who asks for none we have", choices=tuple(LANGUAGES))
    roots: tuple[str, ...] = option((), "folders from which pictures may be added by path; empty for none")
    largest_upload_bytes: int = option(4 << 30, "largest file that may be sent, in bytes", minimum=1024)
    largest_upload_pixels: int = option(2_000_000_000, "most pixels of a picture that is sent", minimum=1)
    largest_form_bytes: int = option(2 << 20, "largest form or JSON that may be sent, in bytes", minimum=1024)
    reading_copies_gib: float = option(20.0, "disk that reading copies of large pictures take, GiB", **COPIES_GIB)
    copies_on_demand: bool = option(False, "make reading copies only when a picture is asked for, none ahead")
    open_iiif: bool = option(False, "let everybody, and other sites' pages, see the pictures by IIIF without a log-in")
    provider: str = option("", "who provides the pictures, as IIIF manifests name them")
    provider_page: str = option("", "the web page of the provider, https://...")
    session_idle_hours: float = option(12.0, "hours without a visit after which one logs in again", minimum=0.01)
    session_days: float = option(14.0, "days after which one logs in again in any case", minimum=0.01)

    def __post_init__(self) -> None:
        check(self)

    @property
    def is_local(self) -> bool:
        """True where only this machine can reach the server and one person uses it without ceremony."""
        return is_loopback(self.host) and not self.accounts

    @property
    def secure_cookies(self) -> bool:
        """True where cookies are sent over TLS alone."""
        return not is_loopback(self.host) and not self.insecure_cookies


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 and localhost."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
