"""Scripts, styles and pictures of the workbench, served under an address that changes when any of them does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse

from vasari.app.web.errors import not_found
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


@dataclass(frozen=True)
class StaticFiles:
    """The files by name, such as `vendor/htmx.min.js`; nothing else is ever served.

    All have one `version` in their addresses, so that modules find one another by relative addresses.
    """

    files: Mapping[str, Path]
    version: str

    @classmethod
    def of(cls, folder: Path = FOLDER) -> StaticFiles:
        """All files of a folder whose kind is known."""
        found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in KINDS)
        files = {path.relative_to(folder).as_posix(): path for path in found}
        digest = hashlib.sha256()
        for name, path in files.items():
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return cls(files, digest.hexdigest()[:16])

    def address(self, name: str) -> str:
        """The address of a file; raises `KeyError` for one that is not there, which is a fault of a template."""
        if name not in self.files:
            raise KeyError(f"static/{name}")
        return f"/static/{self.version}/{name}"


def static_file(version: str, name: str, request: Request) -> Response:
    """A file; for ever in the browser's cache where the address has this version of it."""
    files: StaticFiles = request.app.state.static
    path = files.files.get(name)
    if path is None:
        raise not_found("such file")
    known = version == files.version
    caching = f"public, max-age={YEAR_SECONDS}, immutable" if known else "no-cache"
    return FileResponse(path, media_type=KINDS[path.suffix], headers={"Cache-Control": caching})


ROUTES = (Route("GET", "/static/{version}/{name:path}", static_file, Role.PUBLIC),)
