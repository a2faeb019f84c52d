"""Weights from an address: fetched once, held against the digest that the address carries, kept in a cache.

https://example.org/restore.safetensors#sha256=<64 hex digits>
hf://owner/repository/restore.safetensors#sha256=<64 hex digits>
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

from vasari.foundation.atomic_files import write_whole
from vasari.foundation.errors import WeightsError

SCHEMES = ("https", "hf")
TIMEOUT_SECONDS = 60
LARGEST_BYTES = 2_000_000_000
_DIGEST = re.compile(r"sha256=([0-9a-f]{64})")


def is_address(text: str) -> bool:
    """True for anything with a scheme."""
    return "://" in text


def fetched(address: str, cache: Path | None = None) -> Path:
    """The file of an `https` or `hf` address in the cache, downloaded where it is not there yet.

    Raises `WeightsError` for another scheme, a missing digest, a failed download and another content.
    """
    url, digest = parse(address)
    return fetch(url, digest, cache or cache_folder())


def parse(address: str) -> tuple[str, str]:
    """The plain `https` URL and the digest of an address; raises `WeightsError`."""
    location, _, fragment = address.partition("#")
    scheme, _, rest = location.partition("://")
    if scheme not in SCHEMES:
        raise WeightsError(
            f"{address} begins with {scheme}://, which is not allowed for weights.", remedy="use https:// or hf://"
        )
    digest = _DIGEST.fullmatch(fragment)
    if digest is None:
        raise WeightsError(
            f"{address} carries no digest; downloaded weights are only used when their content is known.",
            remedy="append #sha256= and the 64 hex digits that the publisher names",
        )
    if scheme == "https":
        return location, digest[1]
    parts = rest.split("/", 2)
    if len(parts) < 3 or not all(parts):
        raise WeightsError(f"{address} names no file.", remedy="write hf://owner/repository/file.safetensors#sha256=…")
    owner, repository, file = parts
    return f"https://huggingface.co/{owner}/{repository}/resolve/main/{file}", digest[1]


def cache_folder() -> Path:
    """$VASARI_CACHE, else the user's cache folder."""
    named = os.environ.get("VASARI_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else base / "vasari" / "weights"


def fetch(url: str, digest: str, cache: Path) -> Path:
    """`cache`/DIGEST/NAME, downloaded from `url` and compared with the digest before it becomes visible."""
    path = cache / digest / (url.rsplit("/", 1)[-1] or "weights.safetensors")
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return path
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            data = answer.read(LARGEST_BYTES + 1)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise WeightsError(
            f"{url} could not be downloaded: {error}.",
            remedy="check the network, or download the file elsewhere and name its path",
        ) from error
    if len(data) > LARGEST_BYTES:
        raise WeightsError(f"{url} is larger than {LARGEST_BYTES} bytes.", remedy="check the address")
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise WeightsError(
            f"{url} has the digest {found}, not {digest}: it is not the file that was named.",
            remedy="check the address and the digest with the publisher",
        )
    return write_whole(path, data)
