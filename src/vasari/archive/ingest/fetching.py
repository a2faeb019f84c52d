"""Pictures and manifests from the web, within limits: https alone, public addresses alone, bounded size and time."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasari.foundation.errors import PictureError, WriteError
from vasari.foundation.version import VERSION

#: Host and port -> addresses.
Resolver = Callable[[str, int], Sequence[str]]
PICTURES = ("image/",)
MANIFESTS = ("application/json", "application/ld+json")
REDIRECTS = (301, 302, 303, 307, 308)
BLOCK = 1 << 16
LONGEST_ADDRESS = 2000


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host; raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """True for an address of the public internet: none that is private, loopback, link-local, multicast or reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)))
    site_local = isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local  # fec0::/10, which Python calls global
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or site_local)


_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # NAT64, RFC 6052


@dataclass(frozen=True)
class WebLimits:
    """What a fetch may take. `resolver`, `allowed` and `context` are for tests: names, addresses, certificates."""

    max_bytes: int = 2 << 30
    max_redirects: int = 5
    connect_seconds: float = 15.0
    total_seconds: float = 600.0
    resolver: Resolver = resolve
    allowed: Callable[[str], bool] = is_public
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def is_address(text: str) -> bool:
    """True for what looks like a web address and not like a file."""
    return text.lower().startswith(("https://", "http://"))


def fetch(address: str, target: Path, kinds: Sequence[str], limits: WebLimits) -> str:
    """Write what is at an address into the new file `target`; returns the final address.

    Every redirect is checked like the first address; the connection goes to the very address that was checked.
    Raises `PictureError` for anything that is refused or fails, `WriteError` where the disk is full; then `target`
    is gone.
    """
    until = time.monotonic() + limits.total_seconds
    seen = 0
    while True:
        connection = _connection(address, limits)
        try:
            response = _asked(connection, address)
            if response.status in REDIRECTS:
                seen += 1
                if seen > limits.max_redirects:
                    raise _refused(address, f"it redirects more than {limits.max_redirects} times")
                address = urllib.parse.urljoin(address, response.getheader("Location") or "")
                continue
            _check(response, address, kinds, limits)
            _save(response, address, target, limits, until)
            return address
        except (OSError, ValueError, http.client.HTTPException) as error:  # ValueError: an address that is none
            raise _refused(address, f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()


def _connection(address: str, limits: WebLimits) -> http.client.HTTPSConnection:
    """A connection to a checked address of the host; raises `PictureError`."""
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError as error:
        raise _refused(address, str(error)) from None
    if len(address) > LONGEST_ADDRESS:
        raise _refused(address[:100], f"its address is longer than {LONGEST_ADDRESS} characters")
    if parts.scheme != "https" or not host or parts.username or parts.password:
        raise _refused(address, "only https addresses without a password are fetched")
    try:
        addresses = limits.resolver(host, port)
        public = [one for one in addresses if limits.allowed(one)]
    except (OSError, ValueError, UnicodeError) as error:
        raise _refused(address, f"{host} is not found ({error})") from None
    if not public or len(public) != len(addresses):
        raise _refused(address, f"{host} is an address of a private network")
    return _Pinned(host, public[0], port, limits)


class _Pinned(http.client.HTTPSConnection):
    """Connects to one checked address; the certificate must be the host's."""

    def __init__(self, host: str, address: str, port: int, limits: WebLimits) -> None:
        super().__init__(host, port, timeout=limits.connect_seconds, context=limits.context)
        self._address, self._tls = address, limits.context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _asked(connection: http.client.HTTPSConnection, address: str) -> http.client.HTTPResponse:
    parts = urllib.parse.urlsplit(address)
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        f"?{parts.query}" if parts.query else ""
    )
    headers = {"User-Agent": f"Vasari/{VERSION}", "Accept-Encoding": "identity"}
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def _check(response: http.client.HTTPResponse, address: str, kinds: Sequence[str], limits: WebLimits) -> None:
    if response.status != 200:
        raise _refused(address, f"the server answers {response.status} {response.reason}")
    kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
    if not kind.startswith(tuple(kinds)):
        raise _refused(address, f"it is {kind or 'of no stated type'}, not {' or '.join(kinds)}")
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise _refused(address, "the server packs what it sends, though it was asked not to")
    if response.length is not None and response.length > limits.max_bytes:
        raise _refused(address, f"it has {response.length} bytes, more than {limits.max_bytes}")


def _save(response: http.client.HTTPResponse, address: str, target: Path, limits: WebLimits, until: float) -> None:
    expected, size = response.length, 0
    try:
        file = target.open("xb")
    except OSError as error:
        raise WriteError(f"{target} could not be written: {error.strerror}.", remedy="free some space") from error
    try:
        with file:
            while block := response.read1(BLOCK):
                size += len(block)
                if size > limits.max_bytes:
                    raise _refused(address, f"it has more than {limits.max_bytes} bytes")
                if time.monotonic() > until:
                    raise _refused(address, f"it takes more than {limits.total_seconds:g} seconds")
                _write(file.write, block, target)
        if expected is not None and size != expected:
            raise _refused(address, f"{size} of {expected} bytes came")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _write(write: Callable[[bytes], int], block: bytes, target: Path) -> None:
    try:
        write(block)
    except OSError as error:
        raise WriteError(f"{target} could not be written: {error.strerror}.", remedy="free some space") from error


def _refused(address: str, reason: str) -> PictureError:
    return PictureError(f"{address} was not fetched: {reason}.", remedy="check the address, or fetch it yourself")
