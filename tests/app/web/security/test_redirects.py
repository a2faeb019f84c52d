"""Nobody is led away from the server by an address that somebody else wrote."""

from __future__ import annotations

import pytest

from vasari.app.web.security.redirects import safe_address


@pytest.mark.parametrize("wanted", ["/", "/works/7", "/time?q=a%20b&c=d", "/a#b", "/works/桃", "/a//b", "/a:b@c"])
def test_own_addresses_stay(wanted: str) -> None:
    assert safe_address(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None, "", "works", "//evil.example", "///evil.example", "https://evil.example", "javascript:alert(1)",
        "/\\evil.example", "\\\\evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " /a",
        "/a\r\nSet-Cookie: x=y", "http:evil.example", "/\x00/evil.example", "//[evil",
    ],
)  # fmt: skip
def test_others_do_not(wanted: str | None) -> None:
    assert safe_address(wanted) == "/"
