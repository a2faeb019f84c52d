"""Scripts, styles and pictures of the workbench, served under an address that changes when any of them does."""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response

from vasari.app.web.errors import not_found
from vasari.app.web.iiif.answers import unchanged
from vasari.app.web.route import Role, Route

FOLDER = Path(__file__).parent / "static"
KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}
YEAR_SECONDS = 31_536_000
#: What gzip makes hardly smaller is sent as it is.
_PACKED = (".css", ".js", ".svg", ".txt", ".md")


@dataclass(frozen=True)
class StaticFile:
    """A file in memory, as it is and, where that is shorter, packed by gzip; `tag` names its bytes."""

    media_type: str
    data: bytes
    packed: bytes | None
    tag: str

    @classmethod
    def of(cls, path: Path) -> StaticFile:
        """A file read and packed."""
        data = path.read_bytes()
        # Without a time in it, so that the same file is packed to the same bytes.
        packed = gzip.compress(data, 9, mtime=0) if path.suffix in _PACKED else data
        tag = hashlib.sha256(data).hexdigest()[:32]
        return cls(KINDS[path.suffix], data, packed if len(packed) < len(data) else None, tag)


@dataclass(frozen=True)
class StaticFiles:
    """The files by name, such as `vendor/htmx.min.js`; nothing else is ever served.

    All have one `version` in their addresses, so that modules find one another by relative addresses. They are less
    than a megabyte, and read once.
    """

    files: Mapping[str, StaticFile]
    version: str

    @classmethod
    def of(cls, folder: Path = FOLDER) -> StaticFiles:
        """All files of a folder whose kind is known."""
        found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in KINDS)
        files = {path.relative_to(folder).as_posix(): StaticFile.of(path) for path in found}
        digest = hashlib.sha256("".join(f"{name}\0{one.tag}\n" for name, one in files.items()).encode())
        return cls(files, digest.hexdigest()[:16])

    def address(self, name: str) -> str:
        """The address of a file; raises `KeyError` for one that is not there, which is a fault of a template."""
        if name not in self.files:
            raise KeyError(f"static/{name}")
        return f"/static/{self.version}/{name}"


@functools.cache
def bundled() -> StaticFiles:
    """The files of the package, read once."""
    return StaticFiles.of()


async def static_file(version: str, name: str, request: Request) -> Response:
    """A file out of memory; for ever in the browser's cache where the address has this version of it."""
    files: StaticFiles = request.app.state.static
    file = files.files.get(name)
    if file is None:
        raise not_found("such file")
    packs = file.packed is not None and _takes_gzip(request.headers.get("accept-encoding", ""))
    headers = {
        "Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable" if version == files.version else "no-cache",
        "ETag": f'"{file.tag}-gzip"' if packs else f'"{file.tag}"',
        "Vary": "Accept-Encoding",
    }
    if unchanged(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if packs else file.data, media_type=file.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding names gzip (RFC 9110, 12.5.3), and does not refuse it."""
    named = [part.strip().lower().replace(" ", "") for part in accepted[:200].split(",")]
    return any(one == "gzip" or (one.startswith("gzip;q=") and one[7:].strip("0.") != "") for one in named)


ROUTES = (Route("GET", "/static/{version}/{name:path}", static_file, Role.PUBLIC),)
